/** Removes a lab, whole or in whatever state a crash left it. */
import { readFile, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { labsWithNamespaces, networkNamespaces, removeNetwork } from './network.ts';
import {
  type ProcessInfo,
  isAlive,
  ownLine,
  processesInNetworks,
  processesWithEnv,
  signal,
  waitGone,
} from './processes.ts';
import { must } from './run.ts';
import { isLabName, labFolder, labNames, labVariable, netnsFile, readState } from './state.ts';

/**
 * The lab's processes outside containers: those in its network namespaces and those started with its name in the
 * environment. A container's processes end with the first process of its host.
 */
async function labProcesses(lab: string): Promise<ProcessInfo[]> {
  const files = (await networkNamespaces(lab)).map(netnsFile);
  const marked = processesWithEnv(labVariable).filter(({ value }) => value === lab);
  const found = new Map<number, ProcessInfo>();
  for (const info of [...processesInNetworks(files), ...marked.map(({ ref }) => ref)])
    found.set(info.pid, info);
  for (const pid of ownLine()) found.delete(pid);
  return [...found.values()];
}

async function endProcesses(lab: string): Promise<void> {
  // A process may be starting another one while we look, so look until there is none.
  for (let round = 0; round < 10; round += 1) {
    const state = await readState(lab);
    const inits = (state?.hosts ?? []).flatMap(({ init }) => (init !== null && isAlive(init) ? [init] : []));
    const others = await labProcesses(lab);
    if (inits.length + others.length === 0) return;
    signal(inits, 'SIGKILL'); // first, so that their parents, who are among the others, reap them
    await thaw(lab);
    await waitGone(inits, 20_000);
    signal(others, 'SIGKILL');
    await waitGone(others, 20_000);
  }
  throw new Error(`processes of lab ${lab} keep coming back`);
}

/** Mount points under a folder, the deepest first. */
async function mountsUnder(folder: string): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  const points = table.split('\n').map((line) => line.split(' ')[4] ?? '');
  return points.filter((point) => point.startsWith(`${folder}/`)).reverse();
}

async function removeFolders(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return;
  for (const entry of entries.filter((child) => child.isDirectory()))
    await removeFolders(join(folder, entry.name));
  await rmdir(folder).catch(() => undefined); // the kernel may still be ending what was in it
}

/** The folders of the lab's control groups, one for each hierarchy that the kernel has. */
async function cgroupFolders(lab: string): Promise<string[]> {
  const base = '/sys/fs/cgroup';
  const entries = await readdir(base, { withFileTypes: true }).catch(() => []);
  const hierarchies = ['.', ...entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)];
  return hierarchies.map((hierarchy) => join(base, hierarchy, 'ovr-lab', lab));
}

/** A paused container is frozen, and what is frozen cannot be killed. */
async function thaw(lab: string): Promise<void> {
  for (const folder of await cgroupFolders(lab)) {
    const files = await readdir(folder, { recursive: true }).catch(() => []);
    for (const file of files) {
      if (file.endsWith('freezer.state'))
        await writeFile(join(folder, file), 'THAWED').catch(() => undefined);
      if (file.endsWith('cgroup.freeze')) await writeFile(join(folder, file), '0').catch(() => undefined);
    }
  }
}

/** The control groups that the lab's containers left: rmdir is the only way to remove them. */
async function removeCgroups(lab: string): Promise<void> {
  for (const folder of await cgroupFolders(lab)) {
    await removeFolders(folder);
    await rmdir(dirname(folder)).catch(() => undefined); // other labs may be in it
  }
}

/** Ends and removes everything of the lab. Safe to call for a lab that is not there. */
export async function tearDown(lab: string): Promise<void> {
  await endProcesses(lab);
  for (const point of await mountsUnder(labFolder(lab))) await must(['umount', '--lazy', point]);
  await removeNetwork(lab);
  await removeCgroups(lab);
  await rm(labFolder(lab), { recursive: true, force: true });
}

/** The names of all labs of which anything is left. */
export async function knownLabs(): Promise<string[]> {
  const line = ownLine();
  const marked = processesWithEnv(labVariable).filter(({ ref }) => !line.has(ref.pid));
  const names = [...(await labNames()), ...(await labsWithNamespaces()), ...marked.map(({ value }) => value)];
  return [...new Set(names)].filter(isLabName).sort();
}
