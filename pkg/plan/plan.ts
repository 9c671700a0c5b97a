import { compareStrings } from '../api/index.ts';
import { literalNode } from '../constraint/index.ts';
import type { ContainerObject } from '../manifest/index.ts';
import { planAliases, withGivenNames } from './aliases.ts';
import { assignContainers, type Assignments } from './assignment.ts';
import { planContainer, type ContainerOutcome } from './containers.ts';
import { createContext } from './context.ts';
import { planFenced } from './fencing.ts';
import { afterDependencies, type PlannedContainer } from './dependencies.ts';
import type { PlanInput } from './input.ts';
import { JOINING_RECHECK_MS, untilJoined } from './joining.ts';
import { planNetworks } from './networks.ts';
import { planRemovals } from './removals.ts';
import { tellSuspended, whileSuspended, withSuspensions } from './suspension.ts';
import type { ObjectPlan, Plan, Verdict } from './result.ts';

/**
 * The steps from what the engine has to what the manifests say, each with its cause, and a verdict on every object.
 * Pure: same input, same output. After its steps have succeeded, the next plan has none.
 */
export function plan(given: PlanInput): Plan {
  const input = withSuspensions(given);
  const context = createContext(input);
  const networks = planNetworks(context);
  const assignments = assignContainers(given);
  const here = assignments.here.map((object) => whileSuspended(input, object));
  const aliases = planAliases(context, here);
  const planned = here.map((declared): PlannedContainer => {
    const object = withGivenNames(declared, aliases.given.get(declared.key));
    const outcome = untilJoined(context, planContainer({ ...context, aliases }, object, networks.outlooks));
    if (!outcome.plan) return { object, outcome };
    return { object, outcome: { ...outcome, plan: withTenure(object, input, outcome.plan) } };
  });
  const containers: ContainerOutcome[] = [
    ...afterDependencies(context, planned).map(({ outcome }) => outcome),
    ...assignments.fenced.map((object) => planFenced(context, object)),
  ];
  const removals = planRemovals(context, assignments.elsewhere);
  const objects = [
    ...networks.plans,
    ...containers.flatMap((outcome) => (outcome.plan ? [outcome.plan] : [])),
    ...removals.plans,
  ];
  const verdicts = [
    ...networks.verdicts,
    ...aliases.verdicts,
    ...containers.map(({ verdict }) => verdict),
    ...notHere(assignments, removals.verdicts),
    ...removals.verdicts,
  ];
  const joining = input.observed.engine.joining ? JOINING_RECHECK_MS : undefined;
  return {
    objects: objects.sort(byRankAndKey),
    verdicts: tellSuspended(input, verdicts).toSorted((a, b) =>
      compareStrings(a.condition.key, b.condition.key),
    ),
    ...(removals.held ? { held: removals.held } : {}),
    aliases: aliases.views,
    given: aliases.given,
    successions: aliases.successions,
    phases: new Map(containers.flatMap(({ phase }) => (phase ? [[phase.id, phase.phase]] : []))),
    ...recheck(
      networks.recheckAfterMs,
      aliases.recheckAfterMs,
      joining,
      ...containers.map(({ againMs }) => againMs),
    ),
  };
}

function recheck(...afterMs: readonly (number | undefined)[]): { recheckAfterMs?: number } {
  const due = afterMs.filter((ms) => ms !== undefined);
  return due.length > 0 ? { recheckAfterMs: Math.min(...due) } : {};
}

function byRankAndKey(a: ObjectPlan, b: ObjectPlan): number {
  return a.rank - b.rank || compareStrings(a.key, b.key);
}

/** Steps for what the cluster bound here end with the binding. What is pinned here needs none, also where one is left from before. */
function withTenure(object: ContainerObject, input: PlanInput, objectPlan: ObjectPlan): ObjectPlan {
  const isPinned = literalNode(object.spec.nodeConstraint) !== undefined;
  if (isPinned || !input.cluster?.bound.has(object.name)) return objectPlan;
  return {
    ...objectPlan,
    onlyWhile: object.spec.reschedule === 'on-node-failure' ? 'leased' : 'bound',
    ...(input.cluster.inherited?.has(object.name) ? { replacesEndpoints: true } : {}),
  };
}

function notHere(assignments: Assignments, removals: readonly Verdict[]): Verdict[] {
  const leaving = new Set(removals.map(({ condition }) => condition.key));
  const gone = [...assignments.elsewhere]
    .filter(([key]) => !leaving.has(key))
    .map(([key, { message }]): Verdict => ({ condition: { key, type: 'NotHere', message }, causes: [] }));
  const undecided = [...assignments.undecided].map(([key, { condition: type, message }]): Verdict => ({
    condition: { key, type, message },
    causes: [],
  }));
  return [...gone, ...undecided];
}
