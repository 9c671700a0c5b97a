import { readOwnership } from '../../api/index.ts';
import {
  normaliseAliases,
  type ContainerSeat,
  type ObservedContainer,
  type ObservedDetails,
  type ObservedNetwork,
  type ObservedState,
} from '../../state/index.ts';
import type { ContainerRecord, EndpointRecord, HostState, NetworkRecord } from './model.ts';
import { endpointId, isLive, shownEndpoints } from './model.ts';
import { listedNetworks } from './networks.ts';
import { shuffled } from './random.ts';

/**
 * What the engine of this host tells, in an order that depends on `next` alone: nobody may rely on one. Of the containers named in
 * `busy` it tells no details, since an engine need not.
 */
export function observeHost(
  host: HostState,
  next: () => number,
  busy: ReadonlySet<string> = new Set(),
): ObservedState {
  return {
    engine: host.facts,
    networks: shuffled(listedNetworks(host), next).map(observedNetwork),
    containers: shuffled([...host.containers.values()], next).map((container) =>
      observedContainer(host, container, busy.has(container.name)),
    ),
  };
}

function observedNetwork(network: NetworkRecord): ObservedNetwork {
  const { id, name, driver, scope, attachable, internal, createdAtMs } = network;
  return {
    ...{ id, name, driver, scope, attachable, internal, createdAtMs },
    labels: { ...network.labels },
    options: { ...network.options },
    subnets: network.subnets.map((subnet) => ({ ...subnet })),
  };
}

function observedContainer(host: HostState, container: ContainerRecord, isBusy: boolean): ObservedContainer {
  const isToldWhole = !isBusy && readOwnership(container.labels) !== undefined;
  const { id, name, image, state, health, createdAtMs } = container;
  return {
    ...{ id, name, image, state, health, createdAtMs },
    labels: { ...container.labels },
    endpoints: shownEndpoints(container).map(({ networkId, networkName, ipv4Address, isAttached }) => ({
      ...(isAttached ? { id: endpointId(container) } : {}),
      networkId,
      networkName,
      ipv4Address,
    })),
    ...(isToldWhole ? { details: details(host, container) } : {}),
  };
}

/** What a fresh inspect tells of where a container runs. */
export function seatOf(container: ContainerRecord): ContainerSeat {
  const { starts } = container;
  return {
    pid: isLive(container) ? starts : 0,
    startedAt: `start ${starts}`,
    aliases: aliasesOf(container),
  };
}

function aliasesOf(container: ContainerRecord): ObservedDetails['aliases'] {
  return new Map(
    shownEndpoints(container).map((endpoint) => [
      keyOf(endpoint),
      normaliseAliases(endpoint.aliases, container),
    ]),
  );
}

function details(host: HostState, container: ContainerRecord): ObservedDetails {
  const { exitCode, started, startedAtMs, restarts, hostname, restartPolicy } = container;
  const { nanoCpus, memoryBytes } = container;
  const endpoints = shownEndpoints(container);
  return {
    ...{ exitCode, started, startedAtMs, restarts, hostname, nanoCpus, memoryBytes },
    restartPolicy: { ...restartPolicy },
    aliases: aliasesOf(container),
    requestedIpv4: new Map(
      endpoints.flatMap((endpoint): [string, string][] => {
        const address = requestedIpv4(host, endpoint);
        return address === '' ? [] : [[keyOf(endpoint), address]];
      }),
    ),
  };
}

/** Swarm mode shows the address that it gave as if it had been asked for. */
function requestedIpv4(host: HostState, { networkId, requestedIpv4, ipv4Address }: EndpointRecord): string {
  const isSwarm = host.world.shared.some(({ id, scope }) => id === networkId && scope === 'swarm');
  return requestedIpv4 ?? (isSwarm ? ipv4Address : '');
}

function keyOf({ networkId, networkName }: EndpointRecord): string {
  return networkId === '' ? networkName : networkId;
}
