import { compareStrings, objectKey, type Cause, type ObjectKey } from '../api/index.ts';
import type { ContainerObject, NetworkAttachment } from '../manifest/index.ts';
import {
  normaliseAliases,
  type ObservedContainer,
  type ObservedEndpoint,
  type ObservedNetwork,
} from '../state/index.ts';
import type { Action, EndpointRequest, NetworkRef } from './action.ts';
import { namesCause } from './alias-cause.ts';
import { causeFor, isUnchanged, type PlanContext } from './context.ts';
import type { Unpublished } from './input.ts';
import {
  addressRequest,
  diffAddress,
  reconnectNote,
  type AddressDifference,
  type Wanted,
} from './kept-address.ts';
import type { NetworkOutlook } from './networks.ts';
import { otherAddress } from './other-address.ts';

/** Where each wanted network stands for one container. */
export interface Attachments {
  /** In the manifest's order. */
  readonly wanted: readonly Wanted[];
  readonly waitsFor: readonly ObjectKey[];
  /** Why the container cannot be attached now. */
  readonly blocked?: string;
}

/** Finds the network behind each name a container attaches to: declared, or simply there. */
export function resolveAttachments(
  context: PlanContext,
  object: ContainerObject,
  outlooks: ReadonlyMap<string, NetworkOutlook>,
): Attachments {
  const wanted: Wanted[] = [];
  const waitsFor: ObjectKey[] = [];
  for (const attachment of object.spec.networks ?? []) {
    const { name } = attachment;
    const outlook = outlooks.get(name) ?? undeclared(context, name);
    if (outlook.state === 'blocked') return { wanted: [], waitsFor: [], blocked: outlook.message };
    if (outlook.state === 'pending') waitsFor.push(objectKey('Network', name));
    wanted.push({
      attachment,
      network: outlook.state === 'ready' ? { name, id: outlook.network.id } : { name },
    });
  }
  return { wanted, waitsFor };
}

function undeclared(context: PlanContext, name: string): NetworkOutlook {
  const found = context.networksByName.get(name) ?? [];
  const [network] = found;
  if (network && found.length === 1) return mayAttach(network);
  if (network) {
    return {
      state: 'blocked',
      message: `${found.length} networks are named ${name}: declare it, or remove all but one by ID`,
    };
  }
  if (context.input.observed.engine.kind === 'swarm-worker') return { state: 'by-name' };
  return { state: 'blocked', message: `network ${name} does not exist and no manifest declares it` };
}

function mayAttach(network: ObservedNetwork): NetworkOutlook {
  if (network.scope === 'swarm' && !network.attachable) {
    return {
      state: 'blocked',
      message: `network ${network.name} is not attachable: make it again with attachable: true`,
    };
  }
  return { state: 'ready', network };
}

/** The complete configuration of one endpoint. */
function endpointRequest(
  context: PlanContext,
  object: ContainerObject,
  wanted: Wanted,
  current?: ObservedContainer,
): EndpointRequest {
  const { attachment, network } = wanted;
  const base = { network, aliases: attachment.aliases };
  const isUnserved = unpublished(context, object, attachment.name)?.address === 'another';
  if (isUnserved && !attachment.ipv4Address) {
    const had = current?.endpoints.find((endpoint) => endpoint.networkName === attachment.name)?.ipv4Address;
    const other = otherAddress(context, context.networksById.get(network.id ?? ''), had);
    return other === undefined ? base : { ...base, ipv4Address: other, addressOrigin: 'kept' };
  }
  return { ...base, ...addressRequest(context, object, wanted, current) };
}

/**
 * The endpoint of a container that is made. A pinned address is asked for whoever has it: when it cannot be had the container that was there
 * before is put back, and does not give way to one with an address that nobody asked for.
 */
export function madeEndpoint(
  context: PlanContext,
  object: ContainerObject,
  wanted: Wanted,
  predecessor?: ObservedContainer,
): EndpointRequest {
  const request = endpointRequest(context, object, wanted, predecessor);
  const pinned = wanted.attachment.ipv4Address;
  return pinned ? { ...request, ipv4Address: pinned, addressOrigin: 'pinned' } : request;
}

