import type { ContainerCreate, ContainerUpdate } from '../../plan/index.ts';
import type { ContainerSpec } from '../../manifest/index.ts';
import type { ContainerState } from '../../state/index.ts';
import { endpointRecord } from './endpoints.ts';
import { failure, gone } from './failures.ts';
import type { ContainerRecord, EndpointRecord, HostState, PortBinding } from './model.ts';
import { isLive, ring } from './model.ts';
import { end, halt } from './running.ts';

const SHORT_ID_LENGTH = 12;
/** Of a program that does not mind SIGTERM, such as a shell that is process 1. */
const STOPPED_EXIT_CODE = 137;
const DEFAULT_HEALTH_INTERVAL_MS = 30_000;

/** Fails with `not-found`. */
export function findContainer(host: HostState, id: string): ContainerRecord {
  const container = host.containers.get(id);
  if (container === undefined) throw failure('not-found', `No such container: ${id}`);
  return container;
}

/** Whether a container has this ID or name. */
export function isKnown(host: HostState, idOrName: string): boolean {
  return [...host.containers.values()].some(({ id, name }) => id === idOrName || name === idOrName);
}

/** Fails with `name-in-use` and `image-not-found`; networks are looked for at the start. */
export function createContainer(
  host: HostState,
  create: ContainerCreate,
  env: readonly string[],
): ContainerRecord {
  const { spec } = create;
  requireFreeName(host, create.name);
  if (!host.images.has(spec.image)) {
    throw failure('image-not-found', `No such image: ${spec.image}`);
  }
  const id = host.world.nextId();
  const container: ContainerRecord = {
    id,
    name: create.name,
    image: spec.image,
    labels: { ...create.labels },
    env: [...env],
    hostname: spec.hostname ?? id.slice(0, SHORT_ID_LENGTH),
    createdAtMs: host.world.clock.now(),
    ports: hostPorts(spec),
    program: host.program(spec),
    ...healthcheck(spec),
    state: 'created',
    health: 'none',
    exitCode: 0,
    started: false,
    starts: 0,
    startedAtMs: 0,
    restartPolicy: spec.restartPolicy,
    nanoCpus: spec.resources.limits.nanoCpus ?? 0,
    memoryBytes: spec.resources.limits.memoryBytes ?? 0,
    stoppedByHand: false,
    restarts: 0,
    endpoints: firstEndpoint(create),
    cancels: new Set(),
  };
  host.containers.set(id, container);
  ring(host, container);
  return container;
}

function requireFreeName(host: HostState, name: string): void {
  for (const other of host.containers.values()) {
    if (other.name !== name) continue;
    throw failure('name-in-use', `the container name ${name} is already in use by container ${other.id}`);
  }
}

function hostPorts(spec: ContainerSpec): PortBinding[] {
  return spec.ports.flatMap(({ hostIp = '0.0.0.0', hostPort, protocol }) =>
    hostPort === undefined ? [] : [{ hostIp, hostPort, protocol }],
  );
}

function healthcheck(spec: ContainerSpec): { healthcheckIntervalMs?: number } {
  const check = spec.healthcheck;
  if (check === undefined || check.test[0] === 'NONE') return {};
  return { healthcheckIntervalMs: check.intervalMs ?? DEFAULT_HEALTH_INTERVAL_MS };
}

function firstEndpoint(create: ContainerCreate): Map<string, EndpointRecord> {
  const { endpoint, spec } = create;
  if (endpoint === undefined) {
    const name = spec.networks?.length === 0 ? 'none' : 'bridge';
    return new Map([[name, endpointRecord(name, { network: { name }, aliases: [] })]]);
  }
  const { name } = endpoint.network;
  return new Map([[name, endpointRecord(name, endpoint)]]);
}

/** Ends its processes if it has any; fails with `not-modified` if it has none. */
export function stopContainer(host: HostState, container: ContainerRecord): void {
  if (!['running', 'paused', 'restarting'].includes(container.state)) {
    throw failure('not-modified', `container ${container.name} is not running`);
  }
  container.stoppedByHand = true;
  end(host, container, STOPPED_EXIT_CODE);
}

export function pauseContainer(host: HostState, container: ContainerRecord): void {
  if (container.state !== 'running') {
    throw failure('invalid-request', `container ${container.name} is not running`);
  }
  setState(host, container, 'paused');
}

/** Fails with `not-modified` if it is not paused. */
export function unpauseContainer(host: HostState, container: ContainerRecord): void {
  if (container.state !== 'paused') {
    throw failure('not-modified', `container ${container.name} is not paused`);
  }
  setState(host, container, 'running');
}

function setState(host: HostState, container: ContainerRecord, state: ContainerState): void {
  container.state = state;
  ring(host, container);
}

/** Fails with `name-in-use`, with `not-modified` if it has the name, and while it runs on a network of Swarm mode. */
export function renameContainer(host: HostState, container: ContainerRecord, name: string): void {
  if (container.name === name) throw failure('not-modified', `the name of the container is ${name} already`);
  requireFreeName(host, name);
  const overlay = host.world.shared.find(
    ({ id, scope }) => scope === 'swarm' && isLive(container) && isAttachedTo(container, id),
  );
  if (overlay) {
    throw failure(
      'engine-error',
      `cannot create entry in table endpoint_table with network id ${overlay.id}`,
    );
  }
  container.name = name;
  ring(host, container);
}

function isAttachedTo(container: ContainerRecord, networkId: string): boolean {
  return [...container.endpoints.values()].some((one) => one.isAttached && one.networkId === networkId);
}

export function updateContainer(host: HostState, container: ContainerRecord, update: ContainerUpdate): void {
  container.restartPolicy = update.restartPolicy ?? container.restartPolicy;
  container.nanoCpus = update.nanoCpus ?? container.nanoCpus;
  container.memoryBytes = update.memoryBytes ?? container.memoryBytes;
  ring(host, container);
}

/** Removes it, running or not; `already-so` when there is none of that ID. */
export function removeContainer(host: HostState, id: string): void {
  const container = host.containers.get(id);
  if (container === undefined) throw gone(`No such container: ${id}`);
  halt(host, container);
  host.containers.delete(id);
  ring(host, container);
}
