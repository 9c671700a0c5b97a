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
import type { NetworkOutlook } from './networks.ts';
import { otherAddress } from './other-address.ts';

/** Where each wanted network stands for one container. */
export interface Attachments {
  /** In the manifest's order. */
  readonly wanted: readonly { readonly attachment: NetworkAttachment; readonly network: NetworkRef }[];
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
  const wanted: { attachment: NetworkAttachment; network: NetworkRef }[] = [];
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

/** The complete configuration of one endpoint, asking for the address it had before unless the manifest pins one. */
export function endpointRequest(
  context: PlanContext,
  object: ContainerObject,
  wanted: Attachments['wanted'][number],
  current?: ObservedContainer,
): EndpointRequest {
  const { attachment, network } = wanted;
  const base = { network, aliases: attachment.aliases };
  if (attachment.ipv4Address)
    return { ...base, ipv4Address: attachment.ipv4Address, addressOrigin: 'pinned' };
  const had = current?.endpoints.find((endpoint) => endpoint.networkName === attachment.name)?.ipv4Address;
  if (unpublished(context, object, attachment.name)?.address === 'another') {
    const other = otherAddress(context, context.networksById.get(network.id ?? ''), had);
    return other === undefined ? base : { ...base, ipv4Address: other, addressOrigin: 'kept' };
  }
  const kept = had || context.input.memory.applied.get(object.key)?.addresses[attachment.name];
  return kept ? { ...base, ipv4Address: kept, addressOrigin: 'kept' } : base;
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
}

/** Compares the endpoints of a container that stays. */
export function diffEndpoints(
  context: PlanContext,
  object: ContainerObject,
  current: ObservedContainer,
  attachments: Attachments,
): EndpointSteps {
  if (object.spec.networks === undefined) return { attach: [], detach: [] };
  const container = { name: current.name, id: current.id };
  const matched = new Set<ObservedEndpoint>();
  const attach = attachments.wanted.flatMap((wanted): Action[] => {
    const endpoint = findEndpoint(current, wanted.network);
    if (endpoint) matched.add(endpoint);
    const cause = endpointCause(context, object, current, { wanted, endpoint });
    if (!cause) return [];
    const connect: Action = {
      type: 'ConnectEndpoint',
      container,
      endpoint: endpointRequest(context, object, wanted, current),
      cause,
    };
    return endpoint ? [leave(context, container, endpoint, cause), connect] : [connect];
  });
  const detach = current.endpoints
    .filter((endpoint) => !matched.has(endpoint))
    .sort((a, b) => compareStrings(a.networkName, b.networkName) || compareStrings(a.networkId, b.networkId))
    .map((endpoint) => leave(context, container, endpoint, unexpected(context, object, endpoint)));
  return { attach, detach };
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

function endpointCause(
  context: PlanContext,
  object: ContainerObject,
  current: ObservedContainer,
  pair: { wanted: Attachments['wanted'][number]; endpoint: ObservedEndpoint | undefined },
): Cause | undefined {
  const { endpoint } = pair;
  const { attachment, network } = pair.wanted;
  const field = `networks[${attachment.name}]`;
  if (!endpoint) {
    const difference = { field, observed: 'absent', desired: 'connected' };
    return unlessNetworkChanged(
      context,
      attachment.name,
      causeFor(context, object, 'EndpointMissing', difference),
    );
  }
  if (network.id && endpoint.networkId && endpoint.networkId !== network.id) {
    const ids = { observed: endpoint.networkId.slice(0, 12), desired: network.id.slice(0, 12) };
    const cause = causeFor(context, object, 'NetworkReplaced', { field: `${field}.id`, ...ids });
    return unlessNetworkChanged(context, attachment.name, cause);
  }
  return (
    aliasCause(context, object, current, { attachment, endpoint }) ??
    addressCause(context, object, current, { attachment, endpoint }) ??
    publishCause(context, object, current, attachment)
  );
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

function addressCause(
  context: PlanContext,
  object: ContainerObject,
  current: ObservedContainer,
  pair: Pair,
): Cause | undefined {
  const pinned = pair.attachment.ipv4Address;
  const details = current.details;
  if (!pinned || !details) return undefined;
  const requested =
    details.requestedIpv4.get(pair.endpoint.networkId) ??
    details.requestedIpv4.get(pair.endpoint.networkName) ??
    '';
  const observed = current.state === 'running' ? pair.endpoint.ipv4Address : requested;
  if (observed === pinned) return undefined;
  return causeFor(context, object, 'AddressDiffers', {
    field: `networks[${pair.attachment.name}].ipv4Address`,
    observed: observed || 'none',
    desired: pinned,
  });
}
