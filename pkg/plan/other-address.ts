import type { ObservedNetwork } from '../state/index.ts';
import type { PlanContext } from './context.ts';
import { formatIpv4, parseIpv4Range } from './ipv4-range.ts';

/**
 * An address that an endpoint has not had, from the end of the range: engines give from its beginning. Undefined where the engine may be left to choose: Swarm mode
 * gives no address twice in a row, and refuses one in use only after a time-out.
 */
export function otherAddress(
  context: PlanContext,
  network: ObservedNetwork | undefined,
  current: string | undefined,
): string | undefined {
  const [subnet] = network?.subnets ?? [];
  if (!network || !subnet || network.scope === 'swarm') return undefined;
  const range = parseIpv4Range(subnet.ipRange ?? subnet.subnet);
  const whole = parseIpv4Range(subnet.subnet);
  if (!range || !whole) return undefined;
  const ends = [formatIpv4(whole.first), formatIpv4(whole.last)];
  const taken = new Set([...ends, subnet.gateway, current, ...addressesOn(context, network)]);
  for (let last = range.last; last > range.first; last -= 1) {
    const address = formatIpv4(last);
    if (!taken.has(address)) return address;
  }
  return undefined;
}

function addressesOn(context: PlanContext, { id }: ObservedNetwork): string[] {
  const endpoints = (context.attachedTo.get(id) ?? []).flatMap((container) => container.endpoints);
  return endpoints.flatMap(({ networkId, ipv4Address }) => (networkId === id ? [ipv4Address] : []));
}
