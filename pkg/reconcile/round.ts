import type { Revision } from '../manifest/index.ts';
import type { Plan } from '../plan/index.ts';
import type { ObservedState } from '../state/index.ts';
import type { SourceState } from './ports.ts';

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

/** Whether a revision holds all that a source has to say: it is the newest one, and has no mistakes in it. */
export function isAllOf(state: SourceState, revision: Revision | undefined): boolean {
  const isNewest = revision?.digest === state.revision?.digest;
  return isNewest && state.diagnostics.every(({ severity }) => severity !== 'error');
}
