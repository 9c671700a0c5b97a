import type { Cause } from '../api/index.ts';
import type { ObservedContainer } from '../state/index.ts';
import type { Action } from './action.ts';
import { isUp } from './readiness.ts';

/** Stops a container with the grace period that it was made with, and removes it. */
export function stopAndRemove(container: ObservedContainer, cause: Cause): Action[] {
  const ref = { name: container.name, id: container.id };
  const unpause: Action[] =
    container.state === 'paused' ? [{ type: 'UnpauseContainer', container: ref, cause }] : [];
  const stop: Action[] = isUp(container)
    ? [...unpause, { type: 'StopContainer', container: ref, cause }]
    : [];
  return [...stop, { type: 'RemoveContainer', container: ref, cause }];
}
