import { compareStrings } from '../api/index.ts';
import type { Census, CensusEndpoint, CensusNetwork } from './census.ts';

/** What a node has to find out, besides what it knows of the networks that it shares with nobody. */
export interface Errand {
  /** Names or IDs of the networks that are asked about; none: all. */
  readonly wanted: readonly string[];
  /** The networks that several nodes may be on. */
  readonly networks: readonly ErrandNetwork[];
}

/** One network: what its names mean and who is to be reached on it. */
export interface ErrandNetwork {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly scope: CensusNetwork['scope'];
  readonly mtu?: number;
  /** False: there only to tell what a container that is on several networks may be answered. */
  readonly isAsked: boolean;
  /** Whether all holders of all names are known. */
  readonly isComplete: boolean;
  /** Addresses by name, sorted. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** One address of each node, to be reached from every other. */
  readonly hosts: readonly ErrandHost[];
  /** Some further containers, to be reached likewise. */
  readonly fellows?: readonly ErrandHost[];
}

export interface ErrandHost {
  readonly node: string;
  readonly container: string;
  readonly address: string;
}

export interface Knowledge {
  readonly censuses: readonly Census[];
  /** Whether every node of the cluster that may be on a shared network has told its census. */
  readonly isComplete: boolean;
}

/** All that the nodes have told of one network. */
export interface MappedNetwork {
  readonly network: CensusNetwork;
  readonly isComplete: boolean;
  readonly endpoints: readonly MappedEndpoint[];
}

export interface MappedEndpoint extends CensusEndpoint {
  readonly node: string;
}

/** Puts together what the nodes have told; a network that only one node can see is that node's own, whatever its name. */
export function mapNetworks({ censuses, isComplete }: Knowledge): ReadonlyMap<string, MappedNetwork> {
  const networks = new Map<string, { network: CensusNetwork; endpoints: MappedEndpoint[]; isCut: boolean }>();
  for (const { node, networks: seen, omitted } of censuses) {
    for (const network of seen) {
      const known = networks.get(network.id) ?? { network, endpoints: [], isCut: false };
      known.endpoints.push(...network.endpoints.map((endpoint) => ({ ...endpoint, node })));
      known.isCut ||= omitted > 0;
      networks.set(network.id, known);
    }
  }
  return new Map(
    [...networks].map(([id, { network, endpoints, isCut }]) => [
      id,
      { network, endpoints, isComplete: !isCut && (network.scope === 'local' || isComplete) },
    ]),
  );
}

/** Whether a network is one of those asked about. */
export function isWanted({ id, name }: { id: string; name: string }, wanted: readonly string[]): boolean {
  return wanted.length === 0 || wanted.includes(name) || wanted.includes(id);
}

/** The errand for networks that several nodes may be on, or for those that are one node's own. */
export function makeErrand(
  knowledge: Knowledge,
  wanted: readonly string[],
  which: 'shared' | 'local',
): Errand {
  const all = mapNetworks(knowledge);
  const asked = [...all.values()].filter(
    ({ network, endpoints }) =>
      (network.scope === 'local') === (which === 'local') &&
      isWanted(network, wanted) &&
      endpoints.length > 0,
  );
  const askedIds = new Set(asked.map(({ network }) => network.id));
  const besides = new Set(asked.flatMap(({ endpoints }) => endpoints.flatMap(({ networks }) => networks)));
  const networks = [...all.values()]
    .filter(({ network: { id } }) => askedIds.has(id) || besides.has(id))
    .map((mapped) => describe(mapped, askedIds.has(mapped.network.id)))
    .sort((a, b) => compareStrings(a.name, b.name) || compareStrings(a.id, b.id));
  return { wanted, networks };
}

function describe({ network, endpoints, isComplete }: MappedNetwork, isAsked: boolean): ErrandNetwork {
  const { id, name, driver, scope, mtu } = network;
  return {
    id,
    name,
    driver,
    scope,
    ...(mtu === undefined ? {} : { mtu }),
    isAsked,
    isComplete,
    names: meanings(endpoints),
    hosts: isAsked ? hostsOf(endpoints) : [],
  };
}

/** What each name must be answered with. A name that a manifest declares counts, whether or not the endpoint has it. */
function meanings(endpoints: readonly MappedEndpoint[]): Record<string, string[]> {
  const byName = new Map<string, Set<string>>();
  for (const { address, names, lacking } of endpoints) {
    for (const name of [...names, ...lacking]) {
      byName.set(name, (byName.get(name) ?? new Set()).add(address));
    }
  }
  const sorted = [...byName].sort(([a], [b]) => compareStrings(a, b));
  return Object.fromEntries(sorted.map(([name, addresses]) => [name, [...addresses].sort()]));
}

/** Of each node the container that comes last by name: a node pings from its first, so that it reaches another one of its own if it can. */
function hostsOf(endpoints: readonly MappedEndpoint[]): ErrandHost[] {
  const byNode = new Map<string, ErrandHost>();
  for (const { node, container, address } of endpoints) {
    const known = byNode.get(node);
    if (!known || known.container < container) byNode.set(node, { node, container, address });
  }
  return [...byNode.values()].sort((a, b) => compareStrings(a.node, b.node));
}

/** The containers of a node that may ask for it on a network, the best first: those that are on no other network, then by name. */
export function askersOn(census: Census, networkId: string): readonly CensusEndpoint[] {
  const endpoints = census.networks.find(({ id }) => id === networkId)?.endpoints ?? [];
  return endpoints.toSorted(
    (a, b) => a.networks.length - b.networks.length || compareStrings(a.container, b.container),
  );
}
