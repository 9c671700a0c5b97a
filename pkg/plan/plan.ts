import { checkConstraints } from '../constraint/index.ts';
import { compareStrings, type ObjectKey } from '../api/index.ts';
import type { ContainerObject } from '../manifest/index.ts';
import { planContainer } from './containers.ts';
import { createContext } from './context.ts';
import type { PlanInput } from './input.ts';
import { planNetworks } from './networks.ts';
import { planRemovals } from './removals.ts';
import type { ObjectPlan, Plan, Verdict } from './result.ts';

/**
 * The steps from what the engine has to what the manifests say, each with its cause, and a verdict on every object.
 * Pure: same input, same output. After its steps have succeeded, the next plan has none.
 */
export function plan(input: PlanInput): Plan {
  const context = createContext(input);
  const networks = planNetworks(context);
  const { here, elsewhere } = divide(input);
  const containers = here.map((object) => planContainer(context, object, networks.outlooks));
  const removals = planRemovals(context, elsewhere);
  const objects = [
    ...networks.plans,
    ...containers.flatMap((outcome) => (outcome.plan ? [outcome.plan] : [])),
    ...removals.plans,
  ];
  const verdicts = [
    ...networks.verdicts,
    ...containers.map(({ verdict }) => verdict),
    ...notHere(elsewhere, removals.verdicts),
    ...removals.verdicts,
  ];
  return {
    objects: objects.sort(byRankAndKey),
    verdicts: verdicts.sort((a, b) => compareStrings(a.condition.key, b.condition.key)),
    ...(removals.held ? { held: removals.held } : {}),
    ...(networks.recheckAfterMs === undefined ? {} : { recheckAfterMs: networks.recheckAfterMs }),
  };
}

function byRankAndKey(a: ObjectPlan, b: ObjectPlan): number {
  return a.rank - b.rank || compareStrings(a.key, b.key);
}

/** Containers whose constraint fits this node, and for the others why not. */
function divide(input: PlanInput): { here: ContainerObject[]; elsewhere: Map<ObjectKey, string> } {
  const here: ContainerObject[] = [];
  const elsewhere = new Map<ObjectKey, string>();
  for (const object of input.revision.objects.values()) {
    if (object.kind !== 'Container') continue;
    const unmet = unmetConstraints(object, input);
    if (unmet.length === 0) here.push(object);
    else elsewhere.set(object.key, unmet.join('; '));
  }
  return { here, elsewhere };
}

function unmetConstraints(object: ContainerObject, input: PlanInput): readonly string[] {
  if (object.spec.nodeConstraint.length === 0) return [];
  const { matches, unmet } = checkConstraints(object.spec.nodeConstraint, input.observed.engine.node);
  return matches ? [] : unmet;
}

function notHere(elsewhere: ReadonlyMap<ObjectKey, string>, removals: readonly Verdict[]): Verdict[] {
  const leaving = new Set(removals.map(({ condition }) => condition.key));
  return [...elsewhere]
    .filter(([key]) => !leaving.has(key))
    .map(([key, message]) => ({ condition: { key, type: 'NotHere', message }, causes: [] }));
}
