import { objectKey } from '../api/index.ts';
import type { PlanContext } from './context.ts';
import { formatIpv4, overlaps, parseIpv4Range, type Ipv4Range } from './ipv4-range.ts';

const BLOCK_BITS = 24;
const BLOCK_SIZE = 2 ** (32 - BLOCK_BITS);

/**
 * Picks a subnet for each network that needs one: the first /24 of the pool that clashes with no host route, no network the
 * engine has and no other manifest; but one that it had before, it gets again. Names are served in order, so agents that see the same state
 * pick the same.
 * @returns CIDR by network name; a name is missing when the pool has no room left.
 */
export function assignSubnets(context: PlanContext, names: readonly string[]): Map<string, string> {
  const { settings, observed, revision } = context.input;
  const taken: Ipv4Range[] = [];
  const take = (cidr: string): void => {
    const range = parseIpv4Range(cidr);
    if (range) taken.push(range);
  };
  settings.hostRoutes.forEach(take);
  observed.networks.flatMap((network) => network.subnets).forEach(({ subnet }) => take(subnet));
  for (const object of revision.objects.values()) {
    if (object.kind === 'Network' && object.spec.ipam) take(object.spec.ipam.subnet);
  }
  const inOrder = [...names].sort();
  const assigned = new Map<string, string>();
  for (const name of inOrder) {
    const before = subnetBefore(context, name, taken);
    if (before === undefined) continue;
    assigned.set(name, before);
    take(before);
  }
  const others = inOrder.filter((name) => !assigned.has(name));
  return new Map([...assigned, ...fillFromPool(settings.subnetPool, others, taken)]);
}

/** The subnet that a network had, where the pool still has it and nobody else does: its containers then keep their addresses. */
function subnetBefore(context: PlanContext, name: string, taken: readonly Ipv4Range[]): string | undefined {
  const { memory, settings } = context.input;
  const subnet = memory.applied.get(objectKey('Network', name))?.subnet;
  const range = subnet === undefined ? undefined : parseIpv4Range(subnet);
  const pool = parseIpv4Range(settings.subnetPool);
  if (!range || !pool || range.first < pool.first || range.last > pool.last) return undefined;
  return taken.some((other) => overlaps(range, other)) ? undefined : subnet;
}

function fillFromPool(pool: string, names: readonly string[], taken: Ipv4Range[]): Map<string, string> {
  const assigned = new Map<string, string>();
  const range = parseIpv4Range(pool);
  if (!range) return assigned;
  let next = range.first;
  for (const name of names) {
    const block = firstFree(next, range.last, taken);
    if (block === undefined) break;
    assigned.set(name, `${formatIpv4(block)}/${BLOCK_BITS}`);
    next = block + BLOCK_SIZE;
  }
  return assigned;
}

function firstFree(from: number, last: number, taken: readonly Ipv4Range[]): number | undefined {
  for (let first = from; first + BLOCK_SIZE - 1 <= last; first += BLOCK_SIZE) {
    const block = { first, last: first + BLOCK_SIZE - 1 };
    if (!taken.some((range) => overlaps(range, block))) return first;
  }
  return undefined;
}
