import { compareStrings } from '../api/index.ts';
import { mapNetworks, type Errand, type ErrandHost, type Knowledge, type MappedEndpoint } from './errand.ts';
import type { Findings } from './findings.ts';

/** What a check looks at besides one container of each host. */
export interface Attention {
  /** Counts the checks, so that each looks at others. */
  readonly turn: number;
  /** Addresses that did not answer last time, as `unanswered` tells them. */
  readonly unanswered: ReadonlySet<string>;
}

/** Further containers of a network in one check; those that did not answer last time come on top. */
const WINDOW = 16;
const MAX_WATCHED = 16;

/**
 * Sends the nodes also to some containers that are not the one of their host: what is wrong with the way to one does not show on the way to
 * another. Each comes round in turn; whoever did not answer is asked again each time, beside another one of its host.
 */
export function withFellows(errand: Errand, knowledge: Knowledge, attention: Attention): Errand {
  const mapped = mapNetworks(knowledge);
  const networks = errand.networks.map((network) => {
    const endpoints = mapped.get(network.id)?.endpoints ?? [];
    if (!network.isAsked || network.scope === 'local') return network;
    const fellows = fellowsOf(network.id, { endpoints, hosts: network.hosts }, attention);
    return fellows.length === 0 ? network : { ...network, fellows };
  });
  return { ...errand, networks };
}

function fellowsOf(
  networkId: string,
  { endpoints, hosts }: { endpoints: readonly MappedEndpoint[]; hosts: readonly ErrandHost[] },
  { turn, unanswered }: Attention,
): ErrandHost[] {
  const isHost = ({ node, address }: MappedEndpoint): boolean =>
    hosts.some((host) => host.node === node && host.address === address);
  const others = endpoints
    .filter((endpoint) => !isHost(endpoint))
    .sort((a, b) => compareStrings(a.container, b.container) || compareStrings(a.node, b.node));
  const isWatched = ({ address }: MappedEndpoint): boolean => unanswered.has(wayTo(networkId, address));
  const watched = endpoints.filter(isWatched).slice(0, MAX_WATCHED);
  const companions = [...new Set(watched.map(({ node }) => node))].flatMap(
    (node) => others.find((one) => one.node === node && !isWatched(one)) ?? [],
  );
  const start = others.length === 0 ? 0 : (turn * WINDOW) % others.length;
  const inTurn = [...others.slice(start), ...others.slice(0, start)].slice(0, WINDOW);
  const chosen = new Set([...companions, ...watched.filter((one) => !isHost(one)), ...inTurn]);
  return [...chosen].map(({ node, container, address }) => ({ node, container, address }));
}

/** The addresses that some node got no answer from, each with its network. */
export function unanswered(all: Iterable<Findings | { readonly problem: string }>): ReadonlySet<string> {
  const found = [...all].flatMap((findings) => ('problem' in findings ? [] : findings.networks));
  return new Set(
    found.flatMap(({ id, pings, fellows = [] }) =>
      [...pings, ...fellows]
        .filter(({ reach }) => reach === 'unreachable')
        .map(({ address }) => wayTo(id, address)),
    ),
  );
}

function wayTo(networkId: string, address: string): string {
  return `${networkId} ${address}`;
}
