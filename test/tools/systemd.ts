/** A machine with a real systemd as its first process, in namespaces of its own, to run units on. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { processRef, waitGone } from '../lab/processes.ts';
import { type ExecResult, run, until } from '../lab/run.ts';

const REPO = resolve(import.meta.dirname, '../..');
const SCRIPT = join(import.meta.dirname, 'systemd.sh');
const BOOT_MS = 60_000;
const STOP_MS = 30_000;
/** Goes into the cgroup given first, and ends with the test that started it. */
const ENTER = 'echo $$ >"$0/cgroup.procs"; exec setpriv --pdeathsig KILL unshare "$@"';
const NAMESPACES = ['--mount', '--pid', '--fork', '--kill-child', '--uts', '--ipc', '--net', '--cgroup'];

export interface SystemdMachine {
  /** A folder that the machine and the test both have at this path. */
  readonly shared: string;
  /** Runs a command on the machine; look at `code`. */
  exec(cmd: string[]): Promise<ExecResult>;
  /** Ends every process of the machine and removes all that it made. */
  stop(): Promise<void>;
}

/** Where the second version of cgroups is mounted; undefined where it is not, and systemd cannot run in namespaces. */
export async function cgroupMount(): Promise<string | undefined> {
  const mounts = await readFile('/proc/mounts', 'utf8');
  return /^\S+ (\S+) cgroup2 rw/m.exec(mounts)?.[1];
}

/**
 * Boots a machine whose Docker socket is `dockerSocket`, and where `ovrd` and `ovr` are this checkout's.
 * @param units text by path under /etc/systemd/system; `ovr-test.target` is what is booted; `@SHARED@` stands for the shared folder
 */
export async function bootSystemd(
  dockerSocket: string,
  units: Readonly<Record<string, string>>,
): Promise<SystemdMachine> {
  const cgroups = await cgroupMount();
  if (cgroups === undefined) throw new Error('needs cgroups of version 2');
  const folder = await mkdtemp(join(tmpdir(), 'ovr-systemd-'));
  const shared = join(folder, 'shared');
  const cgroup = join(cgroups, basename(folder));
  await mkdir(shared);
  await writeUnits(join(folder, 'units'), units, shared);
  await mkdir(cgroup);
  const log = openSync(join(folder, 'boot.log'), 'a');
  const what = [...NAMESPACES, '--propagation', 'private', 'sh', SCRIPT, folder, REPO];
  const child = spawn('sh', ['-c', ENTER, cgroup, ...what, process.execPath, dockerSocket], {
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const ended = once(child, 'close');
  const init = (): Promise<number> => readFile(join(folder, 'init.pid'), 'utf8').then(Number);
  const exec = async (cmd: string[]): Promise<ExecResult> => {
    const target = ['--target', `${await init()}`, '--mount', '--pid', '--uts', '--ipc', '--net', '--cgroup'];
    return run(['nsenter', ...target, ...cmd]);
  };
  const stop = async (): Promise<void> => {
    const ref = processRef(await init().catch(() => 0));
    child.kill('SIGKILL');
    await ended;
    if (ref !== undefined) await waitGone([ref], STOP_MS);
    await until('the end of all processes of the machine', STOP_MS, () => removeCgroup(cgroup));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await until('systemd', BOOT_MS, async () => {
      if (child.exitCode !== null) throw new Error('systemd ended');
      const { code } = await exec(['systemctl', 'is-active', 'ovr-test.target']).catch(() => ({ code: 1 }));
      return code === 0 ? true : undefined;
    });
  } catch (error) {
    const words = await readFile(join(folder, 'boot.log'), 'utf8');
    await stop();
    throw new Error(`the machine did not boot: ${words}`, { cause: error });
  }
  return { shared, exec, stop };
}

async function writeUnits(
  folder: string,
  units: Readonly<Record<string, string>>,
  shared: string,
): Promise<void> {
  for (const [path, text] of Object.entries(units)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text.replaceAll('@SHARED@', shared));
  }
}

/** Leaves first; undefined while a process is in one. */
async function removeCgroup(path: string): Promise<true | undefined> {
  try {
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (entry.isDirectory()) await removeCgroup(join(path, entry.name));
    }
    await rmdir(path);
    return true;
  } catch {
    return undefined;
  }
}
