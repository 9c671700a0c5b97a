import type { ObjectKey } from './key.ts';

/** The state an object is in, best first. A closed set: it is a metric label. */
export const CONDITIONS = [
  'Ready',
  'Progressing',
  'Completed',
  'Drifted',
  'Suspended',
  'Degraded',
  'NotHere',
  'Ignored',
  'Kept',
  'Waiting',
  'Fenced',
  'Unschedulable',
  'Conflict',
  'NeedsRecreate',
  'UpdateFailed',
  'PruneHeld',
  'Stalled',
  'Failed',
] as const;
export type ConditionType = (typeof CONDITIONS)[number];

/** Where one object stands and why, in a sentence that says what to do next where something is to be done. */
export interface Condition {
  readonly key: ObjectKey;
  readonly type: ConditionType;
  readonly message: string;
}
