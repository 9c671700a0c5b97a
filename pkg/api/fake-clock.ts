import type { Clock } from './clock.ts';

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** Where a fake wall clock starts unless told otherwise: 2026-01-01T00:00:00Z. */
const DEFAULT_NOW_MS = 1_767_225_600_000;

/** A clock that a test moves by hand. Timers run in the order they are due; of those due together, the first set runs first. */
export class FakeClock implements Clock {
  #wallMs: number;
  #elapsedMs = 0;
  readonly #timers = new Set<Timer>();

  /** `nowMs`: what the wall clock shows at first, milliseconds since the epoch. */
  constructor(nowMs: number = DEFAULT_NOW_MS) {
    this.#wallMs = nowMs;
  }

  now(): number {
    return this.#wallMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { dueMs: this.#elapsedMs + Math.max(0, delayMs), callback };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** Sets the wall clock, as an operator or NTP would; `monotonic()` and timers do not notice. */
  setNow(nowMs: number): void {
    this.#wallMs = nowMs;
  }

  /** Timers that have not run yet. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves time on by `ms` and runs every timer that falls due on the way, also those set on the way. */
  advance(ms: number): void {
    const endMs = this.#elapsedMs + ms;
    while (this.#runNext(endMs));
    this.#moveTo(endMs);
  }

  /** As `advance`, but lets all promises that are ready settle before, between and after the timers. */
  async advanceAsync(ms: number): Promise<void> {
    const endMs = this.#elapsedMs + ms;
    await settle();
    while (this.#runNext(endMs)) await settle();
    this.#moveTo(endMs);
    await settle();
  }

  #runNext(endMs: number): boolean {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    if (next === undefined) return false;
    this.#timers.delete(next);
    this.#moveTo(next.dueMs);
    next.callback();
    return true;
  }

  #moveTo(elapsedMs: number): void {
    this.#wallMs += elapsedMs - this.#elapsedMs;
    this.#elapsedMs = elapsedMs;
  }
}

/** Ends when every promise callback that is ready now, and those that these make ready, have run. */
function settle(): Promise<void> {
  // Only a turn of the event loop is sure to come after all microtasks, however deep they chain. It waits for no time.
  // eslint-disable-next-line no-restricted-globals
  return new Promise((resolve) => setImmediate(resolve));
}
