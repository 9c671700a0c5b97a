/** Boots a host: its namespaces, its root file system and the processes in them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ProcessRef, processRef } from './processes.ts';
import { must } from './run.ts';
import { type HostState, hostFolder, labVariable, netnsFile } from './state.ts';

/** All that the host's processes see of the environment: no proxies, no keys of the caller. */
const environment = (lab: string): Record<string, string> => ({
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LANG: 'C.UTF-8',
  [labVariable]: lab,
});

interface BootOptions {
  lab: string;
  host: HostState;
  /** The folder that is the lower layer of the host's root file system. */
  lower: string;
  /** The host's /etc/hosts. */
  hostsFile: string;
}

/** Makes the host's namespaces and returns their first process. */
export async function bootHost({ lab, host, lower, hostsFile }: BootOptions): Promise<ProcessRef> {
  const folder = hostFolder(lab, host.name);
  await mkdir(folder, { recursive: true });
  const script = join(import.meta.dirname, 'host.sh');
  const namespaces = ['--uts', '--mount', '--ipc', '--pid', '--fork', '--propagation', 'private'];
  const log = openSync(join(folder, 'boot.log'), 'a');
  const enter = [`--net=${netnsFile(host.netns)}`, 'unshare', ...namespaces];
  const child = spawn('nsenter', [...enter, 'sh', script, folder, host.name, lower, hostsFile, host.ip], {
    detached: true,
    stdio: ['ignore', 'pipe', log],
    env: environment(lab),
  });
  closeSync(log);
  const stdout = child.stdout!;
  const ended = once(child, 'close').then(() => undefined);
  const ready = await Promise.race([once(stdout, 'data'), ended]);
  stdout.destroy();
  child.unref();
  const init = processRef(Number(await readFile(join(folder, 'init.pid'), 'utf8').catch(() => '')));
  if (ready === undefined || init === undefined) {
    const text = await readFile(join(folder, 'boot.log'), 'utf8');
    throw new Error(`host ${host.name} did not boot: ${text.trim()}`);
  }
  return init;
}

/** The command that runs `cmd` in all of the host's namespaces, with its root file system. */
export function insideHost(init: ProcessRef, cmd: string[], cwd = '/'): string[] {
  const namespaces = ['--mount', '--uts', '--ipc', '--net', '--pid'];
  return ['nsenter', '--target', `${init.pid}`, ...namespaces, 'env', `--chdir=${cwd}`, ...cmd];
}

/** Starts a program that stays in the host's namespaces when its caller ends. Its output goes to `log`. */
export async function startInside(lab: string, init: ProcessRef, log: string, cmd: string[]): Promise<void> {
  // The shell ends at once, so the program's parent is the host's first process, which reaps it.
  const script = 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 &';
  const env = Object.entries(environment(lab)).map(([key, value]) => `${key}=${value}`);
  await must(['env', '-i', ...env, ...insideHost(init, ['sh', '-c', script, 'sh', log, ...cmd])]);
}
