import type { NetworkObject } from '../objects.ts';
import { subnetRange, type Ipv4Range } from '../value/index.ts';
import { find, whereIs, type Candidate, type Finding } from './candidate.ts';

interface Claim {
  readonly candidate: Candidate;
  readonly subnet: string;
  readonly range: Ipv4Range;
}

/** Declared networks whose subnets overlap: Docker refuses the second, or routes go astray. */
export function overlappingSubnets(networks: readonly Candidate<NetworkObject>[]): Finding[] {
  const found: Finding[] = [];
  let widest: Claim | undefined;
  for (const claim of claimsOf(networks)) {
    if (widest && claim.range.first <= widest.range.last) {
      found.push(...blame(claim, widest), ...blame(widest, claim));
    }
    if (!widest || claim.range.last > widest.range.last) widest = claim;
  }
  return found;
}

function claimsOf(networks: readonly Candidate<NetworkObject>[]): Claim[] {
  const claims: Claim[] = [];
  for (const candidate of networks) {
    const subnet = candidate.object.spec.ipam?.subnet;
    if (subnet !== undefined) claims.push({ candidate, subnet, range: subnetRange(subnet) });
  }
  return claims.sort((a, b) => a.range.first - b.range.first || b.range.last - a.range.last);
}

function blame({ candidate, subnet }: Claim, other: Claim): Finding[] {
  if (candidate.isInForce) return [];
  const { name } = other.candidate.object;
  const there = whereIs(other.candidate, other.candidate.places?.subnet);
  const message = `spec.ipam.subnet: ${subnet} overlaps ${other.subnet} of Network ${name} (${there}); choose another subnet`;
  return [find(candidate, 'subnet-overlap', message, candidate.places?.subnet)];
}
