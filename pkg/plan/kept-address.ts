import type { Cause } from '../api/index.ts';
import type { ContainerObject, NetworkAttachment } from '../manifest/index.ts';
import type {
  ContainerState,
  ObservedContainer,
  ObservedEndpoint,
  ObservedNetwork,
  ObservedSubnet,
} from '../state/index.ts';
import type { NetworkRef } from './action.ts';
import { causeFor, ownedNetwork, type PlanContext } from './context.ts';
import { parseIpv4, parseIpv4Range } from './ipv4-range.ts';

/** One endpoint of a container: what the manifest wants, and the network it is on. */
export interface Wanted {
  readonly attachment: NetworkAttachment;
  readonly network: NetworkRef;
}

/** The first Docker that lets an address be asked for on every network. */
const API_OF_ANY_ADDRESS = [1, 52] as const;

function isLive(state: ContainerState): boolean {
  return state === 'running' || state === 'paused';
}

/**
 * The address an endpoint is to ask for. One that the manifest pins, it asks for in any case, unless another container here has it and the
 * endpoint has one to keep. Otherwise the one it had when it was last found as declared, or has now: whichever is to be had.
 */
export function addressRequest(
  context: PlanContext,
  object: ContainerObject,
  wanted: Wanted,
  current?: ObservedContainer,
): { readonly ipv4Address: string; readonly addressOrigin: 'pinned' | 'kept' } | undefined {
  const pinned = wanted.attachment.ipv4Address;
  const before = rememberedAddress(context, object, wanted);
  const has = endpointOf(wanted, current);
  const isToBeHad = (address: string): boolean =>
    address !== '' && whyNotToBeHad(context, object, wanted, address) === undefined;
  // Nobody else has the address that the endpoint holds right now.
  const isHeld = has?.ipv4Address && has.networkId === wanted.network.id;
  const kept = [before, has?.ipv4Address ?? ''].find(isToBeHad) ?? (isHeld ? has.ipv4Address : undefined);
  if (pinned && (!kept || holderOf(context, object, wanted.network, pinned) === undefined))
    return { ipv4Address: pinned, addressOrigin: 'pinned' };
  return kept ? { ipv4Address: kept, addressOrigin: 'kept' } : undefined;
}

function rememberedAddress(context: PlanContext, object: ContainerObject, { attachment }: Wanted): string {
  return context.input.memory.applied.get(object.key)?.addresses[attachment.name] ?? '';
}

function endpointOf(
  { attachment }: Wanted,
  current: ObservedContainer | undefined,
): ObservedEndpoint | undefined {
  return current?.endpoints.find(({ networkName }) => networkName === attachment.name);
}

/** Why an engine cannot give an address, as far as that can be known here; undefined when it is worth asking. */
function whyNotToBeHad(
  context: PlanContext,
  object: ContainerObject,
  { attachment, network }: Wanted,
  address: string,
): string | undefined {
  const seen = context.networksById.get(network.id ?? '');
  if (seen && !seen.subnets.some((subnet) => canGive(subnet, address)))
    return `its subnet does not have ${address}`;
  const holder = holderOf(context, object, network, address);
  if (holder) return `container ${holder.name} has ${address}`;
  const givenUp = context.input.memory.givenUp.get(object.key)?.get(attachment.name);
  return givenUp === address ? `${address} was given up` : undefined;
}

/** Whether an endpoint may have an address of this subnet: the first and the last are nobody's, one is the gateway's. */
function canGive({ subnet, gateway, ipRange }: ObservedSubnet, address: string): boolean {
  const range = parseIpv4Range(subnet);
  const number = parseIpv4(address);
  if (!range || number === undefined) return false;
  // Docker gives the gateway the first address where nobody said another, and then does not list it.
  const first = Math.max(range.first + 1, parseIpv4Range(ipRange ?? subnet)?.first ?? 0);
  const reserved = gateway === undefined ? first : parseIpv4(gateway);
  return number > range.first && number < range.last && number !== reserved;
}

/** Another container on this engine that has the address. Those on other hosts are not seen. */
function holderOf(
  context: PlanContext,
  object: ContainerObject,
  network: NetworkRef,
  address: string,
): ObservedContainer | undefined {
  const onIt = context.attachedTo.get(network.id ?? '') ?? [];
  return onIt.find(
    (container) =>
      container.name !== object.name &&
      container.endpoints.some(
        (endpoint) => endpoint.networkId === network.id && endpoint.ipv4Address === address,
      ),
  );
}

