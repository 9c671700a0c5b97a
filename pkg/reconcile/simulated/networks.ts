import type { NetworkCreate, NetworkRef } from '../../plan/index.ts';
import type { NetworkSpec } from '../../manifest/index.ts';
import type { NetworkDetails, NetworkEndpoint, ObservedSubnet } from '../../state/index.ts';
import { failure, gone } from './failures.ts';
import { AddressPool, freeSubnet, overlaps, withGateway } from './ipam.ts';
import { type HostState, type NetworkRecord, endpointId, isLive } from './model.ts';

/** Where a network without a subnet of its own gets one: what Docker takes by default. */
const LOCAL_POOL = '172.16.0.0/12';
const LOCAL_PREFIX = 16;
const SHARED_POOL = '10.0.0.0/8';
const SHARED_PREFIX = 24;

/** What this host's engine lists: a Swarm worker knows a shared network only while a container of its own is on it. */
export function listedNetworks(host: HostState): NetworkRecord[] {
  const { world } = host;
  if (host.facts.kind !== 'swarm-worker') return [...host.networks, ...world.shared];
  const shared = world.shared.filter((network) => network.predefined || usesNetwork(host, network));
  return [...host.networks, ...shared];
}

function usesNetwork(host: HostState, network: NetworkRecord): boolean {
  for (const container of host.containers.values()) {
    if (!isLive(container)) continue;
    for (const endpoint of container.endpoints.values()) {
      if (endpoint.networkId === network.id) return true;
    }
  }
  return false;
}

/** One network by ID if the reference has one, else by name; fails with `network-not-found` or `ambiguous-network`. */
export function findNetwork(
  host: HostState,
  ref: NetworkRef,
  among: readonly NetworkRecord[] = listedNetworks(host),
): NetworkRecord {
  const found =
    ref.id === undefined
      ? among.filter((network) => network.name === ref.name)
      : among.filter((network) => network.id === ref.id);
  const [first] = found;
  if (first === undefined) throw failure('network-not-found', `network ${ref.id ?? ref.name} not found`);
  if (found.length > 1) {
    throw failure('ambiguous-network', `network ${ref.name} is ambiguous (${found.length} matches found)`);
  }
  return first;
}

/** As findNetwork, but a worker also asks its managers, as Docker does when a container is attached. */
export function findNetworkToAttach(host: HostState, ref: NetworkRef): NetworkRecord {
  const network = findNetwork(host, ref, [...host.networks, ...host.world.shared]);
  if (network.scope === 'swarm' && !network.attachable) {
    throw failure('not-attachable', `network ${network.name} is not attachable: create it with attachable`);
  }
  return network;
}

/** What an inspect tells: on a cluster store of all hosts, and which host holds what only of this one. */
export function inspectNetwork(host: HostState, ref: NetworkRef): NetworkDetails {
  const network = findNetwork(host, ref);
  const hosts = network.scope === 'global' ? host.world.hosts : [host];
  const held = hosts.flatMap((other) =>
    [...other.containers.values()].flatMap(({ id, name, endpoints }): NetworkEndpoint[] => {
      const isOn = [...endpoints.values()].some(
        (endpoint) => endpoint.isAttached && endpoint.networkId === network.id,
      );
      return isOn ? [{ id: endpointId({ id }), name, ...(other === host ? { holder: id } : {}) }] : [];
    }),
  );
  const left = [...network.stale].map(([name, id]) => ({ id, name }));
  return { endpoints: [...held, ...left] };
}

/** What can be said before the work starts. In a cluster store two hosts can pass this at once, as with Docker. */
export function checkNewNetwork(host: HostState, { name, spec }: NetworkCreate): void {
  if (['bridge', 'host', 'none'].includes(name)) {
    throw failure('invalid-request', `${name} is a predefined network`);
  }
  if (spec.driver === 'overlay') requireManager(host);
  if (listedNetworks(host).some((network) => network.name === name)) {
    throw failure('already-exists', `network with name ${name} already exists`);
  }
}

function requireManager(host: HostState): void {
  if (host.facts.kind === 'plain' || host.facts.kind === 'swarm-worker') {
    throw failure('not-manager', 'this node is not a swarm manager: create overlays on one');
  }
}

/** Makes it without asking for its name; fails with `subnet-overlap`, and in Swarm mode with `already-exists`. */
export function addNetwork(host: HostState, create: NetworkCreate): NetworkRecord {
  const { world } = host;
  const isShared = create.spec.driver === 'overlay';
  if (isShared && world.topology === 'swarm') checkNewNetwork(host, create);
  const neighbours = isShared ? world.shared : host.networks;
  const taken = neighbours.flatMap((network) => network.subnets.map(({ subnet }) => subnet));
  const subnet = create.spec.ipam ?? autoSubnet(isShared, taken);
  const isTaken = taken.some((other) => overlaps(other, subnet.subnet));
  if (isTaken && !(isShared && world.topology === 'swarm')) {
    throw failure('subnet-overlap', `subnet ${subnet.subnet} overlaps with that of another network`);
  }
  const made = networkRecord(host, create, subnet);
  // Swarm mode takes such a network without a word and never makes it ready.
  const record = isTaken ? unallocated(made) : made;
  neighbours.push(record);
  host.emit({ type: 'changed', networkName: create.name });
  return record;
}

