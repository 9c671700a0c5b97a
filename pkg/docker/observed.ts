import {
  type ContainerSeat,
  type ContainerState,
  type NetworkDetails,
  type ObservedContainer,
  type ObservedDetails,
  type ObservedEndpoint,
  type ObservedNetwork,
  type ObservedSubnet,
  normaliseAliases,
} from '../state/index.ts';
import { startFailure } from './errors.ts';
import type {
  InspectedContainer,
  InspectedNetwork,
  ListedContainer,
  ListedNetwork,
  WireEndpoint,
} from './wire.ts';

const HEALTH_OF_STATUS = /\((?:health: )?(starting|healthy|unhealthy)\)/;

function listedHealth({ Status }: ListedContainer): ObservedContainer['health'] {
  return healthOf(HEALTH_OF_STATUS.exec(Status ?? '')?.[1]);
}

function healthOf(status: string | null | undefined): ObservedContainer['health'] {
  return status === 'starting' || status === 'healthy' || status === 'unhealthy' ? status : 'none';
}

/**
 * Its name without slashes. Docker also lists the names that links give it (`/other/alias`), classic Swarm puts the node before
 * the name (`/node/name`).
 */
export function listedName({ Id, Names }: ListedContainer): string {
  const names = (Names ?? []).map((name) => name.replace(/^\//, ''));
  const own = names.find((name) => !name.includes('/')) ?? names[0];
  return own?.slice(own.lastIndexOf('/') + 1) ?? Id;
}

/** A container as a list tells it: without `details`. */
export function fromList(listed: ListedContainer): ObservedContainer {
  return {
    id: listed.Id,
    name: listedName(listed),
    image: listed.Image ?? '',
    labels: listed.Labels ?? {},
    state: listed.State,
    createdAtMs: listed.Created * 1000,
    health: listedHealth(listed),
    endpoints: endpointsOf(listed.State, listed.NetworkSettings?.Networks),
  };
}

/**
 * A container as an inspect tells it, which waits for a change in progress and so is newer than the list before it: a daemon
 * tells events before its list shows what they are about.
 */
export function fromInspect(listed: ListedContainer, inspected: InspectedContainer): ObservedContainer {
  return {
    id: inspected.Id,
    name: inspectedName(inspected),
    image: inspected.Config.Image ?? '',
    labels: inspected.Config.Labels ?? {},
    state: inspected.State.Status,
    createdAtMs: listed.Created * 1000,
    health: healthOf(inspected.State.Health?.Status),
    endpoints: endpointsOf(inspected.State.Status, inspected.NetworkSettings?.Networks),
    details: detailsOf(inspected),
  };
}

function inspectedName({ Name }: InspectedContainer): string {
  return Name.replace(/^\//, '');
}

/**
 * Swarm mode records the network of a container that has not been started under the key that it was given, which can be its ID.
 * Every other record goes by name.
 */
export function withNetworkNames(
  container: ObservedContainer,
  names: ReadonlyMap<string, string>,
): ObservedContainer {
  const isKeyedById = ({ networkId, networkName }: ObservedEndpoint): boolean =>
    networkId === '' && names.has(networkName);
  if (!container.endpoints.some(isKeyedById)) return container;
  const endpoints = container.endpoints.map((endpoint) =>
    isKeyedById(endpoint)
      ? { ...endpoint, networkId: endpoint.networkName, networkName: names.get(endpoint.networkName) ?? '' }
      : endpoint,
  );
  return { ...container, endpoints };
}

type WireEndpoints = Readonly<Record<string, WireEndpoint | null>> | null | undefined;

/** A running container's record without an endpoint is what a refused connect left: it is attached to nothing. */
function endpointsOf(state: ContainerState, networks: WireEndpoints): ObservedEndpoint[] {
  const isLive = state === 'running' || state === 'paused';
  return Object.entries(networks ?? {})
    .filter(([, endpoint]) => !isLive || Boolean(endpoint?.EndpointID))
    .map(([networkName, endpoint]) => ({
      ...(endpoint?.EndpointID ? { id: endpoint.EndpointID } : {}),
      networkId: endpoint?.NetworkID ?? '',
      networkName,
      ipv4Address: endpoint?.IPAddress ?? '',
    }));
}

function detailsOf(inspected: InspectedContainer): ObservedDetails {
  const { State, Config, HostConfig } = inspected;
  return {
    exitCode: State.ExitCode,
    ...(State.Error ? { startFailure: startFailure(State.Error) } : {}),
    started: timeOf(State.StartedAt) > 0,
    startedAtMs: timeOf(State.StartedAt),
    restarts: inspected.RestartCount ?? 0,
    hostname: Config.Hostname ?? '',
    restartPolicy: {
      // Docker stores no name for the policy that nobody asked for.
      name: HostConfig.RestartPolicy?.Name || 'no',
      maximumRetryCount: HostConfig.RestartPolicy?.MaximumRetryCount ?? 0,
    },
    nanoCpus: nanoCpusOf(HostConfig),
    memoryBytes: HostConfig.Memory ?? 0,
    ...endpointDetails(inspected),
  };
}

/** Where an inspected container is. */
export function seatOf(inspected: InspectedContainer): ContainerSeat {
  const { Pid, StartedAt } = inspected.State;
  return { pid: Pid ?? 0, startedAt: StartedAt ?? '', aliases: endpointDetails(inspected).aliases };
}

const BILLION = 1_000_000_000;

/** Before API 1.25 a limit is a quota of a period. */
function nanoCpusOf({ NanoCpus, CpuQuota, CpuPeriod }: InspectedContainer['HostConfig']): number {
  if (NanoCpus) return NanoCpus;
  const isLimited = CpuQuota && CpuQuota > 0 && CpuPeriod && CpuPeriod > 0;
  return isLimited ? Math.round((CpuQuota / CpuPeriod) * BILLION) : 0;
}

function endpointDetails(inspected: InspectedContainer): Pick<ObservedDetails, 'aliases' | 'requestedIpv4'> {
  const owner = {
    id: inspected.Id,
    name: inspectedName(inspected),
    hostname: inspected.Config.Hostname ?? '',
  };
  const aliases = new Map<string, readonly string[]>();
  const requestedIpv4 = new Map<string, string>();
  for (const [name, endpoint] of Object.entries(inspected.NetworkSettings?.Networks ?? {})) {
    const key = endpoint?.NetworkID || name;
    const requested = endpoint?.IPAMConfig?.IPv4Address;
    aliases.set(key, normaliseAliases(endpoint?.Aliases ?? [], owner));
    if (requested) requestedIpv4.set(key, requested);
  }
  return { aliases, requestedIpv4 };
}

/** A network as a list tells it. */
export function networkFromList(listed: ListedNetwork): ObservedNetwork {
  return {
    id: listed.Id,
    name: listed.Name,
    driver: listed.Driver ?? '',
    scope: listed.Scope || 'local',
    attachable: listed.Attachable ?? false,
    internal: listed.Internal ?? false,
    labels: listed.Labels ?? {},
    options: listed.Options ?? {},
    subnets: subnetsOf(listed),
    createdAtMs: timeOf(listed.Created),
  };
}

const NOBODY_HERE = /^ep-/;

/** A network as an inspect tells it. */
export function networkFromInspect({ Containers, Peers }: InspectedNetwork): NetworkDetails {
  const endpoints = Object.entries(Containers ?? {}).map(([key, { Name, EndpointID }]) => ({
    id: EndpointID ?? '',
    name: Name ?? '',
    ...(NOBODY_HERE.test(key) ? {} : { holder: key }),
  }));
  const peers = (Peers ?? []).flatMap(({ IP }) => (IP ? [IP] : []));
  return { endpoints, ...(peers.length > 0 ? { peers } : {}) };
}

function subnetsOf({ IPAM }: ListedNetwork): ObservedSubnet[] {
  return (IPAM?.Config ?? []).flatMap(({ Subnet, Gateway, IPRange }) => {
    if (!Subnet) return [];
    // Docker before 1.11 gives a gateway that it chose with the length of the prefix.
    const gateway = Gateway?.replace(/\/\d+$/, '');
    return [{ subnet: Subnet, ...(gateway ? { gateway } : {}), ...(IPRange ? { ipRange: IPRange } : {}) }];
  });
}

/** Milliseconds since the epoch; 0 for Go's zero time (year 1), for nothing and for what is no time. */
function timeOf(rfc3339: string | null | undefined): number {
  const ms = Date.parse(rfc3339 ?? '');
  return ms > 0 ? ms : 0;
}
