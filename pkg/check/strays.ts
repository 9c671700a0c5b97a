import { findingsOn, type Evidence } from './evidence.ts';
import type { MappedEndpoint, MappedNetwork } from './errand.ts';
import type { PingFinding } from './findings.ts';
import type { Unreached } from './report.ts';

/** A container that hosts do not reach while they reach another one beside it: the way between the hosts is open. */
export interface Stray {
  readonly network: MappedNetwork['network'];
  readonly endpoint: MappedEndpoint;
  /** The hosts that do not reach it. */
  readonly from: readonly string[];
  /** An address that one of them reaches on the same host. */
  readonly beside: string;
  /** Whether its own host reaches it. */
  readonly isReachedAtHome: boolean;
}

/** All of them on the networks that several nodes are on. */
export function straysOf(evidence: Evidence): Stray[] {
  return evidence.networks
    .filter(({ network }) => network.scope !== 'local')
    .flatMap((mapped) => straysOn(mapped, evidence));
}

function straysOn({ network, endpoints }: MappedNetwork, evidence: Evidence): Stray[] {
  const pingsOf = (node: string): readonly PingFinding[] => {
    const found = findingsOn(evidence, node, network.id);
    return [...(found?.pings ?? []), ...(found?.fellows ?? [])];
  };
  const nodes = [...new Set(endpoints.map(({ node }) => node))].sort();
  return endpoints.flatMap((endpoint): Stray[] => {
    const seen = nodes
      .filter((node) => node !== endpoint.node)
      .map((from) => ({ from, beside: besideOf(endpoint, pingsOf(from)) }));
    const lost = seen.flatMap(({ from, beside }) => (beside === undefined ? [] : [{ from, beside }]));
    const [first] = lost;
    if (!first) return [];
    const isReachedAtHome = pingsOf(endpoint.node).some(
      (ping) => ping.address === endpoint.address && isReply(ping),
    );
    return [{ network, endpoint, from: lost.map(({ from }) => from), beside: first.beside, isReachedAtHome }];
  });
}

/** What is reached on the endpoint's host where the endpoint itself is not. */
function besideOf({ node, address }: MappedEndpoint, pings: readonly PingFinding[]): string | undefined {
  const there = pings.filter((ping) => ping.node === node);
  if (!there.some((ping) => ping.address === address && ping.reach === 'unreachable')) return undefined;
  return there.find((ping) => ping.address !== address && isReply(ping))?.address;
}

function isReply({ reach }: PingFinding): boolean {
  return reach === 'ok' || reach === 'mtu';
}

/** As a check reports it. */
export function describeStray({ network, endpoint, from, beside, isReachedAtHome }: Stray): Unreached {
  const { container, node, address } = endpoint;
  const seen = `no answer from ${address}, while ${beside} on the same host is reached`;
  const message = isReachedAtHome
    ? `${seen}: these hosts send its traffic somewhere else. Run ovr republish ${container} on ${node}`
    : `${seen}, and its own host does not reach it either: look into the container, it may drop pings`;
  return { network: network.name, container, node, address, from, message };
}
