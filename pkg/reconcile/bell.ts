import type { Clock } from '../api/index.ts';

/**
 * Turns many rings into few rounds: one round at a time, a ring during a round starts another right after it, and of several
 * rings the earliest counts.
 */
export class Bell {
  readonly #clock: Clock;
  readonly #round: (seenMs: number) => Promise<void>;
  #cancel: (() => void) | undefined;
  #dueMs = Infinity;
  /** Monotonic time of the first ring that no round has answered yet. */
  #seenMs: number | undefined;
  #isRunning = false;
  #isStopped = false;

  constructor(clock: Clock, round: (seenMs: number) => Promise<void>) {
    this.#clock = clock;
    this.#round = round;
  }

  /** Asks for a round in `delayMs` at the latest. */
  ring(delayMs = 0): void {
    if (this.#isStopped) return;
    const nowMs = this.#clock.monotonic();
    if (delayMs === 0) this.#seenMs ??= nowMs;
    const dueMs = nowMs + delayMs;
    if (dueMs >= this.#dueMs) return;
    this.#dueMs = dueMs;
    this.#schedule();
  }

  /** When the first ring came that this round does not answer; undefined when none did. */
  get waitingSinceMs(): number | undefined {
    return this.#seenMs;
  }

  /** No further rounds; one that runs goes on to its end. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  #schedule(): void {
    if (this.#isRunning || this.#dueMs === Infinity) return;
    this.#cancel?.();
    const delayMs = Math.max(0, this.#dueMs - this.#clock.monotonic());
    if (delayMs === 0) queueMicrotask(() => void this.#start());
    else this.#cancel = this.#clock.after(delayMs, () => void this.#start());
  }

  async #start(): Promise<void> {
    if (this.#isRunning || this.#isStopped || this.#dueMs === Infinity) return;
    this.#isRunning = true;
    this.#cancel?.();
    this.#dueMs = Infinity;
    const seenMs = this.#seenMs ?? this.#clock.monotonic();
    this.#seenMs = undefined;
    await this.#round(seenMs);
    this.#isRunning = false;
    this.#schedule();
  }
}
