import {
  compareStrings,
  ownerLabels,
  type Cause,
  type Condition,
  type ConditionType,
  type ObjectKey,
} from '../api/index.ts';
import type { NetworkObject } from '../manifest/index.ts';
import type { ObservedContainer, ObservedNetwork } from '../state/index.ts';
import type { Action } from './action.ts';
import {
  causeFor,
  absenceReason,
  ownedContainer,
  ownedNetwork,
  showList,
  type PlanContext,
} from './context.ts';
import { gossipGap } from './gossip.ts';
import { diffNetwork, type Difference } from './network-diff.ts';
import type { ObjectPlan, Verdict } from './result.ts';
import { assignSubnets } from './subnets.ts';
import { suspendedBy, suspendedUsers } from './suspension.ts';

/** What a container may count on when it wants to attach. */
export type NetworkOutlook =
  | { readonly state: 'ready'; readonly network: ObservedNetwork }
  /** Made by this very plan. */
  | { readonly state: 'pending' }
  /** On a Swarm worker an overlay shows up only once something is attached: attach by name. */
  | { readonly state: 'by-name' }
  | { readonly state: 'blocked'; readonly message: string };

export interface NetworksPlan {
  readonly plans: readonly ObjectPlan[];
  readonly verdicts: readonly Verdict[];
  /** By network name, for every declared network. */
  readonly outlooks: ReadonlyMap<string, NetworkOutlook>;
  readonly recheckAfterMs?: number;
}

interface Outcome {
  readonly condition: ConditionType;
  readonly message: string;
  readonly outlook: NetworkOutlook;
  readonly causes?: readonly Cause[];
  readonly steps?: readonly Action[];
  readonly recheckAfterMs?: number;
}

/** Plans every declared network: create what is missing, refuse what cannot be changed, remove own younger duplicates. */
export function planNetworks(context: PlanContext): NetworksPlan {
  const objects = [...context.input.revision.objects.values()].filter((object) => object.kind === 'Network');
  const subnets = assignSubnets(context, needingSubnet(context, objects));
  const plans: ObjectPlan[] = [];
  const verdicts: Verdict[] = [];
  const outlooks = new Map<string, NetworkOutlook>();
  const rechecks: number[] = [];
  for (const object of objects) {
    const outcome = withMode(context, object, planNetwork(context, object, subnets));
    outlooks.set(object.name, outcome.outlook);
    verdicts.push({ condition: conditionOf(object.key, outcome), causes: outcome.causes ?? [] });
    if (outcome.steps?.length) plans.push({ key: object.key, rank: 0, steps: outcome.steps, waitsFor: [] });
    if (outcome.recheckAfterMs !== undefined) rechecks.push(outcome.recheckAfterMs);
  }
  return { plans, verdicts, outlooks, ...(rechecks.length ? { recheckAfterMs: Math.min(...rechecks) } : {}) };
}

function conditionOf(key: ObjectKey, outcome: Outcome): Condition {
  return { key, type: outcome.condition, message: outcome.message };
}

function needingSubnet(context: PlanContext, objects: readonly NetworkObject[]): string[] {
  return objects
    .filter(({ name, spec }) => !spec.ipam && !context.networksByName.has(name) && drawsFromPool(spec.driver))
    .map(({ name }) => name);
}

/** The others sit on a physical network, whose addresses only its owner knows. */
function drawsFromPool(driver: string): boolean {
  return driver === 'overlay' || driver === 'bridge';
}

function withMode(context: PlanContext, object: NetworkObject, outcome: Outcome): Outcome {
  if (object.mode === 'enforce' && context.input.settings.mode === 'enforce') return outcome;
  const isMissing = outcome.steps?.some(({ type }) => type === 'CreateNetwork') ?? false;
  const outlook: NetworkOutlook = isMissing
    ? {
        state: 'blocked',
        message: `network ${object.name} does not exist and is not to be made (${whyWatched(context, object)})`,
      }
    : outcome.outlook;
  const rest = { outlook, causes: outcome.causes ?? [] };
  if (object.mode === 'ignore')
    return { ...rest, condition: 'Ignored', message: 'annotation ovr/mode: ignore', causes: [] };
  if (!outcome.steps?.length) return { ...outcome, outlook };
  return { ...rest, condition: 'Drifted', message: 'differs and is only observed' };
}

function whyWatched({ input }: PlanContext, { key, mode }: NetworkObject): string {
  if (suspendedBy(input, key) !== undefined) return 'suspended';
  return `mode ${mode === 'enforce' ? input.settings.mode : mode}`;
}

