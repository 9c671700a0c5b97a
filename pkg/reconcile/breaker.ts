const WINDOW_MS = 300_000;
const REPAIRS_TO_STALL = 5;
const FIRST_PAUSE_MS = 30_000;
const MAX_PAUSE_MS = 300_000;

/**
 * Notices an object that is repaired again and again: something else keeps breaking it. Five repairs in 300 s stall it;
 * each further one then waits longer. A window without a repair forgives.
 */
export class FlapBreaker<Key> {
  readonly #repairs = new Map<Key, number[]>();

  /** Counts a repair that was done at `nowMs` (monotonic). */
  recordRepair(key: Key, nowMs: number): void {
    const recent = this.#recent(key, nowMs);
    recent.push(nowMs);
    this.#repairs.set(key, recent);
  }

  /** How long the next repair has to wait from now; 0 while the object does not flap. */
  pauseMs(key: Key, nowMs: number): number {
    const recent = this.#recent(key, nowMs);
    const last = recent.at(-1);
    if (last === undefined || recent.length < REPAIRS_TO_STALL) return 0;
    const pause = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (recent.length - REPAIRS_TO_STALL));
    return Math.max(0, last + pause - nowMs);
  }

  #recent(key: Key, nowMs: number): number[] {
    return (this.#repairs.get(key) ?? []).filter((at) => nowMs - at < WINDOW_MS);
  }
}
