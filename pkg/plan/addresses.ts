import type { ObservedContainer, ObservedNetwork, ObservedSubnet } from '../state/index.ts';
import { parseIpv4Range } from './ipv4-range.ts';

/** Addresses of a network as far as one engine knows: of a network that hosts share, `used` is this host's part. */
export interface NetworkAddresses {
  readonly used: number;
  /** What containers can have at most, over all hosts. */
  readonly total: number;
}

/** How many addresses containers hold in each network, by the network's ID. */
export function heldAddresses(containers: readonly ObservedContainer[]): ReadonlyMap<string, number> {
  const held = new Map<string, number>();
  for (const { endpoints } of containers) {
    for (const { networkId, ipv4Address } of endpoints) {
      if (ipv4Address !== '') held.set(networkId, (held.get(networkId) ?? 0) + 1);
    }
  }
  return held;
}

/** Undefined for a network whose addresses nobody knows: without a subnet, or with one of IPv6. `held`: by containers. */
export function countAddresses(network: ObservedNetwork, held: number): NetworkAddresses | undefined {
  const total = network.subnets.reduce((sum, subnet) => sum + roomOf(subnet), 0);
  if (total === 0) return undefined;
  // On each host that uses one of its overlays Swarm mode keeps an address for itself.
  const balancer = network.scope === 'swarm' && held > 0 ? 1 : 0;
  return { used: held + balancer, total };
}

/** Without the first and the last of the subnet, and without the gateway. */
function roomOf({ subnet, ipRange, gateway }: ObservedSubnet): number {
  const whole = parseIpv4Range(subnet);
  const range = parseIpv4Range(ipRange ?? subnet);
  if (!whole || !range) return 0;
  const gate = gateway === undefined ? undefined : parseIpv4Range(`${gateway}/32`)?.first;
  // A gateway that the engine chose and does not tell is the first address.
  const reserved = new Set([whole.first, whole.last, gate ?? whole.first + 1]);
  const inside = [...reserved].filter((address) => address >= range.first && address <= range.last);
  return Math.max(0, range.last - range.first + 1 - inside.length);
}