function planNetwork(
  context: PlanContext,
  object: NetworkObject,
  subnets: ReadonlyMap<string, string>,
): Outcome {
  const sameName = context.networksByName.get(object.name) ?? [];
  const owned = sameName.filter((network) => ownedNetwork(context, network));
  const chosen = owned[0] ?? (object.adopt ? sameName.find((network) => isUnowned(network)) : undefined);
  if (chosen) return planExisting(context, object, chosen, owned);
  const foreign = sameName[0];
  if (foreign) return conflict(object, foreign);
  return planMissing(context, object, subnets);
}

function isUnowned(network: ObservedNetwork): boolean {
  return network.labels['ovr.cluster'] === undefined;
}

function conflict(object: NetworkObject, foreign: ObservedNetwork): Outcome {
  const cluster = foreign.labels['ovr.cluster'];
  const whose = cluster === undefined ? 'was not made by ovr' : `belongs to ovr cluster ${cluster}`;
  const mend =
    cluster === undefined
      ? 'remove or rename it, or annotate ovr/adopt: "true" to use it as it is'
      : 'use another name';
  const message = `network ${object.name} (${foreign.id.slice(0, 12)}) ${whose}: ${mend}`;
  return { condition: 'Conflict', message, outlook: { state: 'blocked', message } };
}

/** Why this agent does not make a missing overlay. */
function overlayNotMine(context: PlanContext): Outcome | undefined {
  const { kind } = context.input.observed.engine;
  if (kind === 'swarm-worker') {
    const message = 'a Swarm manager makes it; containers here attach by name';
    return { condition: 'NotHere', message, outlook: { state: 'by-name' } };
  }
  if (kind === 'cluster-store' && context.input.cluster?.makesOverlays === false) {
    const message = 'the agent that leads the cluster makes it';
    return { condition: 'Waiting', message, outlook: { state: 'blocked', message } };
  }
  if (kind !== 'plain') return undefined;
  return failed(
    'an overlay needs Swarm mode or a cluster store: run `docker swarm init`, or set driver: bridge',
  );
}

function planMissing(
  context: PlanContext,
  object: NetworkObject,
  subnets: ReadonlyMap<string, string>,
): Outcome {
  const notMine = object.spec.driver === 'overlay' ? overlayNotMine(context) : undefined;
  if (notMine) return notMine;
  const subnet = object.spec.ipam?.subnet ?? subnets.get(object.name);
  if (!subnet && drawsFromPool(object.spec.driver)) {
    return failed(
      `no /24 is free in the subnet pool ${context.input.settings.subnetPool}: set ipam.subnet or widen --subnet-pool`,
    );
  }
  const cause = missingCause(context, object);
  return {
    condition: cause.drift ? 'Drifted' : 'Progressing',
    message: 'to be made',
    outlook: pendingOutlook(context, object),
    causes: [cause],
    steps: [{ type: 'CreateNetwork', network: networkCreate(context, object, subnet), cause }],
  };
}

/** On a cluster store a new network must first settle; elsewhere what follows in the same plan may use it. */
function pendingOutlook(context: PlanContext, object: NetworkObject): NetworkOutlook {
  const mustSettle =
    context.input.observed.engine.kind === 'cluster-store' && object.spec.driver === 'overlay';
  return mustSettle
    ? { state: 'blocked', message: `network ${object.name} is being made` }
    : { state: 'pending' };
}

function failed(message: string): Outcome {
  return { condition: 'Failed', message, outlook: { state: 'blocked', message } };
}

function missingCause(context: PlanContext, object: NetworkObject): Cause {
  return {
    ...absenceReason(context, object),
    field: 'network',
    observed: 'absent',
    desired: object.spec.driver,
  };
}

function networkCreate(
  context: PlanContext,
  object: NetworkObject,
  subnet: string | undefined,
): Extract<Action, { type: 'CreateNetwork' }>['network'] {
  const owner = {
    cluster: context.input.settings.cluster,
    kind: 'Network',
    name: object.name,
    specHash: object.specHash,
  };
  return {
    name: object.name,
    spec: subnet ? { ...object.spec, ipam: { ...object.spec.ipam, subnet } } : object.spec,
    labels: { ...object.spec.labels, ...ownerLabels(owner, object.prune) },
  };
}

