import { compareStrings, objectKey, splitKey, type Cause, type ObjectKey } from '../api/index.ts';
import { folderOf, sortTopologically } from '../manifest/index.ts';
import type { ObservedContainer, ObservedNetwork } from '../state/index.ts';
import type { Action } from './action.ts';
import type { Elsewhere } from './assignment.ts';
import { ownedContainer, ownedKeys, ownedNetwork, showList, type PlanContext } from './context.ts';
import { keptVerdict, keysToKeep } from './keeping.ts';
import type { ObjectPlan, Verdict } from './result.ts';
import { stopAndRemove } from './stop.ts';
import { suspendedBy, suspendedUsers } from './suspension.ts';

/** Below this many, a removal is an everyday change and needs no confirmation. */
const FREE_REMOVALS = 3;

export interface RemovalsPlan {
  readonly plans: readonly ObjectPlan[];
  readonly verdicts: readonly Verdict[];
  /** Why removals wait, and which. Absent when none waits. */
  readonly held?: { readonly reason: string; readonly keys: readonly ObjectKey[] };
}

/**
 * Plans what goes: owned objects that no manifest declares, that belong on another node, or whose constraint no longer lets them be here.
 * Never on doubt, and never many at once without a confirmation. What the leader moved goes without: it decided on these very manifests,
 * and a copy that stays would be a second one.
 * @param elsewhere containers that do not belong on this node
 */
export function planRemovals(
  context: PlanContext,
  elsewhere: ReadonlyMap<ObjectKey, Elsewhere>,
): RemovalsPlan {
  const owned = ownedKeys(context);
  const kept = keysToKeep(context);
  const staying: Verdict[] = [];
  const keys: ObjectKey[] = [];
  for (const key of leavingKeys(context, owned, elsewhere)) {
    const place = elsewhere.get(key);
    if (isSuspended(context, key)) staying.push(suspendedVerdict(context, key, place));
    else if (!place && kept.has(key)) staying.push(keptVerdict(key));
    else keys.push(key);
  }
  const removals = planAll({ ...context, kept }, keys, { elsewhere, owned: owned.size });
  return { ...removals, verdicts: [...removals.verdicts, ...staying] };
}

/** Owned objects that would go if nothing kept them, sorted. */
function leavingKeys(
  context: PlanContext,
  owned: ReadonlySet<ObjectKey>,
  elsewhere: ReadonlyMap<ObjectKey, Elsewhere>,
): ObjectKey[] {
  const { revision } = context.input;
  return [...owned]
    .filter((key) => {
      const object = revision.objects.get(key);
      if (!object) return !revision.undecided.has(key);
      return elsewhere.has(key) && (object.mode === 'enforce' || isSuspended(context, key));
    })
    .sort(compareStrings);
}

/** The context with what stays when its manifest goes. */
interface RemovalContext extends PlanContext {
  readonly kept: ReadonlySet<ObjectKey>;
}

function planAll(
  context: RemovalContext,
  keys: readonly ObjectKey[],
  about: { readonly elsewhere: ReadonlyMap<ObjectKey, Elsewhere>; readonly owned: number },
): RemovalsPlan {
  if (keys.length === 0) return { plans: [], verdicts: [] };
  const { elsewhere, owned } = about;
  const isMoved = (key: ObjectKey): boolean => elsewhere.get(key)?.reason === 'Moved';
  const guarded = keys.filter((key) => !isMoved(key));
  const reason = guarded.length > 0 ? holdReason(context, guarded, owned) : undefined;
  const going = reason === undefined ? keys : keys.filter(isMoved);
  const removals = going.map((key) => planRemoval(context, key, causeOf(key, elsewhere.get(key))));
  const heldVerdicts = reason === undefined ? [] : guarded.map((key): Verdict => heldVerdict(key, reason));
  const isObserving = context.input.settings.mode === 'observe';
  const plans = removals.flatMap(({ plan }) => (plan ? [plan] : []));
  return {
    plans: isObserving ? [] : dependantsFirst(context, plans),
    verdicts: [...removals.map(({ verdict }) => verdict), ...heldVerdicts],
    ...(reason === undefined ? {} : { held: { reason, keys: guarded } }),
  };
}

