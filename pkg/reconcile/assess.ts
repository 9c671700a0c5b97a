import { OvrError, type Condition, type ObjectKey, type Reason } from '../api/index.ts';
import type { Revision } from '../manifest/index.ts';
import type { ObjectPlan, Plan, Verdict } from '../plan/index.ts';
import type { PlanResult } from './executor.ts';
import type { Round } from './round.ts';

/** What a plan gets whose dependency failed: it waits. */
export function dependencyFailed(plan: ObjectPlan, dependency: ObjectKey): PlanResult {
  const message = `${plan.key} waits for ${dependency}, which failed`;
  return { ok: false, error: new OvrError('dependency-failed', 'waiting', message), fellBack: false };
}

/** Whether the plan follows what somebody changed beside the manifests: that may happen again and again. */
export function isRepair(plan: ObjectPlan): boolean {
  return plan.steps.some(
    ({ type, cause }) => cause.drift || (type === 'CreateContainer' && cause.reason === 'SecretChanged'),
  );
}

const MOVES: ReadonlySet<Reason> = new Set(['AliasMoved', 'AliasSwitched', 'HolderReady', 'HolderUnready']);

/** Whether the plan gives or takes a name, which others wait for. */
export function movesName(plan: ObjectPlan): boolean {
  return plan.steps.some(({ cause }) => MOVES.has(cause.reason));
}

/** Whether every object is as its manifest says, suspended or not, or rightly not here. */
export function isAsDeclared(verdicts: readonly Verdict[], revision: Revision): boolean {
  const fine: ReadonlySet<Condition['type']> = new Set(['Ready', 'Completed', 'NotHere', 'Ignored']);
  return verdicts.every(
    ({ condition, causes }) =>
      fine.has(condition.type) ||
      (condition.type === 'Suspended' && causes.length === 0) ||
      !revision.objects.has(condition.key),
  );
}

/** A person's word on removals: for these, under this revision, and no others. */
export interface Confirmation {
  readonly revision: string;
  readonly keys: ReadonlySet<ObjectKey>;
}

/** A person's word on what is held now; undefined where nothing is. Fails while it is in doubt what would go. */
export function confirmationOf(last: Round | undefined, doubt: string | undefined): Confirmation | undefined {
  if (!last?.plan.held) return undefined;
  if (doubt !== undefined)
    throw new OvrError('dependency-failed', 'waiting', `cannot confirm while in doubt: ${doubt}`);
  return { revision: last.revision.digest, keys: new Set(last.plan.held.keys) };
}

/** What is told while no source has been read. */
export function notReadYet(): OvrError {
  const message = 'the manifests have not been read yet; try again in a moment';
  return new OvrError('dependency-failed', 'waiting', message);
}

export function isConfirmedBy(confirmed: Confirmation | undefined, plan: Plan, revision: Revision): boolean {
  if (confirmed?.revision !== revision.digest) return false;
  return plan.held?.keys.every((key) => confirmed.keys.has(key)) ?? false;
}
