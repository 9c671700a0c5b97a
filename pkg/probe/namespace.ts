import { open, readdir, readFile, type FileHandle } from 'node:fs/promises';
import { errorMessage, OvrError } from '../api/index.ts';
import type { ContainerSeat } from '../state/index.ts';

/** Where the kernel tells of processes. */
export interface Processes {
  /** Default: `/proc`. */
  readonly folder?: string;
}

/** Longer than any table of processes takes to read. */
const MAX_PROCESSES = 100_000;

/**
 * Opens the network namespace of a running container. What is open stays that namespace, whatever becomes of the process; and it was the
 * container's while it was opened, since the same start is told before and after.
 * @param seat asks the engine anew where the container is
 */
export async function openNamespace(
  id: string,
  seat: () => Promise<ContainerSeat>,
  { folder = '/proc' }: Processes = {},
): Promise<FileHandle> {
  const before = await seat();
  if (before.pid === 0) throw gone(id);
  const pid = await findProcess(id, before.pid, folder);
  const file = await openNet(id, `${folder}/${pid}/ns/net`);
  try {
    const after = await seat();
    if (after.pid !== before.pid || after.startedAt !== before.startedAt) throw gone(id);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * The container's first process as this process table counts it. The engine counts in its own, which is another one where it runs in a
 * container itself; so a process is believed only if its control group names the container and the engine's number is one of its numbers.
 */
async function findProcess(id: string, pid: number, folder: string): Promise<number> {
  if (await isFirstProcess(id, pid, `${folder}/${pid}`)) return pid;
  const names = (await readdir(folder)).filter((name) => /^\d+$/.test(name)).slice(0, MAX_PROCESSES);
  for (const name of names) if (await isFirstProcess(id, pid, `${folder}/${name}`)) return Number(name);
  throw new OvrError(
    'not-found',
    'waiting',
    `no process of container ${id.slice(0, 12)} is to be seen here: ovrd must run on the host of the engine, in its process table (docker run --pid host)`,
  );
}

async function isFirstProcess(id: string, pid: number, process: string): Promise<boolean> {
  try {
    const groups = await readFile(`${process}/cgroup`, 'utf8');
    if (!groups.includes(id)) return false;
    const numbers = /^NSpid:\s*(.*)$/m.exec(await readFile(`${process}/status`, 'utf8'))?.[1];
    return numbers?.split(/\s+/).includes(String(pid)) ?? process.endsWith(`/${pid}`);
  } catch {
    // It has ended, or is not ours to look at.
    return false;
  }
}

async function openNet(id: string, path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ESRCH') throw gone(id);
    throw new OvrError(
      'invalid-request',
      'invalid',
      `cannot open ${path} (${errorMessage(error)}): ovrd must be root with CAP_SYS_PTRACE; under systemd, deploy/systemd/probe.conf is the drop-in`,
    );
  }
}

function gone(id: string): OvrError {
  return new OvrError('not-running', 'waiting', `container ${id.slice(0, 12)} does not run any more`);
}