function unallocated(network: NetworkRecord): NetworkRecord {
  return { ...network, driver: '', options: {}, subnets: [], pool: undefined };
}

function autoSubnet(isShared: boolean, taken: readonly string[]): ObservedSubnet {
  const pool = isShared ? SHARED_POOL : LOCAL_POOL;
  const subnet = freeSubnet(pool, isShared ? SHARED_PREFIX : LOCAL_PREFIX, taken);
  if (subnet === undefined)
    throw failure('address-exhausted', 'no free subnet is left: give the network one');
  return withGateway({ subnet });
}

function networkRecord(host: HostState, create: NetworkCreate, subnet: ObservedSubnet): NetworkRecord {
  const { world } = host;
  const { name, spec, labels } = create;
  const isShared = spec.driver === 'overlay';
  const isSwarm = isShared && world.topology === 'swarm';
  return {
    id: world.nextId(),
    name,
    driver: spec.driver,
    scope: isShared ? (isSwarm ? 'swarm' : 'global') : 'local',
    attachable: spec.attachable,
    internal: spec.internal,
    labels: { ...labels },
    options: driverOptions(spec, isSwarm ? world.nextVxlan() : undefined),
    subnets: [isSwarm ? withGateway(subnet) : subnet],
    createdAtMs: world.clock.now(),
    configured: isSwarm || spec.ipam !== undefined,
    pool: new AddressPool(name, withGateway(subnet), isSwarm ? 'serial' : 'lowest'),
    predefined: false,
    stale: new Map(),
    balancers: new Set(),
  };
}

/** As the engine shows them: with what the fields of the manifest stand for, and with what it adds by itself. */
function driverOptions(spec: NetworkSpec, vxlan: number | undefined): Record<string, string> {
  return {
    ...spec.options,
    ...(spec.encrypted ? { encrypted: '' } : {}),
    ...(spec.mtu === undefined ? {} : { 'com.docker.network.driver.mtu': String(spec.mtu) }),
    ...(vxlan === undefined ? {} : { 'com.docker.network.driver.overlay.vxlanid_list': String(vxlan) }),
  };
}

/** Fails with `network-in-use` while any host has a container on it; `already-so` when there is none of that ID. */
export function removeNetwork(host: HostState, id: string): void {
  const network = listedNetworks(host).find((candidate) => candidate.id === id);
  if (network === undefined) throw gone(`network ${id} not found`);
  if (network.predefined) throw failure('invalid-request', `network ${network.name} is predefined`);
  if (network.scope === 'swarm') requireManager(host);
  if (network.stale.size > 0 || host.world.hosts.some((other) => usesNetwork(other, network))) {
    throw failure('network-in-use', `network ${network.name} has active endpoints`);
  }
  const list = network.scope === 'local' ? host.networks : host.world.shared;
  list.splice(list.indexOf(network), 1);
  host.emit({ type: 'changed', networkName: network.name });
}

/** The networks that an engine makes by itself on each host. */
export function hostNetworks(host: HostState): NetworkRecord[] {
  const gateway = predefined(host, 'docker_gwbridge', 'bridge', '172.18.0.0/16');
  return [
    predefined(host, 'bridge', 'bridge', '172.17.0.0/16'),
    predefined(host, 'host', 'host'),
    predefined(host, 'none', 'null'),
    ...(host.world.topology === 'swarm' ? [gateway] : []),
  ];
}

/** The network that Swarm mode makes for published ports of services. */
export function ingressNetwork(manager: HostState): NetworkRecord {
  return { ...predefined(manager, 'ingress', 'overlay', '10.0.0.0/24'), scope: 'swarm' };
}

function predefined(host: HostState, name: string, driver: string, subnet?: string): NetworkRecord {
  const { world } = host;
  const ipam = subnet === undefined ? undefined : withGateway({ subnet });
  return {
    id: world.nextId(),
    name,
    driver,
    scope: 'local',
    attachable: false,
    internal: false,
    labels: {},
    options: {},
    subnets: ipam === undefined ? [] : [ipam],
    createdAtMs: world.clock.now(),
    configured: false,
    ...(ipam === undefined ? {} : { pool: new AddressPool(name, ipam) }),
    predefined: true,
    stale: new Map(),
    balancers: new Set(),
  };
}
