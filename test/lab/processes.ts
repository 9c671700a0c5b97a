/** Processes by id and start time, so that a recycled id is never taken for the old process. */
import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { until } from './run.ts';

export interface ProcessRef {
  pid: number;
  /** When it started, in clock ticks since boot: field 22 of /proc/PID/stat. */
  start: string;
}

export interface ProcessInfo extends ProcessRef {
  comm: string;
  ppid: number;
  zombie: boolean;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined; // the process ended meanwhile
  }
}

export function processInfo(pid: number): ProcessInfo | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (stat === undefined) return undefined;
  // "PID (name) STATE PPID …": the name may hold anything, so count from its closing bracket.
  const open = stat.indexOf('(');
  const close = stat.lastIndexOf(')');
  const fields = stat.slice(close + 2).split(' ');
  const [state = '', ppid = '0'] = fields;
  return {
    pid,
    start: fields[19] ?? '',
    comm: stat.slice(open + 1, close),
    ppid: Number(ppid),
    zombie: state === 'Z' || state === 'X',
  };
}

export function processRef(pid: number): ProcessRef | undefined {
  const info = processInfo(pid);
  return info === undefined ? undefined : { pid: info.pid, start: info.start };
}

export function isAlive(ref: ProcessRef): boolean {
  const info = processInfo(ref.pid);
  return info?.start === ref.start && !info.zombie;
}

function allPids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

function living(pids: number[]): ProcessInfo[] {
  return pids.map(processInfo).filter((info) => info !== undefined && !info.zombie) as ProcessInfo[];
}

/** The processes in the PID namespace whose first process is `init`; not those inside its containers. */
export function processesOfHost(init: ProcessRef): ProcessInfo[] {
  const namespace = attempt(() => readlinkSync(`/proc/${init.pid}/ns/pid`));
  if (namespace === undefined || !isAlive(init)) return [];
  const same = (pid: number): boolean => attempt(() => readlinkSync(`/proc/${pid}/ns/pid`)) === namespace;
  return living(allPids().filter(same));
}

function descendsFrom(pid: number, ancestor: number): boolean {
  for (let at = pid; at > 1; at = processInfo(at)?.ppid ?? 0) if (at === ancestor) return true;
  return false;
}

/** The process that has the id `inner` in the PID namespace whose first process is `init`. */
export function processInHost(init: ProcessRef, inner: number): ProcessInfo | undefined {
  const sameId = (pid: number): boolean => {
    const status = attempt(() => readFileSync(`/proc/${pid}/status`, 'utf8')) ?? '';
    return /^NSpid:\s*\d+\s+(\d+)/m.exec(status)?.[1] === `${inner}`;
  };
  return living(allPids().filter(sameId)).find(({ pid }) => descendsFrom(pid, init.pid));
}

/** The processes in any of these network namespaces, given as files under /run/netns. */
export function processesInNetworks(files: string[]): ProcessInfo[] {
  const inodes = files.map((file) => attempt(() => statSync(file).ino)).filter((ino) => ino !== undefined);
  const namespaces = new Set(inodes.map((ino) => `net:[${ino}]`));
  if (namespaces.size === 0) return [];
  const inside = (pid: number): boolean => {
    const link = attempt(() => readlinkSync(`/proc/${pid}/ns/net`));
    return link !== undefined && namespaces.has(link);
  };
  return living(allPids().filter(inside));
}

/** The processes that were started with this environment variable, with its value. */
export function processesWithEnv(key: string): { ref: ProcessInfo; value: string }[] {
  const found: { ref: ProcessInfo; value: string }[] = [];
  for (const pid of allPids()) {
    const environ = attempt(() => readFileSync(`/proc/${pid}/environ`, 'utf8')) ?? '';
    const entry = environ.split('\0').find((line) => line.startsWith(`${key}=`));
    const [ref] = living([pid]);
    if (entry !== undefined && ref !== undefined) found.push({ ref, value: entry.slice(key.length + 1) });
  }
  return found;
}

/** This process and the ones above it. */
export function ownLine(): Set<number> {
  const line = new Set<number>();
  for (let pid = process.pid; pid > 0 && !line.has(pid); pid = processInfo(pid)?.ppid ?? 0) line.add(pid);
  return line;
}

/** Sends a signal to the processes that are still the same ones. */
export function signal(refs: ProcessRef[], name: NodeJS.Signals): void {
  for (const ref of refs) {
    if (isAlive(ref)) attempt(() => process.kill(ref.pid, name));
  }
}

export async function waitGone(refs: ProcessRef[], timeoutMs: number): Promise<void> {
  const names = refs.map((ref) => ref.pid).join(' ');
  await until(`the end of process ${names}`, timeoutMs, () => (refs.some(isAlive) ? undefined : true));
}
