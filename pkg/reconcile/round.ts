import type { Revision } from '../manifest/index.ts';
import type { Plan } from '../plan/index.ts';
import type { ObservedState } from '../state/index.ts';

/** What a source said at one moment. */
export interface Declared {
  readonly revision: Revision;
  readonly doubt: string | undefined;
}

/** One plan and what it was made from. */
export interface Round {
  readonly revision: Revision;
  readonly observed: ObservedState;
  readonly plan: Plan;
}
