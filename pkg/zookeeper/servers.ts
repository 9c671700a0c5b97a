import type { Server } from './library.ts';

/** The servers in an order of this agent's own, so that not all agents ask the same one first. `random`: 0 to below 1. */
export function shuffled(servers: readonly Server[], random: () => number): Server[] {
  const left = [...servers];
  const result: Server[] = [];
  while (left.length > 0) result.push(...left.splice(Math.floor(random() * left.length), 1));
  return result;
}

const FIRST_MS = 100;
const MOST_MS = 2_000;
const REFUSED_FIRST_MS = 500;
const REFUSED_MOST_MS = 30_000;

/** How long to wait before the next try, after so many that failed in a row: anything up to a bound that doubles, at most 2 s. */
export function retryDelayMs(failures: number, random: () => number): number {
  return random() * Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(failures, 10));
}

/** After a refusal that only a person can mend: at least half of a bound that doubles, at most 30 s. */
export function refusedDelayMs(refusals: number, random: () => number): number {
  const boundMs = Math.min(REFUSED_MOST_MS, REFUSED_FIRST_MS * 2 ** Math.min(refusals, 10));
  return boundMs * (0.5 + random() / 2);
}

const OPEN_AT_LEAST_MS = 1_000;
const OPEN_AT_FIRST_MS = 4_000;
const OPEN_AT_MOST_MS = 8_000;

/**
 * How long a server may take until a connection is in order: a third of the session timeout, so that others can be asked while the
 * session lives. Longer when all took too long (`rounds`): they may be at the end of their strength, with everybody coming back. Never longer
 * than a session lives: one that is starting up may take a connection and forget it.
 */
export function openWithinMs(sessionTimeoutMs: number, rounds: number): number {
  const firstMs = Math.min(Math.max(sessionTimeoutMs / 3, OPEN_AT_LEAST_MS), OPEN_AT_FIRST_MS);
  const mostMs = Math.min(Math.max(sessionTimeoutMs, OPEN_AT_LEAST_MS), OPEN_AT_MOST_MS);
  return Math.min(firstMs * 2 ** Math.floor(rounds), mostMs);
}
