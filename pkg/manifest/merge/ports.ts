import { literalNode } from '../../constraint/index.ts';
import type { ContainerObject, PortMapping } from '../objects.ts';
import { find, whereIs, type Candidate, type Finding } from './candidate.ts';

interface Publication {
  readonly candidate: Candidate<ContainerObject>;
  readonly port: PortMapping;
}

/** Containers of the same nodes that publish the same port of the host: only one of them can start. */
export function portConflicts(containers: readonly Candidate<ContainerObject>[]): Finding[] {
  const byNumber = new Map<number, Publication[]>();
  for (const candidate of containers) {
    for (const port of candidate.object.spec.ports) {
      if (port.hostPort === undefined) continue;
      const others = byNumber.get(port.hostPort);
      if (others) others.push({ candidate, port });
      else byNumber.set(port.hostPort, [{ candidate, port }]);
    }
  }
  return [...byNumber.values()]
    .filter((publications) => publications.length > 1)
    .flatMap((publications) => [...Map.groupBy(publications, meetingPlace).values()].flatMap(conflictsOf));
}

/** Where two surely meet: on the one node that both are pinned to, or wherever the same constraints lead. */
function meetingPlace({ candidate, port }: Publication): string {
  const { nodeConstraint } = candidate.object.spec;
  const pinned = literalNode(nodeConstraint);
  return [port.protocol, ...(pinned === undefined ? nodeConstraint : [`node==${pinned}`])].join('\n');
}

/** Reports each later publication once, against the first one that it meets. */
function conflictsOf(publications: readonly Publication[]): Finding[] {
  const byAddress = new Map<string, Candidate>();
  const found: Finding[] = [];
  for (const { candidate, port } of publications) {
    const address = isEverywhere(port) ? '' : (port.hostIp ?? '');
    const other = address === '' ? firstOf(byAddress) : (byAddress.get('') ?? byAddress.get(address));
    if (other && other !== candidate) found.push(conflict(candidate, other, port));
    if (!byAddress.has(address)) byAddress.set(address, candidate);
  }
  return found;
}

function firstOf(byAddress: ReadonlyMap<string, Candidate>): Candidate | undefined {
  return byAddress.values().next().value;
}

function isEverywhere({ hostIp }: PortMapping): boolean {
  return hostIp === undefined || hostIp === '0.0.0.0';
}

function conflict(candidate: Candidate, other: Candidate, port: PortMapping): Finding {
  const there = `${other.object.key} (${whereIs(other, other.places?.ports)})`;
  const message = `spec.ports: host port ${port.hostPort ?? ''}/${port.protocol} is published by ${there} too, and no node can run both; choose another port, or let a leader (--coordinator) keep them apart`;
  return find(candidate, 'port-conflict', message, candidate.places?.ports);
}
