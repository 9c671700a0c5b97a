import type { ReadRules } from './sighting.ts';

/**
 * How a version of a file came to be, as far as can be told:
 * - `old`: it was there, and quiet for a while, when the folder was first seen
 * - `moved`: renamed or linked into place in one step, with no write under its name since
 * - `written`: anything else; it may be half of what it is going to be
 *
 * Time stamps cannot tell `moved` from `written`: a kernel stamps a write and a rename that follow each other within one tick
 * (1 to 10 ms; also with the fine-grained stamps of Linux 6.13, which need a look in between) alike. Events can, and where they
 * are missing everything counts as `written`: slower, never less safe.
 */
export type Arrival = 'old' | 'moved' | 'written';

/**
 * A file written in place must be unchanged this long before it is read. A writer that keeps the file open is found by other
 * means (writers.ts), so this only covers writers that open it several times in a row, such as `{ a >f; b >>f; }` in a shell:
 * the gap is the start of one process, some milliseconds. Nobody notices 0.1 s.
 */
export const DEFAULT_SETTLE_MS = 100;
/** Where other processes' open files cannot be seen, being unchanged is the only sign, so it takes longer. */
export const BLIND_SETTLE_MS = 1_000;
/** A text file that does not end with a newline has probably not ended. */
export const UNTERMINATED_SETTLE_MS = 2_000;
/** A file that was last changed this long before the folder was first seen needs no waiting. */
export const OLD_AGE_MS = 2_000;

/** The rules for reading a file now, or how long to wait first. */
export function readRules(
  arrival: Arrival,
  unchangedMs: number,
  settleMs: number,
): { rules: ReadRules } | { waitMs: number } {
  if (arrival === 'moved')
    return { rules: { checkWriters: 'doubtful', acceptBlind: true, acceptUnterminated: true } };
  if (arrival === 'old')
    return { rules: { checkWriters: 'always', acceptBlind: true, acceptUnterminated: true } };
  if (unchangedMs < settleMs) return { waitMs: settleMs - unchangedMs };
  return {
    rules: {
      checkWriters: 'always',
      acceptBlind: unchangedMs >= Math.max(settleMs, BLIND_SETTLE_MS),
      acceptUnterminated: unchangedMs >= Math.max(settleMs, UNTERMINATED_SETTLE_MS),
    },
  };
}
