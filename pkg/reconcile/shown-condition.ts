import type { Condition } from '../api/index.ts';
import type { FailureRecord } from './retry-book.ts';

/**
 * The condition an object shows: the plan's, unless its last try failed or it flaps.
 * @param about.failure what the last try ran into
 * @param about.pauseMs how long the flap breaker still holds it
 */
export function shownCondition(
  condition: Condition,
  about: { failure: FailureRecord | undefined; pauseMs: number; nowMs: number },
): { condition: Condition; nextTryInMs?: number } {
  const { failure, pauseMs, nowMs } = about;
  if (failure && condition.type !== 'UpdateFailed') return shownFailure(condition, failure, nowMs);
  if (pauseMs === 0) return { condition };
  const message = `repaired 5 times in 300 s and broken again: something else keeps changing it (${condition.message})`;
  return { condition: { key: condition.key, type: 'Stalled', message }, nextTryInMs: pauseMs };
}

function shownFailure(
  { key }: Condition,
  { error, nextTryMs }: FailureRecord,
  nowMs: number,
): { condition: Condition; nextTryInMs?: number } {
  const type = error.code === 'heal-stalled' ? 'Stalled' : error.kind === 'waiting' ? 'Waiting' : 'Failed';
  if (nextTryMs === undefined) {
    return { condition: { key, type, message: `${error.message}; not tried again until something changes` } };
  }
  return { condition: { key, type, message: error.message }, nextTryInMs: Math.max(0, nextTryMs - nowMs) };
}