/** The endpoints that a container has and its manifest wants. One that asks for an address nobody pinned has kept it. */
export function presentEndpoints(object: ContainerObject, current: ObservedContainer): EndpointRequest[] {
  const requested = current.details?.requestedIpv4;
  return (object.spec.networks ?? []).flatMap(({ name, aliases, ipv4Address }): EndpointRequest[] => {
    const endpoint = current.endpoints.find(({ networkName }) => networkName === name);
    if (!endpoint) return [];
    const network = { name, ...(endpoint.networkId ? { id: endpoint.networkId } : {}) };
    if (ipv4Address !== undefined) return [{ network, aliases, ipv4Address, addressOrigin: 'pinned' }];
    const kept = requested?.get(endpoint.networkId) ?? requested?.get(name);
    return [{ network, aliases, ...(kept ? { ipv4Address: kept, addressOrigin: 'kept' } : {}) }];
  });
}

export interface EndpointSteps {
  /** Connect what is missing, make again what differs. */
  readonly attach: readonly Action[];
  /** Leave networks the manifest does not name. */
  readonly detach: readonly Action[];
  /** Differences about which nothing can be done now. */
  readonly stuck: readonly Cause[];
}

/** Compares the endpoints of a container that stays. */
export function diffEndpoints(
  context: PlanContext,
  object: ContainerObject,
  current: ObservedContainer,
  attachments: Attachments,
): EndpointSteps {
  if (object.spec.networks === undefined) return { attach: [], detach: [], stuck: [] };
  const container = { name: current.name, id: current.id };
  const matched = new Set<ObservedEndpoint>();
  const stuck: Cause[] = [];
  const attach = attachments.wanted.flatMap((wanted): Action[] => {
    const found = findEndpoint(current, wanted.network);
    if (found) matched.add(found);
    const difference = diffEndpoint(context, object, current, { wanted, endpoint: found });
    if (difference?.isStuck) stuck.push(difference.cause);
    if (!difference || difference.isStuck) return [];
    const endpoint = endpointRequest(context, object, wanted, current);
    const note =
      found && reconnectNote(context, current, { ...wanted, endpoint: found }, endpoint.ipv4Address);
    const cause = note === undefined ? difference.cause : { ...difference.cause, note };
    const connect: Action = { type: 'ConnectEndpoint', container, endpoint, cause };
    return found ? [leave(context, container, found, cause), connect] : [connect];
  });
  const detach = current.endpoints
    .filter((endpoint) => !matched.has(endpoint))
    .sort((a, b) => compareStrings(a.networkName, b.networkName) || compareStrings(a.networkId, b.networkId))
    .map((endpoint) => leave(context, container, endpoint, unexpected(context, object, endpoint)));
  return { attach, detach, stuck };
}

function findEndpoint(current: ObservedContainer, network: NetworkRef): ObservedEndpoint | undefined {
  return (
    current.endpoints.find((endpoint) => endpoint.networkId !== '' && endpoint.networkId === network.id) ??
    current.endpoints.find((endpoint) => endpoint.networkName === network.name)
  );
}

function leave(
  context: PlanContext,
  container: { name: string; id: string },
  endpoint: ObservedEndpoint,
  cause: Cause,
): Action {
  const isGone = endpoint.networkId !== '' && !context.networksById.has(endpoint.networkId);
  const network: NetworkRef = endpoint.networkId
    ? { name: endpoint.networkName, id: endpoint.networkId }
    : { name: endpoint.networkName };
  return { type: 'DisconnectEndpoint', container, network, cause, ...(isGone ? { force: true } : {}) };
}

function unexpected(context: PlanContext, object: ContainerObject, endpoint: ObservedEndpoint): Cause {
  return causeFor(context, object, 'EndpointUnexpected', {
    field: `networks[${endpoint.networkName}]`,
    observed: 'connected',
    desired: 'absent',
  });
}

