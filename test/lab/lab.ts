/** Real Docker hosts on one machine, for tests: `startLab` makes them, `attachLab` finds them again. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadImages } from './engine.ts';
import { LabHost } from './host.ts';
import { makeImageArchive } from './image.ts';
import { bootHost } from './machine.ts';
import { createNetwork, networkNamespaces } from './network.ts';
import { isAlive } from './processes.ts';
import { ensureLabPackages, refusal } from './requirements.ts';
import {
  type EngineKind,
  type LabState,
  type Topology,
  claimSubnet,
  isLabName,
  labFolder,
  netnsName,
  ownRef,
  ownership,
  readState,
  withLock,
  writeState,
} from './state.ts';
import { knownLabs, tearDown } from './teardown.ts';
import { clusterIsWhole, formSwarm, startInTurn, startStore } from './topology.ts';
import { userland } from './userland.ts';

export type { LabHost } from './host.ts';

export interface LabOptions {
  topology: Topology;
  /** How many; 3 by default, 1 for `single`. */
  hosts?: number;
  /** `lab` by default, which has the subnet 10.6.17.0/24; other labs get the next free one. */
  name?: string;
  /** `debian`: Debian 12's Docker 20.10. `newer`: Debian 13's Docker 26.1 with Compose; not for `kv`. */
  engine?: EngineKind;
  /** Added to the flags of each dockerd. */
  daemonArgs?: string[];
  /** The lab outlives this process; otherwise the next `startLab` of the name replaces it once this process is gone. */
  keep?: boolean;
}

type Spec = Required<LabOptions>;

export class Lab {
  readonly name: string;
  readonly topology: Topology;
  readonly engine: EngineKind;
  /** As `10.6.17.0/24`. */
  readonly subnet: string;
  readonly hosts: LabHost[];

  constructor(state: LabState) {
    this.name = state.name;
    this.topology = state.topology;
    this.engine = state.engine;
    this.subnet = `10.6.${state.octet}.0/24`;
    this.hosts = state.hosts.map((host) => new LabHost(state, host));
  }

  /** The host of that name. */
  host(name: string): LabHost {
    const host = this.hosts.find((candidate) => candidate.name === name);
    if (host !== undefined) return host;
    const names = this.hosts.map((candidate) => candidate.name).join(', ');
    throw new Error(`lab "${this.name}" has no host "${name}"; it has ${names}`);
  }

  /** Ends every process of the lab and removes all that it made. */
  down(): Promise<void> {
    return stopLab(this.name);
  }
}

function checkHostCount(hosts: number): void {
  if (!Number.isInteger(hosts) || hosts < 1 || hosts > 100) throw new Error('a lab has 1 to 100 hosts');
}

function specOf(options: LabOptions): Spec {
  const { topology, name = 'lab', engine = 'debian', daemonArgs = [], keep = false } = options;
  const hosts = options.hosts ?? (topology === 'single' ? 1 : 3);
  if (!isLabName(name)) throw new Error(`"${name}" is no name for a lab: use a-z, 0-9 and -, at most 24`);
  checkHostCount(hosts);
  if (engine === 'newer' && topology === 'kv') {
    throw new Error(
      'the newer engine has no cluster store (removed in Docker 23): use topology swarm or single',
    );
  }
  return { topology, hosts, name, engine, daemonArgs, keep };
}

function sameLab(state: LabState, spec: Spec): boolean {
  return (
    state.topology === spec.topology &&
    state.engine === spec.engine &&
    state.hosts.length === spec.hosts &&
    state.daemonArgs.join('\n') === spec.daemonArgs.join('\n')
  );
}

async function isHealthy(state: LabState): Promise<boolean> {
  const running = state.hosts.every(({ init }) => init !== null && isAlive(init));
  if (state.phase !== 'ready' || !running) return false;
  const namespaces = await networkNamespaces(state.name);
  if (namespaces.length !== state.hosts.length + 1) return false; // theirs and the bridge's
  const { hosts } = new Lab(state);
  const answers = await Promise.all(hosts.map((host) => host.isReachable()));
  return answers.every(Boolean) && (await clusterIsWhole(state, hosts));
}

