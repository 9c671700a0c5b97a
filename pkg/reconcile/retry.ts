import type { ErrorKind } from '../api/index.ts';

/** What follows a failure. */
export type RetryRule =
  | { readonly retry: 'back-off' }
  | { readonly retry: 'after'; readonly delayMs: number }
  | { readonly retry: 'on-change' };

/** The one table from error kind to retry. `already-so` never gets here: it is a success. */
const RULES: Readonly<Record<Exclude<ErrorKind, 'already-so'>, RetryRule>> = {
  transient: { retry: 'back-off' },
  waiting: { retry: 'after', delayMs: 2_000 },
  invalid: { retry: 'on-change' },
};

const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 60_000;
/** Spread of the back-off, so that agents that failed together do not retry together. */
const JITTER = 0.2;

export function retryRule(kind: ErrorKind): RetryRule {
  return kind === 'already-so' ? { retry: 'back-off' } : RULES[kind];
}

/**
 * Exponential back-off with jitter, in milliseconds.
 * @param failures how many in a row, from 1
 * @param random a number in [0, 1)
 */
export function backoffMs(failures: number, random: number): number {
  const base = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures - 1, 16));
  return Math.round(base * (1 - JITTER / 2 + JITTER * random));
}
