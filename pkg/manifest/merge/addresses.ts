import type { ContainerObject, NetworkObject } from '../objects.ts';
import { formatIpv4, ipv4Number, subnetRange } from '../value/index.ts';
import { find, whereIs, type Candidate, type Finding } from './candidate.ts';

/** One pinned address of one container. */
interface Pin {
  readonly candidate: Candidate;
  readonly container: ContainerObject;
  /** Position among the container's networks. */
  readonly index: number;
  readonly network: string;
  readonly address: string;
}

/** Pinned addresses that their declared network does not have. */
export function impossibleAddresses(
  pins: readonly Pin[],
  networks: ReadonlyMap<string, NetworkObject>,
): Finding[] {
  const found: Finding[] = [];
  for (const pin of pins) {
    const network = networks.get(pin.network);
    if (pin.candidate.isInForce || !network) continue;
    const message = problemOf(pin.address, network);
    if (message === undefined) continue;
    const code = network.spec.ipam ? 'address-outside-subnet' : 'address-without-subnet';
    found.push(find(pin.candidate, code, `${fieldOf(pin)}: ${message}`, placeOf(pin)));
  }
  return found;
}

/** Addresses that two containers pin on one network, where both can run at once. */
export function doubleAddresses(
  pins: readonly Pin[],
  networks: ReadonlyMap<string, NetworkObject>,
): Finding[] {
  const byClaim = new Map<string, Pin[]>();
  for (const pin of pins) {
    const claim = claimOf(pin, networks.get(pin.network));
    const others = byClaim.get(claim);
    if (others) others.push(pin);
    else byClaim.set(claim, [pin]);
  }
  return [...byClaim.values()].filter((claimants) => claimants.length > 1).flatMap(blameAll);
}

/** All pinned addresses. */
export function pinsOf(candidates: Iterable<Candidate>): Pin[] {
  const pins: Pin[] = [];
  for (const candidate of candidates) {
    const { object } = candidate;
    if (object.kind !== 'Container') continue;
    for (const [index, { name, ipv4Address }] of (object.spec.networks ?? []).entries()) {
      if (ipv4Address === undefined) continue;
      pins.push({ candidate, container: object, index, network: name, address: ipv4Address });
    }
  }
  return pins;
}

function problemOf(address: string, network: NetworkObject): string | undefined {
  const { ipam } = network.spec;
  if (!ipam)
    return `Network ${network.name} has no fixed subnet; give it ipam: {subnet: ...} to pin addresses on it`;
  const { first, last } = subnetRange(ipam.subnet);
  const number = ipv4Number(address);
  const gateway = ipam.gateway === undefined ? first + 1 : ipv4Number(ipam.gateway);
  if (number === gateway)
    return `${address} is the gateway of Network ${network.name}; choose another address`;
  if (number > first && number < last) return undefined;
  const usable = `${formatIpv4(first + 1)} to ${formatIpv4(last - 1)}`;
  return `${address} is no usable address of Network ${network.name} (${ipam.subnet}); use one of ${usable}`;
}

/** An overlay is one network over all hosts; any other driver makes one a host, where only containers of one node meet. */
function claimOf({ container, network: name, address }: Pin, network: NetworkObject | undefined): string {
  const place = network?.spec.driver === 'overlay' ? '' : container.spec.nodeConstraint.join('\n');
  return `${name}\n${address}\n${place}`;
}

function blameAll(pins: readonly Pin[]): Finding[] {
  const found: Finding[] = [];
  for (const [index, pin] of pins.entries()) {
    const other = pins[index === 0 ? 1 : 0];
    if (pin.candidate.isInForce || !other) continue;
    const there = `${other.container.key} (${whereIs(other.candidate, placeOf(other))})`;
    const message = `${fieldOf(pin)}: ${pin.address} on ${pin.network} is pinned by ${there} too; choose another address`;
    found.push(find(pin.candidate, 'address-duplicate', message, placeOf(pin)));
  }
  return found;
}

function fieldOf(pin: Pin): string {
  return `spec.networks[${pin.index}].ipv4Address`;
}

function placeOf(pin: Pin) {
  return pin.candidate.places?.networks?.[pin.index];
}