/** The running lab that serves as it is; undefined when a new one is to be made in its place. */
async function reusable(spec: Spec): Promise<LabState | undefined> {
  const state = await readState(spec.name);
  if (state === undefined) return undefined;
  const owned = ownership(state);
  if (owned === 'other') {
    throw new Error(`lab "${spec.name}" is in use by process ${state.owner?.pid ?? ''}; choose another name`);
  }
  if (owned === 'dead' || !(await isHealthy(state))) return undefined;
  if (sameLab(state, spec)) return state;
  const found = `${state.topology}, ${state.engine} engine, ${state.hosts.length} hosts`;
  throw new Error(
    `lab "${spec.name}" runs with another shape (${found}): take it down first, or choose another name`,
  );
}

function hostNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => (i === 0 ? 'swarm-master' : `swarm-node-${i}`));
}

async function claim(spec: Spec): Promise<LabState> {
  const { name, topology, engine, daemonArgs } = spec;
  const state = await claimSubnet({
    name,
    topology,
    engine,
    daemonArgs,
    phase: 'starting',
    owner: ownRef(),
    hosts: [],
  });
  state.hosts = hostNames(spec.hosts).map((host, i) => ({
    name: host,
    ip: `10.6.${state.octet}.${12 + i}`,
    netns: netnsName(name, host),
    init: null,
  }));
  await writeState(state);
  return state;
}

async function writeHostsFile(state: LabState): Promise<string> {
  const file = join(labFolder(state.name), 'hosts');
  const lines = state.hosts.map(({ ip, name }) => `${ip} ${name}\n`);
  await writeFile(file, `127.0.0.1 localhost\n${lines.join('')}`);
  return file;
}

async function build(state: LabState, lower: string): Promise<Lab> {
  const archive = makeImageArchive(labFolder(state.name));
  archive.catch(() => undefined); // it is awaited below, if nothing fails before
  const hostsFile = await writeHostsFile(state);
  await createNetwork(state);
  await Promise.all(
    state.hosts.map(async (host) => {
      host.init = await bootHost({ lab: state.name, host, lower, hostsFile });
    }),
  );
  await writeState(state);
  if (state.topology === 'kv') await startStore(state);
  const lab = new Lab(state);
  const images = await archive;
  if (state.topology === 'kv') await startInTurn(lab.hosts);
  else await Promise.all(lab.hosts.map((host) => host.startDaemon()));
  await Promise.all(lab.hosts.map(({ socket }) => loadImages(socket, images)));
  if (state.topology === 'swarm') await formSwarm(lab.hosts);
  return lab;
}

/**
 * Starts a lab, or returns the one of that name when it runs, is healthy and has the same shape. What a crash left of
 * an earlier one is removed first.
 */
export async function startLab(options: LabOptions): Promise<Lab> {
  const spec = specOf(options);
  const reason = await refusal();
  if (reason !== undefined) throw new Error(reason);
  await ensureLabPackages(spec.topology, spec.engine);
  return await withLock(spec.name, async () => {
    const existing = await reusable(spec);
    if (existing !== undefined) return new Lab(existing);
    await tearDown(spec.name);
    const lower = await userland(spec.engine);
    const state = await claim(spec);
    try {
      const lab = await build(state, lower);
      await writeState({ ...state, phase: 'ready', owner: spec.keep ? null : state.owner });
      return lab;
    } catch (error) {
      await tearDown(spec.name);
      throw error;
    }
  });
}

/** The lab of that name, which `startLab` made in this or another process. */
export async function attachLab(name = 'lab'): Promise<Lab> {
  const state = await readState(name);
  if (state?.phase !== 'ready')
    throw new Error(`lab "${name}" is not up; "npm run lab -- status" shows the ones that are`);
  return new Lab(state);
}

/** Removes a lab, also one that a crash left half-made. Does nothing when there is none. */
export async function stopLab(name: string): Promise<void> {
  await withLock(name, () => tearDown(name));
}

/** The names of all labs of which there is anything. */
export function listLabs(): Promise<string[]> {
  return knownLabs();
}