/** What goes together goes in reverse order: a container after all that depended on it, as far as is remembered. */
function dependantsFirst({ input }: PlanContext, plans: readonly ObjectPlan[]): ObjectPlan[] {
  const going = new Set(plans.map(({ key }) => key));
  const dependants = new Map<ObjectKey, ObjectKey[]>();
  for (const key of going) {
    for (const name of input.memory.applied.get(key)?.dependsOn ?? []) {
      const dependency = objectKey('Container', name);
      if (going.has(dependency)) dependants.set(dependency, [...(dependants.get(dependency) ?? []), key]);
    }
  }
  if (dependants.size === 0) return [...plans];
  // What is remembered is of different times, so it may go in a circle.
  const knotted = new Set(
    sortTopologically([...going].map((key) => [key, dependants.get(key) ?? []])).knotted,
  );
  return plans.map((plan) => {
    const first = knotted.has(plan.key) ? [] : (dependants.get(plan.key) ?? []);
    return first.length === 0 ? plan : { ...plan, waitsFor: [...plan.waitsFor, ...first] };
  });
}

function isSuspended({ input }: PlanContext, key: ObjectKey): boolean {
  return suspendedBy(input, key) !== undefined;
}

function suspendedVerdict({ input }: PlanContext, key: ObjectKey, elsewhere: Elsewhere | undefined): Verdict {
  const what = elsewhere ? `does not belong here: ${elsewhere.message}` : 'no manifest declares it';
  const message = `by ${suspendedBy(input, key) ?? ''}; ${what}, so it goes once it is resumed`;
  return { condition: { key, type: 'Suspended', message }, causes: [causeOf(key, elsewhere)] };
}

function heldVerdict(key: ObjectKey, message: string): Verdict {
  return { condition: { key, type: 'PruneHeld', message }, causes: [] };
}

function holdReason(context: PlanContext, keys: readonly ObjectKey[], owned: number): string | undefined {
  const { doubt, pruneConfirmed, revision } = context.input;
  if (doubt !== undefined) return `nothing is removed while in doubt: ${doubt}`;
  if (pruneConfirmed) return undefined;
  if (revision.objects.size === 0) {
    return 'the sources declare nothing at all; if that is meant, run `ovr prune --confirm`';
  }
  const emptied = emptiedFolder(context, keys);
  if (emptied !== undefined) {
    return `no file of ${emptied} declares anything any more; if that is meant (and it is mounted), run \`ovr prune --confirm\``;
  }
  if (keys.length > FREE_REMOVALS && keys.length * 2 > owned) {
    return `${keys.length} of ${owned} owned objects would go at once; if that is meant, run \`ovr prune --confirm\``;
  }
  return undefined;
}

/** A folder out of which the objects came and that declares nothing now, as when it is not mounted after the host was started. */
function emptiedFolder({ input }: PlanContext, keys: readonly ObjectKey[]): string | undefined {
  const { revision, memory } = input;
  const gone = keys.filter((key) => !revision.objects.has(key));
  const before = new Set(
    gone.map((key) => memory.applied.get(key)?.folder).filter((folder) => folder !== undefined),
  );
  if (before.size === 0) return undefined;
  for (const { origin } of revision.objects.values()) before.delete(folderOf(origin));
  return [...before].sort(compareStrings)[0];
}

function causeOf(key: ObjectKey, elsewhere: Elsewhere | undefined): Cause {
  if (elsewhere) {
    const field = elsewhere.reason === 'Moved' ? 'node' : 'nodeConstraint';
    return { reason: elsewhere.reason, drift: false, field, observed: 'here', desired: elsewhere.message };
  }
  const field = splitKey(key).kind === 'Network' ? 'network' : 'container';
  return { reason: 'ManifestRemoved', drift: false, field, observed: 'present', desired: 'absent' };
}

