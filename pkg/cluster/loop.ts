import { OvrError, type Clock } from '../api/index.ts';

export interface LoopDeps {
  readonly clock: Clock;
  /** A number in [0, 1), for jitter. */
  readonly random: () => number;
  /** Told of each failure; the loop tries again by itself. */
  readonly failed: (error: unknown) => void;
}

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;

/**
 * Level-triggered work: one round at a time, a ring during a round makes one more right after it, of several rings the earliest counts,
 * and a round that fails is tried again with back-off. Without a connection it waits: `connected` rings.
 */
export class Loop {
  readonly #deps: LoopDeps;
  readonly #round: () => Promise<void>;
  #cancel: () => void = () => undefined;
  #dueMs = Infinity;
  #failures = 0;
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(deps: LoopDeps, round: () => Promise<void>) {
    this.#deps = deps;
    this.#round = round;
  }

  /** Asks for a round in `delayMs` at the latest. */
  ring(delayMs = 0): void {
    if (this.#isStopped) return;
    const dueMs = this.#deps.clock.monotonic() + delayMs;
    if (dueMs >= this.#dueMs) return;
    this.#dueMs = dueMs;
    this.#schedule();
  }

  /** No further rounds; resolves when the one that runs has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
    await this.#running;
  }

  #schedule(): void {
    if (this.#running || this.#isStopped || this.#dueMs === Infinity) return;
    this.#cancel();
    const delayMs = Math.max(0, this.#dueMs - this.#deps.clock.monotonic());
    if (delayMs > 0) this.#cancel = this.#deps.clock.after(delayMs, () => this.#start());
    else queueMicrotask(() => this.#start());
  }

  #start(): void {
    if (this.#running || this.#isStopped || this.#dueMs === Infinity) return;
    this.#cancel();
    this.#dueMs = Infinity;
    this.#running = this.#once().finally(() => {
      this.#running = undefined;
      this.#schedule();
    });
  }

  async #once(): Promise<void> {
    try {
      await this.#round();
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      this.#deps.failed(error);
      const isApart = error instanceof OvrError && error.code === 'coordinator-unreachable';
      if (!isApart) this.ring(this.#backoffMs());
    }
  }

  #backoffMs(): number {
    const base = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#failures - 1, 10));
    return Math.round(base * (0.75 + 0.5 * this.#deps.random()));
  }
}
