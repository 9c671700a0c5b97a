import type { Clock } from '../../api/index.ts';
import type { ContainerSpec, RestartPolicy } from '../../manifest/index.ts';
import type { ContainerState, EngineFacts, ObservedContainer, ObservedNetwork } from '../../state/index.ts';
import type { EngineEvent } from '../ports.ts';
import type { AddressPool } from './ipam.ts';

/** How the hosts of a world are joined: not at all, by a key-value store (Docker before 23), or by Swarm mode. */
export type Topology = 'single' | 'cluster-store' | 'swarm';

export interface NetworkRecord extends ObservedNetwork {
  /** Whether an address may be asked for: in Swarm mode always, else when its creator chose the subnet. */
  readonly configured: boolean;
  /** Absent for `host` and `none`, and where Swarm mode could not give the subnet that was asked for. */
  readonly pool?: AddressPool | undefined;
  /** Made by the engine itself: can be neither made nor removed. */
  readonly predefined: boolean;
  /** Endpoints whose container is gone, IDs by name: what a daemon that died at a bad moment leaves behind. */
  readonly stale: Map<string, string>;
  /** Hosts for which Swarm mode has set an address aside, as it does when the first container of a host comes. */
  readonly balancers: Set<string>;
}

export interface EndpointRecord {
  networkName: string;
  /** Empty when it was asked for by name and the container has not been attached yet. */
  networkId: string;
  /** Whether it is more than a record. */
  isAttached: boolean;
  /** As the creator gave them. */
  readonly aliases: readonly string[];
  readonly requestedIpv4?: string;
  /** Empty while not attached. */
  ipv4Address: string;
}

export interface PortBinding {
  readonly hostIp: string;
  readonly hostPort: number;
  readonly protocol: string;
}

export interface ContainerRecord {
  readonly id: string;
  name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly env: readonly string[];
  readonly hostname: string;
  readonly createdAtMs: number;
  readonly ports: readonly PortBinding[];
  readonly program: Program;
  readonly healthcheckIntervalMs?: number;
  state: ContainerState;
  health: ObservedContainer['health'];
  exitCode: number;
  started: boolean;
  /** How often it was started: each start is another first process. */
  starts: number;
  /** 0 before the first start. */
  startedAtMs: number;
  restartPolicy: RestartPolicy;
  nanoCpus: number;
  memoryBytes: number;
  /** Stopped by somebody, so that no restart policy but `always` at a daemon start brings it back. */
  stoppedByHand: boolean;
  restarts: number;
  /** By network name. */
  readonly endpoints: Map<string, EndpointRecord>;
  /** Ends what was to happen to it later: the end of its program, a restart, a health check. */
  readonly cancels: Set<() => void>;
}

/** What a container does by itself. Without one it runs until stopped. */
export interface Program {
  /** The engine cannot start it: the message it gives. */
  readonly startError?: string;
  /** It ends by itself this long after each start. */
  readonly exitAfterMs?: number;
  /** What it ends with, or, where it cannot be started, what the engine says. */
  readonly exitCode?: number;
  /** What its health checks find, where it has any; absent: that it is healthy. `starting`: nothing yet, however long it runs. */
  readonly health?: 'starting' | 'unhealthy';
}

export interface WorldState {
  readonly topology: Topology;
  readonly clock: Clock;
  readonly hosts: readonly HostState[];
  /** Networks that all hosts share; in Swarm mode a worker lists only those it uses. */
  readonly shared: NetworkRecord[];
  nextId(): string;
  /** The next VXLAN number. */
  nextVxlan(): number;
}

export interface HostState {
  readonly world: WorldState;
  readonly name: string;
  readonly facts: EngineFacts;
  readonly networks: NetworkRecord[];
  readonly containers: Map<string, ContainerRecord>;
  readonly images: Set<string>;
  /** `any`: every image can be pulled. */
  readonly pullable: ReadonlySet<string> | 'any';
  program(spec: ContainerSpec): Program;
  emit(event: EngineEvent): void;
}

/** Whether its processes exist, so that it holds addresses and ports. */
export function isLive(container: ContainerRecord): boolean {
  return container.state === 'running' || container.state === 'paused';
}

/** The same on each of its networks. */
export function endpointId({ id }: Pick<ContainerRecord, 'id'>): string {
  return `of-${id}`;
}

/** The endpoints that the engine shows: while the processes exist, what is left of a failed attempt is none. */
export function shownEndpoints(container: ContainerRecord): EndpointRecord[] {
  const endpoints = [...container.endpoints.values()];
  return isLive(container) ? endpoints.filter(({ isAttached }) => isAttached) : endpoints;
}

/** Tells the watchers that a container changed, and where it is attached. */
export function ring(host: HostState, container: ContainerRecord, networkName?: string): void {
  const containerName = container.name;
  host.emit({ type: 'changed', containerName, ...(networkName === undefined ? {} : { networkName }) });
}
