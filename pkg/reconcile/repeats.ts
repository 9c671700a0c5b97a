/** A failure that lasts is told again this often. */
const REPEAT_MS = 300_000;
/** Of so many at most, those that began last: the others are told as if they were new. */
const MAX_KNOWN = 1_000;

interface Known {
  readonly what: string;
  readonly sinceMs: number;
  times: number;
  toldMs: number;
}

/** Keeps what fails again and again, every other second for a night, from being all that is told. */
export class Repeats {
  readonly #known = new Map<string, Known>();

  /**
   * Notes that something failed at `nowMs` (monotonic). Returns undefined where it was told lately; else how often it has failed in the same way,
   * over how many milliseconds.
   * @param subject what failed
   * @param what in which way
   */
  failed(subject: string, what: string, nowMs: number): { times: number; overMs: number } | undefined {
    const known = this.#known.get(subject);
    if (known?.what !== what) {
      this.#remember(subject, { what, sinceMs: nowMs, times: 1, toldMs: nowMs });
      return { times: 1, overMs: 0 };
    }
    known.times += 1;
    if (nowMs - known.toldMs < REPEAT_MS) return undefined;
    known.toldMs = nowMs;
    return { times: known.times, overMs: nowMs - known.sinceMs };
  }

  /** It went well: the next failure is news. */
  worked(subject: string): void {
    this.#known.delete(subject);
  }

  #remember(subject: string, known: Known): void {
    this.#known.delete(subject);
    this.#known.set(subject, known);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN) return;
      this.#known.delete(oldest);
    }
  }
}
