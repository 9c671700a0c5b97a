/** Installs the Debian packages that a tool needs and the machine lacks. */
import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, chmod, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The script by which Debian asks whether a package may start its service; 101 means no. */
const policyFile = '/usr/sbin/policy-rc.d';
const policyNo = '#!/bin/sh\n# Written by ovr while it installs packages: start no service.\nexit 101\n';

interface Result {
  code: number;
  output: string;
}

function run(command: string, args: string[]): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
    });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

async function isDebian(): Promise<boolean> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^ID(_LIKE)?=.*\bdebian\b/m.test(release);
}

/** The ones of `names` that are not installed. */
async function missingDebianPackages(names: string[]): Promise<string[]> {
  const { output } = await run('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...names]);
  const installed = new Set(
    output
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return names.filter((name) => !installed.has(name));
}

/** Runs apt-get so that no package script can start a service, whatever the machine's own policy says. */
async function aptInstall(names: string[]): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'ovr-packages-'));
  const policy = join(folder, 'policy-rc.d');
  const wait = ['-o', 'DPkg::Lock::Timeout=300']; // another apt may be at work
  const install = ['apt-get', 'install', ...wait, '--yes', '--no-install-recommends', ...names];
  let created = false;
  try {
    await writeFile(policy, policyNo);
    await chmod(policy, 0o755);
    created = await copyFile(policy, policyFile, constants.COPYFILE_EXCL).then(
      () => true,
      () => false,
    );
    if (created) return await run('apt-get', install.slice(1));
    // The machine has a policy: lay ours over it in a mount namespace that ends with apt-get.
    const script = `mount --bind "$0" ${policyFile} && exec "$@"`;
    const quiet = ['--mount', '--propagation', 'private', 'sh', '-c', script, policy];
    return await run('unshare', [...quiet, ...install]);
  } finally {
    if (created) await rm(policyFile, { force: true });
    await rm(folder, { recursive: true, force: true });
  }
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-8).join('\n');
}

/** Installs what is missing of `names`, without recommended packages and without starting a service. */
export async function ensureDebianPackages(names: string[]): Promise<void> {
  const onDebian = await isDebian();
  const dpkg = await access('/usr/bin/dpkg-query').then(
    () => true,
    () => false,
  );
  if (!onDebian || !dpkg) {
    throw new Error(
      `needs a Debian-based system, where these packages are or can be installed: ${names.join(' ')}`,
    );
  }
  const missing = await missingDebianPackages(names);
  if (missing.length === 0) return;
  const command = `apt-get install --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid?.() !== 0) {
    throw new Error(`packages are missing and only root can install them: sudo ${command}`);
  }
  console.error(`installing ${missing.join(' ')}`);
  const update = await run('apt-get', ['update']);
  const install = await aptInstall(missing);
  const left = await missingDebianPackages(missing);
  if (install.code !== 0 || left.length > 0) {
    const log = lastLines(`${update.code === 0 ? '' : update.output}\n${install.output}`);
    throw new Error(`"${command}" failed:\n${log}`);
  }
}