interface Removal {
  readonly plan?: ObjectPlan;
  readonly verdict: Verdict;
}

function planRemoval(context: RemovalContext, key: ObjectKey, cause: Cause): Removal {
  return splitKey(key).kind === 'Network'
    ? removeNetworks(context, key, cause)
    : removeContainers(context, key, cause);
}

function removeContainers(context: PlanContext, key: ObjectKey, cause: Cause): Removal {
  const steps = context.input.observed.containers
    .filter((container) => isContainerOf(context, container, key))
    .sort((a, b) => compareStrings(a.id, b.id))
    .flatMap((container) => stopAndRemove(container, cause));
  return {
    plan: { key, rank: 2, steps, waitsFor: [] },
    verdict: { condition: { key, type: 'Progressing', message: 'to be removed' }, causes: [cause] },
  };
}

function isContainerOf(context: PlanContext, container: ObservedContainer, key: ObjectKey): boolean {
  const owner = ownedContainer(context, container);
  return owner !== undefined && objectKey('Container', owner.name) === key;
}

function removeNetworks(context: RemovalContext, key: ObjectKey, cause: Cause): Removal {
  const networks = context.input.observed.networks
    .filter((network) => ownedNetwork(context, network) && objectKey('Network', network.name) === key)
    .sort((a, b) => compareStrings(a.id, b.id));
  const users = networks.flatMap((network) => context.attachedTo.get(network.id) ?? []);
  const foreign = users
    .filter((container) => !ownedContainer(context, container))
    .map(({ name }) => name)
    .sort(compareStrings);
  if (foreign.length > 0) {
    const message = `containers that ovr does not own still use it: ${showList(foreign)}; disconnect them first`;
    return { verdict: { condition: { key, type: 'Waiting', message }, causes: [cause] } };
  }
  const staying = usersThatStay(context, users);
  if (staying !== undefined) {
    const message = `containers that ${staying} first`;
    return { verdict: { condition: { key, type: 'Waiting', message }, causes: [cause] } };
  }
  if (
    context.input.observed.engine.kind === 'swarm-worker' &&
    networks.every(({ scope }) => scope === 'swarm')
  ) {
    return {
      verdict: { condition: { key, type: 'NotHere', message: 'a Swarm manager removes it' }, causes: [] },
    };
  }
  const waitsFor = [
    ...new Set(users.map((container) => objectKey('Container', nameOf(context, container)))),
  ].sort(compareStrings);
  const steps = networks.map((network): Action => removeStep(network, cause));
  return {
    plan: { key, rank: 3, steps, waitsFor },
    verdict: { condition: { key, type: 'Progressing', message: 'to be removed' }, causes: [cause] },
  };
}

/** Why containers do not go with their network: who they are, and the mend. */
function usersThatStay(context: RemovalContext, users: readonly ObservedContainer[]): string | undefined {
  const suspended = suspendedUsers(context, users);
  if (suspended.length > 0) return `are suspended still use it: ${showList(suspended)}; resume them`;
  const { revision } = context.input;
  const kept = users
    .map((container) => nameOf(context, container))
    .filter((name) => {
      const key = objectKey('Container', name);
      return context.kept.has(key) && !revision.objects.has(key);
    });
  if (kept.length === 0) return undefined;
  const names = showList([...new Set(kept)].sort(compareStrings));
  return `no manifest declares and ovr/prune keeps still use it: ${names}; remove them`;
}

function removeStep(network: ObservedNetwork, cause: Cause): Action {
  return { type: 'RemoveNetwork', network: { name: network.name, id: network.id }, cause };
}

function nameOf(context: PlanContext, container: ObservedContainer): string {
  return ownedContainer(context, container)?.name ?? container.name;
}
