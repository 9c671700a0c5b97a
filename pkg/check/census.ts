import { readOwnership } from '../api/index.ts';
import type { ContainerObject, Revision } from '../manifest/index.ts';
import type { ObservedContainer, ObservedNetwork, ObservedState } from '../state/index.ts';

/** What one node has on the networks where Docker answers names: who is there, under which names, at which address. */
export interface Census {
  readonly node: string;
  readonly networks: readonly CensusNetwork[];
  /** Endpoints that were left out because there are too many; while there are any, absence says nothing. */
  readonly omitted: number;
}

export interface CensusNetwork {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  /** Only what is not `local` is the same network on several nodes. */
  readonly scope: ObservedNetwork['scope'];
  /** What the network was made with; absent: the driver chose. */
  readonly mtu?: number;
  readonly endpoints: readonly CensusEndpoint[];
}

/** One container that runs on a network. */
export interface CensusEndpoint {
  readonly id: string;
  readonly container: string;
  readonly address: string;
  /** Its own name and its aliases, as the engine has them: lower case, sorted. */
  readonly names: readonly string[];
  /** Names that its manifest declares and its endpoint does not have. */
  readonly lacking: readonly string[];
  /** The networks it is on, by ID: it may be answered with what a name means on any of them. */
  readonly networks: readonly string[];
}

/** Names of a container on its networks, by network ID or name, where the observed state does not tell them. */
export type ToldNames = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

export interface CensusInput {
  readonly node: string;
  readonly observed: ObservedState;
  /** By container ID. */
  readonly told: ToldNames;
  readonly revision?: Revision;
}

/** More than a host runs; what all nodes tell has to fit into one answer of a coordinator. */
const MAX_ENDPOINTS = 2000;
const MTU_OPTION = 'com.docker.network.driver.mtu';
/** The longest that DNS takes between two dots; Docker takes longer container names, and nothing can ask for them. */
const MAX_LABEL = 63;
const MAX_NAME = 253;

/** Networks whose containers have no embedded DNS: the default bridge, the host's own, none, and those that Swarm mode keeps for itself. */
const WITHOUT_DNS = new Set(['bridge', 'host', 'none', 'ingress', 'docker_gwbridge']);
const DRIVERS_WITHOUT_DNS = new Set(['host', 'null']);

/** Whether containers on it ask the embedded DNS. */
export function answersNames({ name, driver }: Pick<ObservedNetwork, 'name' | 'driver'>): boolean {
  return !WITHOUT_DNS.has(name) && !DRIVERS_WITHOUT_DNS.has(driver);
}

/** Whether its names are known by the engine's own record and its address is in use: it runs, or is paused with all its network in place. */
export function isThere({ state }: ObservedContainer): boolean {
  return state === 'running' || state === 'paused';
}

/** Counts who is on which network of a node. */
export function takeCensus(input: CensusInput): Census {
  const { node, observed } = input;
  const all = observed.networks.filter(answersNames).map((network) => describeNetwork(network, input));
  let room = MAX_ENDPOINTS;
  let omitted = 0;
  const networks = all.map((network) => {
    const endpoints = network.endpoints.slice(0, room);
    room -= endpoints.length;
    omitted += network.endpoints.length - endpoints.length;
    return { ...network, endpoints };
  });
  return { node, networks, omitted };
}

function describeNetwork(network: ObservedNetwork, input: CensusInput): CensusNetwork {
  const { id, name, driver, scope, options } = network;
  const mtu = Number(options[MTU_OPTION]);
  return {
    id,
    name,
    driver,
    scope,
    ...(Number.isSafeInteger(mtu) && mtu > 0 ? { mtu } : {}),
    endpoints: input.observed.containers.filter(isThere).flatMap((container) => {
      const endpoint = describeEndpoint(network, container, input);
      return endpoint ? [endpoint] : [];
    }),
  };
}

function describeEndpoint(
  network: ObservedNetwork,
  container: ObservedContainer,
  { told, revision }: CensusInput,
): CensusEndpoint | undefined {
  const endpoint = container.endpoints.find(({ networkId }) => networkId === network.id);
  if (!endpoint || endpoint.ipv4Address === '') return undefined;
  const aliases =
    container.details?.aliases ?? told.get(container.id) ?? new Map<string, readonly string[]>();
  const names = askable([container.name, ...(aliases.get(network.id) ?? aliases.get(network.name) ?? [])]);
  const declared = declaredAliases(network.name, container, revision);
  return {
    id: container.id,
    container: container.name,
    address: endpoint.ipv4Address,
    names,
    lacking: askable(declared).filter((name) => !names.includes(name)),
    networks: container.endpoints.map(({ networkId }) => networkId).sort(),
  };
}

/** What the manifest of a container that ovr made wants it to be called there. */
function declaredAliases(
  networkName: string,
  { labels, name }: ObservedContainer,
  revision: Revision | undefined,
): readonly string[] {
  const owner = readOwnership(labels);
  if (owner?.kind !== 'Container' || owner.name !== name) return [];
  const attached = containerOf(revision, name)?.spec.networks?.find((one) => one.name === networkName);
  if (!attached || attached.aliases.length === 0) return [];
  const moving = movingNames(networkName, revision);
  return attached.aliases.filter((alias) => !moving.has(alias));
}

/** Names that Alias objects move between containers: who has one now is for the engine to say. */
function movingNames(networkName: string, revision: Revision | undefined): ReadonlySet<string> {
  const objects = [...(revision?.objects.values() ?? [])];
  return new Set(
    objects.flatMap((object) =>
      object.kind === 'Alias' && object.spec.network === networkName ? [object.spec.dnsName] : [],
    ),
  );
}

function containerOf(revision: Revision | undefined, name: string): ContainerObject | undefined {
  const object = revision?.objects.get(`Container/${name}`);
  return object?.kind === 'Container' && object.mode !== 'ignore' ? object : undefined;
}

/** Lower case, sorted, without doubles and without what DNS cannot carry. */
function askable(names: readonly string[]): string[] {
  const fits = (name: string): boolean =>
    name !== '' && name.length <= MAX_NAME && name.split('.').every((label) => label.length <= MAX_LABEL);
  return [...new Set(names.map((name) => name.toLowerCase()).filter(fits))].sort();
}