function planExisting(
  context: PlanContext,
  object: NetworkObject,
  network: ObservedNetwork,
  owned: readonly ObservedNetwork[],
): Outcome {
  const differences = diffNetwork(object, network);
  if (differences.length > 0) return planChanged(context, object, network, differences);
  const settling = settlingFor(context, network);
  if (settling > 0) {
    const message = 'just made: waiting for rivals of the same name to show up';
    return {
      condition: 'Progressing',
      message,
      outlook: { state: 'blocked', message },
      recheckAfterMs: settling,
    };
  }
  const rivals = owned.slice(1).filter(({ id }) => !context.attachedTo.has(id));
  const steps = removeDuplicates(context, object, rivals);
  const gap = gossipGap(network);
  const waits = rivals.map((rival) => settlingFor(context, rival)).filter((wait) => wait > 0);
  if (gap && 'recheckAfterMs' in gap) waits.push(gap.recheckAfterMs);
  return {
    ...(gap && 'message' in gap
      ? { condition: 'Degraded', message: gap.message }
      : { condition: 'Ready', message: 'as declared' }),
    outlook: { state: 'ready', network },
    causes: steps.map(({ cause }) => cause),
    steps,
    // A rival tells of itself once, when it is made, and no event tells that time has passed: nothing else would bring the next look.
    ...(waits.length > 0 ? { recheckAfterMs: Math.min(...waits) } : {}),
  };
}

/** On a cluster store several agents can make one name at once; the oldest wins, so a young one must be given time to be beaten. */
function settlingFor(context: PlanContext, network: ObservedNetwork): number {
  const { observed, settings, nowMs } = context.input;
  if (observed.engine.kind !== 'cluster-store' || network.scope !== 'global') return 0;
  const age = Math.abs(nowMs - network.createdAtMs);
  return Math.max(0, settings.settleMs - age);
}

function removeDuplicates(
  context: PlanContext,
  object: NetworkObject,
  rivals: readonly ObservedNetwork[],
): Action[] {
  return rivals
    .filter((network) => settlingFor(context, network) === 0)
    .map((network) => ({
      type: 'RemoveNetwork',
      network: { name: network.name, id: network.id },
      cause: causeFor(context, object, 'Duplicate', {
        field: 'network',
        observed: `also ${network.id.slice(0, 12)}`,
        desired: 'one of that name',
      }),
    }));
}

function planChanged(
  context: PlanContext,
  object: NetworkObject,
  network: ObservedNetwork,
  differences: readonly Difference[],
): Outcome {
  const causes = differences.map((difference) => causeFor(context, object, 'SpecDiffers', difference));
  const users = context.attachedTo.get(network.id) ?? [];
  const foreign = users.filter((container) => !ownedContainer(context, container));
  const refusal = refuseRecreate(context, object, network, { users, foreign });
  if (refusal)
    return { condition: 'NeedsRecreate', message: refusal, outlook: { state: 'ready', network }, causes };
  return {
    condition: 'Progressing',
    message: 'to be removed and made again (ovr/recreate)',
    outlook: { state: 'blocked', message: `network ${object.name} is being made again` },
    causes,
    steps: recreateSteps(network, users, causes),
  };
}

function refuseRecreate(
  context: PlanContext,
  object: NetworkObject,
  network: ObservedNetwork,
  attached: { users: readonly ObservedContainer[]; foreign: readonly ObservedContainer[] },
): string | undefined {
  const names = (list: readonly ObservedContainer[]): string =>
    showList(list.map(({ name }) => name).sort(compareStrings));
  if (!ownedNetwork(context, network))
    return 'a network that ovr did not make is not made again: change it by hand';
  if (attached.foreign.length > 0) {
    return `Docker cannot change a network, and containers that ovr does not own use it: ${names(attached.foreign)}; disconnect them first`;
  }
  const suspended = suspendedUsers(context, attached.users);
  if (object.recreate && suspended.length > 0)
    return `it would be made again, but containers that are suspended use it: ${showList(suspended)}; resume them first`;
  if (object.recreate) return undefined;
  return `Docker cannot change a network; annotate ovr/recreate: "true" to make it again. These would lose it meanwhile: ${names(attached.users)}`;
}

function recreateSteps(
  network: ObservedNetwork,
  users: readonly ObservedContainer[],
  causes: readonly Cause[],
): Action[] {
  const cause = causes[0];
  if (!cause) return [];
  const ref = { name: network.name, id: network.id };
  const leave = [...users]
    .sort((a, b) => compareStrings(a.name, b.name))
    .map((container): Action => ({
      type: 'DisconnectEndpoint',
      container: { name: container.name, id: container.id },
      network: ref,
      cause,
    }));
  return [...leave, { type: 'RemoveNetwork', network: ref, cause }];
}