/** How an endpoint's address stands. `isStuck`: nothing can be done about it now. */
export interface AddressDifference {
  readonly cause: Cause;
  readonly isStuck: boolean;
}

interface Pair extends Wanted {
  readonly endpoint: ObservedEndpoint;
}

/** Compares the address of an endpoint that is there with the pinned one, or with the one that it had. */
export function diffAddress(
  context: PlanContext,
  object: ContainerObject,
  current: ObservedContainer,
  pair: Pair,
): AddressDifference | undefined {
  const { attachment, endpoint } = pair;
  if (!current.details) return undefined;
  if (attachment.ipv4Address) return diffPinned(context, object, current, pair);
  const before = rememberedAddress(context, object, pair);
  const now = endpoint.ipv4Address;
  if (!isLive(current.state) || !before || !now || now === before) return undefined;
  const network = context.networksById.get(endpoint.networkId);
  // A network that was made anew with another subnet cannot but give another.
  if (network && !network.subnets.some((subnet) => canGive(subnet, before))) return undefined;
  const why =
    whyNotToBeHad(context, object, pair, before) ??
    (isSureOfAddress(context, network)
      ? undefined
      : `no subnet is known to be configured for network ${attachment.name}`);
  const difference = { field: fieldOf(attachment), observed: now, desired: before };
  const cause = causeFor(context, object, 'AddressChanged', difference);
  if (why === undefined) return { cause, isStuck: false };
  const note = `${why}: the endpoint keeps ${now}; pin ipv4Address if others rely on it`;
  return { cause: { ...cause, note }, isStuck: true };
}

function diffPinned(
  context: PlanContext,
  object: ContainerObject,
  current: ObservedContainer,
  { attachment, network, endpoint }: Pair,
): AddressDifference | undefined {
  const pinned = attachment.ipv4Address ?? '';
  const requested =
    current.details?.requestedIpv4.get(endpoint.networkId) ??
    current.details?.requestedIpv4.get(endpoint.networkName) ??
    '';
  const observed = isLive(current.state) ? endpoint.ipv4Address : requested;
  if (observed === pinned) return undefined;
  const difference = { field: fieldOf(attachment), observed: observed || 'none', desired: pinned };
  const cause = causeFor(context, object, 'AddressDiffers', difference);
  const holder = holderOf(context, object, network, pinned);
  if (!holder || !observed) return { cause, isStuck: false };
  const note = `container ${holder.name} has ${pinned}: disconnect it, or pin another address`;
  return { cause: { ...cause, note }, isStuck: true };
}

function fieldOf({ name }: NetworkAttachment): string {
  return `networks[${name}].ipv4Address`;
}

/** What making an endpoint again means for those who talk to it; undefined when they notice no more than a short pause. */
export function reconnectNote(
  context: PlanContext,
  current: ObservedContainer,
  pair: Pair,
  request: string | undefined,
): string | undefined {
  const { attachment, endpoint } = pair;
  const now = endpoint.ipv4Address;
  if (!isLive(current.state) || !now) return undefined;
  if (request === undefined) return `open connections to ${now} break: this address is not to be had again`;
  if (request !== now) return `open connections to ${now} break: the address changes`;
  if (isSureOfAddress(context, context.networksById.get(endpoint.networkId))) return undefined;
  return `open connections may break: no subnet is known to be configured for network ${attachment.name}, and then Docker before 29 chooses the address`;
}

/**
 * Whether the engine is known to let an endpoint ask for an address: Docker before 29 does so only on networks made with a subnet. It
 * lists a gateway for every subnet that it chose itself, and for others only where somebody gave one too.
 */
export function keepsAddress(
  { scope, driver, subnets }: ObservedNetwork,
  { apiVersion, isOwned }: { apiVersion: string; isOwned: boolean },
): boolean {
  if (scope === 'swarm') return true;
  const [major = 0, minor = 0] = apiVersion.split('.').map(Number);
  if (major > API_OF_ANY_ADDRESS[0] || (major === API_OF_ANY_ADDRESS[0] && minor >= API_OF_ANY_ADDRESS[1]))
    return true;
  const isFromPool = driver === 'overlay' || driver === 'bridge';
  if (isFromPool && isOwned) return true;
  return subnets.some(({ gateway }) => gateway === undefined);
}

function isSureOfAddress(context: PlanContext, network: ObservedNetwork | undefined): boolean {
  if (!network) return true;
  const { apiVersion } = context.input.observed.engine;
  return keepsAddress(network, { apiVersion, isOwned: ownedNetwork(context, network) !== undefined });
}
