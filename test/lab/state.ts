/** What is kept about each lab in /run/ovr-lab/NAME, so that any later process finds it again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ProcessRef, isAlive, processRef } from './processes.ts';
import { must } from './run.ts';

export type Topology = 'kv' | 'swarm' | 'single';
export type EngineKind = 'debian' | 'newer';

export interface HostState {
  name: string;
  ip: string;
  netns: string;
  /** The first process of the host's PID namespace; the daemon and all else there ends with it. */
  init: ProcessRef | null;
}

export interface LabState {
  name: string;
  topology: Topology;
  engine: EngineKind;
  phase: 'starting' | 'ready';
  /** The third number of the lab's subnet: 17 for 10.6.17.0/24. */
  octet: number;
  /** The process that the lab belongs to, null when it stays until `down`. */
  owner: ProcessRef | null;
  daemonArgs: string[];
  hosts: HostState[];
}

/** Where the labs are. */
const root = '/run/ovr-lab';
/** Set in every process of a lab, to its name. */
export const labVariable = 'LAB_OF_OVR';

/** A lab's name is part of paths and of namespace names. */
export const isLabName = (name: string): boolean => /^[a-z0-9](?:[a-z0-9-]{0,22}[a-z0-9])?$/.test(name);

export const labFolder = (name: string): string => join(root, name);
export const hostFolder = (lab: string, host: string): string => join(root, lab, host);
export const netnsName = (lab: string, part: string): string => `ovr-${lab}.${part}`;
export const netnsFile = (netns: string): string => `/run/netns/${netns}`;
/** The root namespace's network interface into a lab; it has address .1. */
export const linkName = (octet: number): string => `ovr-lab-${octet}`;

export async function readState(name: string): Promise<LabState | undefined> {
  const text = await readFile(join(labFolder(name), 'state.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as LabState;
  } catch {
    return undefined; // only whole files are written; whatever this is, it is no lab
  }
}

export async function writeState(state: LabState): Promise<void> {
  await mkdir(labFolder(state.name), { recursive: true });
  const file = join(labFolder(state.name), 'state.json');
  await writeFile(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`);
  await rename(`${file}.new`, file);
}

/** The names of the labs that have a folder. */
export async function labNames(): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map((e) => e.name);
}

export function ownRef(): ProcessRef | null {
  return processRef(process.pid) ?? null;
}

type Ownership = 'none' | 'mine' | 'other' | 'dead';

export function ownership(state: LabState): Ownership {
  if (state.owner === null) return 'none';
  if (!isAlive(state.owner)) return 'dead';
  return state.owner.pid === process.pid ? 'mine' : 'other';
}

/** Runs `work` while no other process holds the lock; the kernel frees it when the holder dies. */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const folder = join(root, '.locks');
  await mkdir(folder, { recursive: true });
  const holder = spawn('flock', ['-w', '300', join(folder, name), 'sh', '-c', 'echo held; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(holder, 'close');
  try {
    const held = await Promise.race([once(holder.stdout, 'data'), ended.then(() => undefined)]);
    if (held === undefined) throw new Error(`another process has been at work on lab "${name}" for 300 s`);
    return await work();
  } finally {
    holder.stdin.end();
    await ended;
  }
}

/** The third numbers of 10.6.x.y addresses and routes that the machine has already. */
async function octetsInUse(): Promise<Set<number>> {
  const routes = JSON.parse(await must(['ip', '-j', '-4', 'route', 'show', 'table', 'all'])) as {
    dst: string;
  }[];
  const used = new Set<number>();
  for (const { dst } of routes) {
    const match = /^10\.6\.(\d+)\./.exec(dst);
    if (match) used.add(Number(match[1]));
  }
  return used;
}

/** Chooses a subnet that no other lab and nothing else on the machine has, and writes it down as the lab's. */
export async function claimSubnet(state: Omit<LabState, 'octet'>): Promise<LabState> {
  return await withLock('.subnets', async () => {
    const others = (await labNames()).filter((name) => name !== state.name);
    const claimed = new Set((await Promise.all(others.map(readState))).map((other) => other?.octet));
    const candidates = state.name === 'lab' ? [17] : Array.from({ length: 43 }, (_, i) => 18 + i);
    const used = await octetsInUse();
    const octet = candidates.find((candidate) => !claimed.has(candidate) && !used.has(candidate));
    if (octet === undefined) {
      const range = state.name === 'lab' ? '10.6.17.0/24 is' : '10.6.18.0/24 to 10.6.60.0/24 are all';
      throw new Error(`${range} in use on this machine; free it, or choose another lab with --name`);
    }
    const claim = { ...state, octet };
    await writeState(claim);
    return claim;
  });
}
