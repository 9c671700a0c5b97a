/** One host of a running lab. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { engineVersion, pingEngine } from './engine.ts';
import { insideHost, startInside } from './machine.ts';
import { setCable } from './network.ts';
import {
  type ProcessInfo,
  type ProcessRef,
  isAlive,
  processInHost,
  processInfo,
  processesOfHost,
  signal,
  waitGone,
} from './processes.ts';
import { type ExecOptions, type ExecResult, run, until } from './run.ts';
import { type HostState, type LabState, hostFolder, labVariable } from './state.ts';

const stopTimeoutMs = 30_000;
const startTimeoutMs = 30_000;

function daemonFlags(lab: LabState, host: HostState): string[] {
  const cluster = [
    `--cluster-store=etcd://${lab.hosts[0]?.ip ?? ''}:2379/store`,
    `--cluster-advertise=${host.ip}:2375`,
  ];
  return [
    `--host=tcp://${host.ip}:2375`,
    `--host=unix://${hostFolder(lab.name, host.name)}/docker.sock`,
    '--tls=false', // said aloud, for else the daemon sleeps 15 s before it serves plain TCP
    '--shutdown-timeout=1',
    '--exec-opt=native.cgroupdriver=cgroupfs',
    `--cgroup-parent=/ovr-lab/${lab.name}/${host.name}`,
    ...(lab.topology === 'kv' ? cluster : []),
    ...lab.daemonArgs,
  ];
}

export class LabHost {
  readonly name: string;
  readonly ip: string;
  /** The daemon's address, reachable from the machine and from the other hosts. */
  readonly dockerHost: string;
  /** The daemon's Unix socket, reachable from the machine even with the cable pulled. */
  readonly socket: string;
  /** The name of the network namespace, for `ip netns`. */
  readonly netns: string;
  /** The file that dockerd's output goes to. */
  readonly log: string;
  readonly #lab: LabState;
  readonly #state: HostState;

  constructor(lab: LabState, state: HostState) {
    this.#lab = lab;
    this.#state = state;
    this.name = state.name;
    this.ip = state.ip;
    this.netns = state.netns;
    this.dockerHost = `tcp://${state.ip}:2375`;
    this.socket = join(hostFolder(lab.name, state.name), 'docker.sock');
    this.log = join(hostFolder(lab.name, state.name), 'dockerd.log');
  }

  get #init(): ProcessRef {
    const { init } = this.#state;
    if (init === null || !isAlive(init))
      throw new Error(`host ${this.name} of lab ${this.#lab.name} is not running`);
    return init;
  }

  #environment(): Record<string, string> {
    return { DOCKER_HOST: `unix://${this.socket}`, [labVariable]: this.#lab.name };
  }

  #inNetwork(cmd: string[]): string[] {
    return ['nsenter', '--target', `${this.#init.pid}`, '--net', '--uts', '--', ...cmd];
  }

  /**
   * Runs a command in the host's network, under the host's name and with DOCKER_HOST set to its socket. Files and
   * processes are the machine's own.
   */
  exec(cmd: string[], options: ExecOptions = {}): Promise<ExecResult> {
    return run(this.#inNetwork(cmd), { ...options, env: { ...this.#environment(), ...options.env } });
  }

  /** As `exec`, for a program that keeps running; `down` ends it, if nothing else has. */
  spawn(cmd: string[], options: SpawnOptions = {}): ChildProcess {
    const [command = '', ...args] = this.#inNetwork(cmd);
    return spawn(command, args, {
      ...options,
      env: { ...(options.env ?? process.env), ...this.#environment() },
    });
  }

  /**
   * Runs a command with the host's own root file system (for the newer engine: its own docker and docker compose) and
   * in its process table. /tmp is the machine's.
   */
  userlandExec(cmd: string[], options: ExecOptions = {}): Promise<ExecResult> {
    const { cwd, ...rest } = options;
    return run(insideHost(this.#init, cmd, cwd), {
      ...rest,
      env: { ...this.#environment(), ...options.env },
    });
  }

  /** Runs the docker command line against this host's daemon and returns what it printed; fails if it does. */
  async docker(args: string[], options: ExecOptions = {}): Promise<string> {
    const cmd = ['docker', ...args];
    const newer = this.#lab.engine === 'newer';
    const result = await (newer ? this.userlandExec(cmd, options) : this.exec(cmd, options));
    if (result.code === 0) return result.stdout.trim();
    throw new Error(`on ${this.name}: docker ${args.join(' ')}: ${(result.stderr || result.stdout).trim()}`);
  }

  /** Runs docker compose of the newer engine's userland. Put its files under /tmp, or give one as `input` with `-f -`. */
  compose(args: string[], options: ExecOptions = {}): Promise<string> {
    return this.docker(['compose', ...args], options);
  }

  /**
   * The process id, on the machine, of a container's first process, if it runs. What `docker inspect` calls its Pid
   * counts in the host's own process table: never send that one a signal, it is somebody else here.
   */
  async containerPid(container: string): Promise<number | undefined> {
    const inner = Number(await this.docker(['inspect', '--format', '{{.State.Pid}}', container]));
    return inner === 0 ? undefined : processInHost(this.#init, inner)?.pid;
  }

  #processes(...names: string[]): ProcessInfo[] {
    const { init } = this.#state;
    return init === null ? [] : processesOfHost(init).filter((info) => names.includes(info.comm));
  }

  /** The process id of dockerd, if it runs. */
  daemonPid(): number | undefined {
    return this.#processes('dockerd').find((info) => info.ppid === this.#state.init?.pid)?.pid;
  }

  /** Whether the daemon answers on its socket. */
  ping(timeoutMs?: number): Promise<boolean> {
    return pingEngine(this.socket, timeoutMs);
  }

  /** Whether the daemon answers over the network. */
  async isReachable(timeoutMs = 2_000): Promise<boolean> {
    const signal = AbortSignal.timeout(timeoutMs);
    const answer = await fetch(`http://${this.ip}:2375/_ping`, { signal }).catch(() => undefined);
    return answer?.ok === true;
  }

  /** The daemon's version, if it answers. */
  version(): Promise<string | undefined> {
    return engineVersion(this.socket);
  }

  /** Starts the daemon and waits until it answers. */
  async startDaemon(): Promise<void> {
    if (this.daemonPid() === undefined) {
      const flags = daemonFlags(this.#lab, this.#state);
      const script = 'rm -f /run/docker.pid; exec dockerd "$@"';
      await startInside(this.#lab.name, this.#init, this.log, ['sh', '-c', script, 'dockerd', ...flags]);
    }
    const started = performance.now();
    await until(`dockerd on ${this.name}`, startTimeoutMs, async () => {
      if (await this.ping()) return true;
      // The shell takes a moment to become dockerd.
      if (performance.now() - started > 1_000 && this.daemonPid() === undefined) throw await this.#failure();
      return undefined;
    });
  }

  /** The names of the hosts that the daemon's gossip has ever met, its own among them; there is gossip only with a cluster store. */
  async gossipMet(): Promise<ReadonlySet<string>> {
    const log = await readFile(this.log, 'utf8').catch(() => '');
    return new Set(Array.from(log.matchAll(/serf: EventMemberJoin: (\S+) /g), ([, name = '']) => name));
  }

  async #failure(): Promise<Error> {
    const lines = (await readFile(this.log, 'utf8').catch(() => '')).trim().split('\n');
    return new Error(`dockerd on ${this.name} ended:\n${lines.slice(-5).join('\n')}`);
  }

  /** Stops the daemon as a service manager does, and with it the containers. */
  async stopDaemon(): Promise<void> {
    const daemons = this.#processes('dockerd', 'containerd');
    signal(daemons, 'SIGCONT'); // a frozen one would not hear
    signal(
      daemons.filter((info) => info.comm === 'dockerd'),
      'SIGTERM',
    );
    await waitGone(daemons, stopTimeoutMs);
  }

  async restartDaemon(): Promise<void> {
    await this.stopDaemon();
    await this.startDaemon();
  }

  /** Kills dockerd and containerd, as a crash does; the containers' processes live on. */
  async killDaemon(): Promise<void> {
    const daemons = this.#processes('dockerd', 'containerd');
    signal(daemons, 'SIGKILL');
    await waitGone(daemons, stopTimeoutMs);
  }

  /** Stops dockerd in its tracks: connections to it succeed and nothing answers. */
  freezeDaemon(): void {
    signal(this.#dockerd(), 'SIGSTOP');
  }

  thawDaemon(): void {
    signal(this.#dockerd(), 'SIGCONT');
  }

  #dockerd(): ProcessInfo[] {
    const info = processInfo(this.daemonPid() ?? 0);
    if (info === undefined) throw new Error(`dockerd on ${this.name} is not running`);
    return [info];
  }

  /** Pulls the cable: the host reaches nobody and nobody reaches it, but its socket still works. */
  cutNetwork(): Promise<void> {
    return setCable(this.#lab.name, this.name, 'down');
  }

  restoreNetwork(): Promise<void> {
    return setCable(this.#lab.name, this.name, 'up');
  }
}
