import { errorMessage } from '../../api/index.ts';
import type { EndpointRequest, NetworkRef } from '../../plan/index.ts';
import { failure } from './failures.ts';
import type { ContainerRecord, EndpointRecord, HostState, NetworkRecord } from './model.ts';
import { isLive, ring, shownEndpoints } from './model.ts';
import { findNetwork, findNetworkToAttach, listedNetworks } from './networks.ts';

/** What a request becomes in the record of a container that is not attached yet. */
export function endpointRecord(networkName: string, request: EndpointRequest): EndpointRecord {
  return {
    networkName,
    networkId: request.network.id ?? '',
    isAttached: false,
    aliases: [...request.aliases],
    ...(request.ipv4Address === undefined ? {} : { requestedIpv4: request.ipv4Address }),
    ipv4Address: '',
  };
}

/**
 * Attaches a container whose processes run, or are about to: by network ID where the record has one, else by name, so that a
 * network made anew under its old name is not found. Takes an address.
 */
export function attach(host: HostState, container: ContainerRecord, endpoint: EndpointRecord): void {
  const { networkName: name, networkId: id } = endpoint;
  const network = findNetworkToAttach(host, id === '' ? { name } : { name, id });
  if (network.stale.has(container.name)) {
    throw failure(
      'stale-endpoint',
      `endpoint with name ${container.name} already exists in network ${network.name}`,
    );
  }
  endpoint.ipv4Address =
    network.scope === 'swarm'
      ? takeSwarmAddress(host, network, endpoint.requestedIpv4)
      : takeAddress(network, endpoint.requestedIpv4);
  endpoint.networkId = network.id;
  endpoint.isAttached = true;
}

/** In Swarm mode a manager hands out addresses; whatever stops it, all that the host learns is that it took too long. */
function takeSwarmAddress(host: HostState, network: NetworkRecord, requested: string | undefined): string {
  try {
    if (network.pool === undefined) throw new Error('it has no subnet');
    const address = takeAddress(network, requested);
    if (!network.balancers.has(host.name)) network.pool.setAside();
    network.balancers.add(host.name);
    return address;
  } catch (error) {
    const why = errorMessage(error);
    throw failure(
      'attach-timeout',
      `attaching to network ${network.name} failed: deadline exceeded (${why})`,
    );
  }
}

function takeAddress(network: NetworkRecord, requested: string | undefined): string {
  checkAddress(network, requested);
  if (network.pool === undefined) return '';
  if (requested === undefined) return network.pool.allocate();
  network.pool.claim(requested);
  return requested;
}

function checkAddress(network: NetworkRecord, requested: string | undefined): void {
  if (requested === undefined || network.configured) return;
  throw failure(
    'address-unsupported',
    `network ${network.name} has no configured subnet, so an address cannot be asked for`,
  );
}

/** Gives the address back. The record stays, with the network's ID: a start looks for that. */
export function detach(host: HostState, endpoint: EndpointRecord): void {
  endpoint.isAttached = false;
  if (endpoint.ipv4Address === '') return;
  const networks = [...host.networks, ...host.world.shared];
  networks.find((network) => network.id === endpoint.networkId)?.pool?.release(endpoint.ipv4Address);
  endpoint.ipv4Address = '';
}

/** Attaches a container to one more network; one that does not run only gets the record, whether the network exists or not. */
export function connect(host: HostState, container: ContainerRecord, request: EndpointRequest): void {
  if (container.endpoints.has('none')) {
    throw failure('invalid-request', `container ${container.name} has no network and can be given none`);
  }
  if (isLive(container)) connectLive(host, container, request);
  else recordEndpoint(host, container, request);
}

function connectLive(host: HostState, container: ContainerRecord, request: EndpointRequest): void {
  const network = findNetworkToAttach(host, request.network);
  const current = container.endpoints.get(network.name);
  if (current?.isAttached === true && current.networkId === network.id) {
    throw failure('already-connected', `${container.name} is already attached to network ${network.name}`);
  }
  checkAddress(network, request.ipv4Address);
  const endpoint = endpointRecord(network.name, request);
  try {
    attach(host, container, endpoint);
  } catch (error) {
    // Docker leaves the record behind. A disconnect does not find it, a connect replaces it, a start acts on it.
    if (network.scope !== 'swarm') container.endpoints.set(network.name, endpoint);
    throw error;
  }
  container.endpoints.set(network.name, endpoint);
  ring(host, container, network.name);
}

function recordEndpoint(host: HostState, container: ContainerRecord, request: EndpointRequest): void {
  const { id, name } = request.network;
  const network = listedNetworks(host).find((candidate) =>
    id === undefined ? candidate.name === name : candidate.id === id,
  );
  if (network === undefined) {
    const key = id ?? name;
    container.endpoints.set(key, endpointRecord(key, request));
    return;
  }
  checkAddress(network, request.ipv4Address);
  // Docker keeps the older record of that name and says nothing (moby#33661), except for Swarm's networks.
  if (container.endpoints.has(network.name) && network.scope !== 'swarm') return;
  container.endpoints.set(network.name, endpointRecord(network.name, request));
}

/** Fails with `not-connected` when there is nothing to detach. `force` drops the record of a network that is gone. */
export function disconnect(
  host: HostState,
  container: ContainerRecord,
  ref: NetworkRef,
  force = false,
): void {
  const key = isLive(container) && !force ? findNetwork(host, ref).name : recordedName(host, ref, force);
  const endpoint = container.endpoints.get(key);
  if (endpoint === undefined || !shownEndpoints(container).includes(endpoint)) {
    throw failure('not-connected', `container ${container.name} is not connected to network ${ref.name}`);
  }
  detach(host, endpoint);
  container.endpoints.delete(key);
  if (isLive(container)) ring(host, container, key);
}

/** By force Docker takes the name of a container that it does not know for that of an endpoint, and removes it, whoever holds it. */
export function dropEndpoint(host: HostState, name: string, ref: NetworkRef): void {
  const network = findNetwork(host, ref);
  if (!network.stale.delete(name) && !dropForeign(host, name, network)) {
    throw failure('not-found', `endpoint ${name} not found`);
  }
  host.emit({ type: 'changed', networkName: network.name });
}

/** In a cluster store the endpoints of all hosts are one list. */
function dropForeign({ world }: HostState, name: string, network: NetworkRecord): boolean {
  if (network.scope !== 'global') return false;
  for (const other of world.hosts) {
    for (const container of other.containers.values()) {
      const endpoint = container.name === name ? container.endpoints.get(network.name) : undefined;
      if (endpoint?.isAttached !== true || endpoint.networkId !== network.id) continue;
      detach(other, endpoint);
      return true;
    }
  }
  return false;
}

function recordedName(host: HostState, ref: NetworkRef, force: boolean): string {
  if (ref.id === undefined) return ref.name;
  const network = listedNetworks(host).find((candidate) => candidate.id === ref.id);
  return network?.name ?? (force ? ref.name : ref.id);
}