function diffEndpoint(
  context: PlanContext,
  object: ContainerObject,
  current: ObservedContainer,
  pair: { wanted: Wanted; endpoint: ObservedEndpoint | undefined },
): AddressDifference | undefined {
  const { endpoint } = pair;
  const cause = endpoint
    ? presentCause(context, object, current, { wanted: pair.wanted, endpoint })
    : missingCause(context, object, pair.wanted);
  if (cause) return { cause, isStuck: false };
  if (!endpoint) return undefined;
  const address = diffAddress(context, object, current, { ...pair.wanted, endpoint });
  if (address && !address.isStuck) return address;
  const unserved = publishCause(context, object, current, pair.wanted.attachment);
  return unserved ? { cause: unserved, isStuck: false } : address;
}

function missingCause(context: PlanContext, object: ContainerObject, { attachment }: Wanted): Cause {
  const difference = { field: `networks[${attachment.name}]`, observed: 'absent', desired: 'connected' };
  const cause = causeFor(context, object, 'EndpointMissing', difference);
  return unlessNetworkChanged(context, attachment.name, cause);
}

/** What makes an endpoint that is there the wrong one, but for its address. */
function presentCause(
  context: PlanContext,
  object: ContainerObject,
  current: ObservedContainer,
  pair: { wanted: Wanted; endpoint: ObservedEndpoint },
): Cause | undefined {
  const { endpoint } = pair;
  const { attachment, network } = pair.wanted;
  const field = `networks[${attachment.name}]`;
  if (network.id && endpoint.networkId && endpoint.networkId !== network.id) {
    const ids = { observed: endpoint.networkId.slice(0, 12), desired: network.id.slice(0, 12) };
    const cause = causeFor(context, object, 'NetworkReplaced', { field: `${field}.id`, ...ids });
    return unlessNetworkChanged(context, attachment.name, cause);
  }
  return aliasCause(context, object, current, { attachment, endpoint });
}

function unpublished(
  context: PlanContext,
  object: ContainerObject,
  network: string,
): Unpublished | undefined {
  return context.input.unpublished?.get(object.key)?.find((finding) => finding.network === network);
}

/** As declared, and yet not served: no manifest change explains that. */
function publishCause(
  context: PlanContext,
  object: ContainerObject,
  { state }: ObservedContainer,
  { name }: NetworkAttachment,
): Cause | undefined {
  const finding = unpublished(context, object, name);
  if (!finding || state !== 'running') return undefined;
  return {
    reason: 'Unpublished',
    drift: true,
    field: `networks[${name}]`,
    observed: finding.why,
    desired: finding.address === 'another' ? 'served under another address' : 'served',
  };
}

/** A network that is made again for its manifest's sake drops its containers: that is no drift of theirs. */
function unlessNetworkChanged(context: PlanContext, name: string, cause: Cause): Cause {
  const key = objectKey('Network', name);
  const declared = context.input.revision.objects.get(key);
  const isChanged =
    declared !== undefined && context.input.memory.applied.has(key) && !isUnchanged(context, declared);
  return isChanged ? { ...cause, drift: false } : cause;
}

interface Pair {
  readonly attachment: NetworkAttachment;
  readonly endpoint: ObservedEndpoint;
}

function aliasCause(
  context: PlanContext,
  object: ContainerObject,
  current: ObservedContainer,
  pair: Pair,
): Cause | undefined {
  const details = current.details;
  if (!details) return undefined;
  const owner = { id: current.id, name: object.name, hostname: details.hostname };
  const desired = normaliseAliases(pair.attachment.aliases, owner);
  const observed =
    details.aliases.get(pair.endpoint.networkId) ?? details.aliases.get(pair.endpoint.networkName) ?? [];
  if (desired.length === observed.length && desired.every((alias, index) => alias === observed[index]))
    return undefined;
  return namesCause(context, object, pair.attachment.name, { observed, desired });
}
