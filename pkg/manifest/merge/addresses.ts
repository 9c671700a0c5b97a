import type { ContainerObject, NetworkObject } from '../objects.ts';
import type { Place } from '../parsed-file.ts';
import { formatIpv4, ipv4Number, subnetRange, type Ipv4Range } from '../value/index.ts';
import { find, whereIs, type Candidate, type Candidates, type Finding } from './candidate.ts';

/** One pinned address of one container. */
interface Pin {
  readonly candidate: Candidate<ContainerObject>;
  /** Position among the container's networks. */
  readonly index: number;
  readonly address: string;
}

/** The pins on one network, which may be declared. */
interface NetworkPins {
  readonly name: string;
  readonly network?: NetworkObject;
  readonly pins: Pin[];
}

/** Pinned addresses that their declared network does not have, or that two containers pin where both can run at once. */
export function addressErrors({ networks, containers }: Candidates): Finding[] {
  return pinsByNetwork(networks, containers).flatMap((entry) => [...impossible(entry), ...repeated(entry)]);
}

function pinsByNetwork(
  networks: readonly Candidate<NetworkObject>[],
  containers: readonly Candidate<ContainerObject>[],
): NetworkPins[] {
  const byName = new Map<string, NetworkPins>();
  for (const { object } of networks)
    byName.set(object.name, { name: object.name, network: object, pins: [] });
  for (const candidate of containers) {
    const attachments = candidate.object.spec.networks ?? [];
    for (let index = 0; index < attachments.length; index++) {
      const { name, ipv4Address: address } = attachments[index] ?? { name: '' };
      if (address === undefined) continue;
      let entry = byName.get(name);
      if (!entry) byName.set(name, (entry = { name, pins: [] }));
      entry.pins.push({ candidate, index, address });
    }
  }
  return [...byName.values()];
}

function impossible({ network, pins }: NetworkPins): Finding[] {
  if (!network) return [];
  const range = network.spec.ipam && subnetRange(network.spec.ipam.subnet);
  const found: Finding[] = [];
  for (const pin of pins) {
    const message = pin.candidate.isInForce ? undefined : problemOf(pin.address, network, range);
    if (message === undefined) continue;
    const code = range ? 'address-outside-subnet' : 'address-without-subnet';
    found.push(find(pin.candidate, code, `${fieldOf(pin)}: ${message}`, placeOf(pin)));
  }
  return found;
}

function problemOf(
  address: string,
  network: NetworkObject,
  range: Ipv4Range | undefined,
): string | undefined {
  if (!range) {
    return `Network ${network.name} has no fixed subnet; give it ipam: {subnet: ...} to pin addresses on it`;
  }
  const { first, last } = range;
  const number = ipv4Number(address);
  const gateway = network.spec.ipam?.gateway;
  if (number === (gateway === undefined ? first + 1 : ipv4Number(gateway))) {
    return `${address} is the gateway of Network ${network.name}; choose another address`;
  }
  if (number > first && number < last) return undefined;
  const usable = `${formatIpv4(first + 1)} to ${formatIpv4(last - 1)}`;
  return `${address} is no usable address of Network ${network.name}; use one of ${usable}`;
}

function repeated(entry: NetworkPins): Finding[] {
  return groupsOf(entry.pins, ({ address }) => address)
    .flatMap((pins) => groupsOf(pins, (pin) => reachOf(pin, entry.network)))
    .flatMap((pins) => blameAll(pins, entry.name));
}

/** Items that share a key with another one. */
function groupsOf<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const firsts = new Map<string, T>();
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, item);
    else if (!groups.get(key)?.push(item)) groups.set(key, [first, item]);
  }
  return [...groups.values()];
}

/** An overlay is one network over all hosts; any other driver makes one a host, where only containers of one node meet. */
function reachOf({ candidate }: Pin, network: NetworkObject | undefined): string {
  return network?.spec.driver === 'overlay' ? '' : candidate.object.spec.nodeConstraint.join('\n');
}

function blameAll(pins: readonly Pin[], network: string): Finding[] {
  const found: Finding[] = [];
  for (const [index, pin] of pins.entries()) {
    const other = pins[index === 0 ? 1 : 0];
    if (pin.candidate.isInForce || !other) continue;
    const there = `${other.candidate.object.key} (${whereIs(other.candidate, placeOf(other))})`;
    const message = `${fieldOf(pin)}: ${pin.address} on ${network} is pinned by ${there} too; choose another address`;
    found.push(find(pin.candidate, 'address-duplicate', message, placeOf(pin)));
  }
  return found;
}

function fieldOf(pin: Pin): string {
  return `spec.networks[${pin.index}].ipv4Address`;
}

function placeOf(pin: Pin): Place | undefined {
  return pin.candidate.places?.networks?.[pin.index];
}
