import type { ConditionType } from '../api/index.ts';
import type { Plan } from '../plan/index.ts';
import type { PlannedChange } from './status.ts';

const REFUSED: ReadonlySet<ConditionType> = new Set([
  'Conflict',
  'NeedsRecreate',
  'UpdateFailed',
  'PruneHeld',
  'Waiting',
  'Failed',
]);

/** Every object that differs from its manifest: what would be done, or why nothing is. */
export function plannedChanges(plan: Plan): PlannedChange[] {
  const actions = new Map(plan.objects.map((object) => [object.key, object.steps.map(({ type }) => type)]));
  return plan.verdicts
    .filter(
      ({ condition, causes }) =>
        causes.length > 0 || actions.has(condition.key) || REFUSED.has(condition.type),
    )
    .map(({ condition, causes }) => ({
      key: condition.key,
      condition: condition.type,
      message: condition.message,
      actions: actions.get(condition.key) ?? [],
      causes,
    }));
}
