import { errorMessage } from '../../api/index.ts';
import { attach, detach } from './endpoints.ts';
import { failure } from './failures.ts';
import type { ContainerRecord, HostState, PortBinding } from './model.ts';
import { isLive, ring } from './model.ts';

const FIRST_RESTART_DELAY_MS = 100;
const LONGEST_RESTART_DELAY_MS = 60_000;
const START_FAILED_EXIT_CODE = 128;

/**
 * Attaches and starts it; when any part fails, everything is as before but for the exit code.
 * Fails with `not-modified`, `port-in-use`, `container-start-failed` and with what attaching fails with.
 */
export function startContainer(host: HostState, container: ContainerRecord): void {
  if (container.state === 'running' || container.state === 'restarting') {
    throw failure('not-modified', `container ${container.name} is running already`);
  }
  if (container.state === 'paused') {
    throw failure('invalid-request', `container ${container.name} is paused: unpause it instead`);
  }
  container.stoppedByHand = false;
  run(host, container);
}

function run(host: HostState, container: ContainerRecord): void {
  try {
    for (const endpoint of container.endpoints.values()) attach(host, container, endpoint);
    requireFreePorts(host, container);
    const { startError } = container.program;
    if (startError !== undefined) throw failure('container-start-failed', startError);
  } catch (error) {
    for (const endpoint of container.endpoints.values()) detach(host, endpoint);
    container.exitCode = container.program.exitCode ?? START_FAILED_EXIT_CODE;
    throw error;
  }
  container.state = 'running';
  container.started = true;
  container.starts += 1;
  container.startedAtMs = host.world.clock.now();
  container.exitCode = 0;
  ring(host, container);
  for (const name of container.endpoints.keys()) ring(host, container, name);
  scheduleExit(host, container);
  scheduleHealth(host, container);
}

function requireFreePorts(host: HostState, container: ContainerRecord): void {
  const taken = [...host.containers.values()].filter(isLive).flatMap((other) => other.ports);
  const clash = container.ports.find((port) => taken.some((other) => samePort(port, other)));
  if (clash === undefined) return;
  const where = `${clash.hostIp}:${clash.hostPort}`;
  throw failure('port-in-use', `Bind for ${where} failed: port is already allocated`);
}

function samePort(one: PortBinding, other: PortBinding): boolean {
  const isSameIp = one.hostIp === other.hostIp || [one.hostIp, other.hostIp].includes('0.0.0.0');
  return isSameIp && one.hostPort === other.hostPort && one.protocol === other.protocol;
}

function scheduleExit(host: HostState, container: ContainerRecord): void {
  const { exitAfterMs, exitCode = 0 } = container.program;
  if (exitAfterMs === undefined) return;
  later(host, container, exitAfterMs, () => crash(host, container, exitCode));
}

function scheduleHealth(host: HostState, container: ContainerRecord): void {
  if (container.healthcheckIntervalMs === undefined) return;
  container.health = 'starting';
  const { health = 'healthy' } = container.program;
  later(host, container, container.healthcheckIntervalMs, () => {
    container.health = health;
    ring(host, container);
  });
}

function later(host: HostState, container: ContainerRecord, delayMs: number, callback: () => void): void {
  const cancel = host.world.clock.after(delayMs, () => {
    container.cancels.delete(cancel);
    callback();
  });
  container.cancels.add(cancel);
}

/** Ends its processes without a word: gives back addresses and forgets what was to happen later. */
export function halt(host: HostState, container: ContainerRecord): void {
  for (const cancel of container.cancels) cancel();
  container.cancels.clear();
  for (const endpoint of container.endpoints.values()) detach(host, endpoint);
}

/** Its processes have ended and nothing brings them back. */
export function end(host: HostState, container: ContainerRecord, exitCode: number): void {
  halt(host, container);
  container.state = 'exited';
  container.health = 'none';
  container.exitCode = exitCode;
  ring(host, container);
  for (const name of container.endpoints.keys()) ring(host, container, name);
}

/** Its processes ended by themselves: the restart policy decides, with Docker's doubling delay. */
export function crash(host: HostState, container: ContainerRecord, exitCode: number): void {
  end(host, container, exitCode);
  if (!isToRestart(container, exitCode)) return;
  container.state = 'restarting';
  const delayMs = Math.min(FIRST_RESTART_DELAY_MS * 2 ** container.restarts, LONGEST_RESTART_DELAY_MS);
  container.restarts += 1;
  later(host, container, delayMs, () => restart(host, container));
}

function isToRestart({ restartPolicy, restarts }: ContainerRecord, exitCode: number): boolean {
  const { name, maximumRetryCount } = restartPolicy;
  if (name === 'on-failure') {
    return exitCode !== 0 && (maximumRetryCount === 0 || restarts < maximumRetryCount);
  }
  return name !== 'no';
}

/** Starts it by policy. What fails stays down, as with Docker. Returns the reason, if any. */
export function restart(host: HostState, container: ContainerRecord): string | undefined {
  try {
    run(host, container);
    return undefined;
  } catch (error) {
    container.state = 'exited';
    ring(host, container);
    return errorMessage(error);
  }
}
