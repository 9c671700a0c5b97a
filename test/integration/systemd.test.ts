/** The shipped unit: what systemd's own tools say about it, and ovrd under it on a real systemd. */
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Lab, startLab } from '../lab/lab.ts';
import { refusal } from '../lab/requirements.ts';
import { type ExecResult, run, until } from '../lab/run.ts';
import { ensureDebianPackages } from '../tools/packages.ts';
import { sealedText, sopsMetadata } from '../tools/sops-stand-in.ts';
import { MachineGit, gitServersUnit } from '../tools/systemd-git.ts';
import { type SystemdMachine, bootSystemd, cgroupMount } from '../tools/systemd.ts';

const units = new URL('../../deploy/systemd/', import.meta.url).pathname;
const unit = await readFile(`${units}ovrd.service`, 'utf8');
const unprivileged = await readFile(`${units}unprivileged.conf`, 'utf8');
const probing = await readFile(`${units}probe.conf`, 'utf8');
/** Tenths of systemd's scale, which ends at 10. */
const MOST_EXPOSURE = 20;

const noAnalyze = await ensureDebianPackages(['systemd']).then(
  () => undefined,
  (error: unknown) => `systemd-analyze cannot be had: ${String(error)}`,
);

describe('systemd-analyze', () => {
  let root: string;

  /** A file system tree with systemd's own units, an ovrd and the shipped unit. */
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'ovr-units-'));
    await mkdir(join(root, 'usr/lib/systemd'), { recursive: true });
    await mkdir(join(root, 'usr/bin'));
    await mkdir(join(root, 'etc/systemd/system/ovrd.service.d'), { recursive: true });
    await symlink('usr/lib', join(root, 'lib'));
    await cp('/lib/systemd/system', join(root, 'usr/lib/systemd/system'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    await writeFile(join(root, 'usr/bin/ovrd'), '', { mode: 0o755 });
    await writeFile(join(root, 'etc/systemd/system/ovrd.service'), unit);
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  const analyze = (args: string[]): Promise<ExecResult> =>
    run(['systemd-analyze', ...args, `--root=${root}`, '--no-pager', 'ovrd.service']);
  const security = ['security', '--offline=true', `--threshold=${MOST_EXPOSURE}`];
  const exposure = (output: string): string =>
    /exposure level for ovrd.service: (\S+)/.exec(output)?.[1] ?? '';

  test('has nothing to say against the unit', async (context) => {
    if (noAnalyze !== undefined) context.skip(noAnalyze);
    expect(await analyze(['verify'])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('finds it little exposed, as docs/operations.md says', async (context) => {
    if (noAnalyze !== undefined) context.skip(noAnalyze);
    const asRoot = await analyze(security);
    expect(asRoot.code, asRoot.stdout).toBe(0);

    const dropIn = join(root, 'etc/systemd/system/ovrd.service.d/unprivileged.conf');
    await writeFile(dropIn, unprivileged);
    expect((await analyze(['verify'])).stderr).toBe('');
    const asUser = await analyze(security);
    expect(asUser.code, asUser.stdout).toBe(0);

    const page = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const { stdout } = await run(['systemctl', '--version']);
    if (!stdout.startsWith('systemd 252')) return; // others weigh things differently
    expect(page).toContain(`exposure ${exposure(asRoot.stdout)}`);
    expect(page).toContain(`exposure ${exposure(asUser.stdout)}`);
  });
});

const dockerUnit = '[Service]\nExecStart=sleep infinity\n';
const target = '[Unit]\nWants=docker.service neighbour.service ovrd.service\n';
const neighbour = '[Service]\nUser=nobody\nExecStart=sleep infinity\n';
/** Where a test reads it, and where Node keeps what it has compiled. */
const log = `[Service]
StandardOutput=append:@SHARED@/ovrd.log
StandardError=append:@SHARED@/ovrd.log
ReadWritePaths=/opt/compiled
`;
const tree = '[Service]\nEnvironment=OVR_RECURSIVE=true\n';
const gitUnits = {
  'ovr-test.target': `${target}Wants=git-servers.service\n`,
  'git-servers.service': gitServersUnit,
};
const manifestOf = (name: string, env: readonly object[] = []): object => ({
  ...{ apiVersion: 'ovr/v1', kind: 'Container', metadata: { name } },
  spec: { image: 'busybox', command: ['sleep', '1000'], env },
});
/** With an environment variable as sops would have it. */
function sealedManifest(name: string, secret: string): string {
  const document = manifestOf(name, [{ name: 'SEALED', value: sealedText(secret) }]);
  return JSON.stringify({ ...document, sops: sopsMetadata(document) });
}
const machineUnits = {
  'ovr-test.target': target,
  'docker.service': dockerUnit,
  'neighbour.service': neighbour,
  'ovrd.service': unit,
  'ovrd.service.d/log.conf': log,
};
const probeUnit = '[Service]\nExecStart=\nExecStart=/opt/node /opt/ovr/test/integration/systemd-probe.ts\n';

const probed = z.object({
  uid: z.number(),
  capabilities: z.string(),
  noNewPrivileges: z.boolean(),
  systemCallsFiltered: z.boolean(),
  writable: z.array(z.string()),
  homes: z.boolean(),
  kernelLog: z.boolean(),
  routes: z.boolean(),
  pid1: z.boolean(),
  unseen: z.array(z.string()),
  /** From inside the network of another process, as checks do. */
  pingsInside: z.boolean(),
  entersMounts: z.boolean(),
  loopback: z.string(),
  elsewhere: z.string(),
});

async function whyNotHere(): Promise<string | undefined> {
  if (noAnalyze !== undefined) return noAnalyze;
  const why = await refusal();
  if (why !== undefined) return why;
  return (await cgroupMount()) === undefined ? 'no cgroups of version 2 are mounted for writing' : undefined;
}
const notHere = await whyNotHere();
if (notHere !== undefined) console.warn(`not run under a real systemd: ${notHere}`);

describe.skipIf(notHere !== undefined)('under a real systemd', () => {
  let lab: Lab;
  let machine: SystemdMachine | undefined;

  beforeAll(async () => {
    lab = await startLab({ topology: 'single', name: 'systemd' });
  });
  afterAll(() => lab.down());

  async function onMachine(
    units: Record<string, string>,
    work: (machine: SystemdMachine) => Promise<void>,
  ): Promise<void> {
    machine = await bootSystemd(lab.hosts[0]!.socket, { ...machineUnits, ...units });
    try {
      await work(machine);
    } finally {
      await machine.stop();
    }
  }

  async function must(machine: SystemdMachine, cmd: string[]): Promise<string> {
    const { code, stdout, stderr } = await machine.exec(cmd);
    if (code !== 0) {
      const log = await readFile(join(machine.shared, 'ovrd.log'), 'utf8').catch(() => '');
      throw new Error(`"${cmd.join(' ')}" ended with ${code}: ${stderr}${stdout}\n${log}`);
    }
    return stdout.trim();
  }

  const mainPid = (machine: SystemdMachine): Promise<string> =>
    must(machine, ['systemctl', 'show', 'ovrd', '--property=MainPID', '--value']);

  async function probeWith(units: Record<string, string>): Promise<z.infer<typeof probed>> {
    let answer = '';
    await onMachine({ ...units, 'ovrd.service.d/test.conf': probeUnit }, async ({ shared }) => {
      answer = await until('the probe', 60_000, async () => {
        const text = await readFile(join(shared, 'ovrd.log'), 'utf8').catch(() => '');
        return text.includes('\n') ? text : undefined;
      });
    });
    return probed.parse(JSON.parse(answer));
  }

  test('the sandbox lets ovrd do what it must and little else', async () => {
    const found = await probeWith({});
    expect(found).toEqual({
      uid: 0,
      capabilities: '0000000000080004', // CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE
      noNewPrivileges: true,
      systemCallsFiltered: true,
      writable: ['/var/lib/ovr', '/run/ovr'],
      homes: false,
      kernelLog: false,
      routes: true,
      pid1: true,
      unseen: [], // every writer of a manifest is seen, also one of another user
      pingsInside: false,
      entersMounts: false,
      loopback: 'ECONNREFUSED',
      elsewhere: 'dropped',
    });
  });

  test('the unprivileged drop-in takes the last capabilities, and the sight of other users with them', async () => {
    const found = await probeWith({ 'ovrd.service.d/unprivileged.conf': unprivileged });
    expect(found).toMatchObject({ capabilities: '0000000000000000', writable: ['/var/lib/ovr', '/run/ovr'] });
    expect(found.uid).not.toBe(0);
    expect(found.pid1, 'ovrd must know that it does not see everybody').toBe(false);
  });

  test('the drop-in for checks opens networks, and nothing else', async () => {
    const found = await probeWith({ 'ovrd.service.d/probe.conf': probing });
    expect(found).toMatchObject({
      pingsInside: true,
      entersMounts: false,
      writable: ['/var/lib/ovr', '/run/ovr'],
      homes: false,
      kernelLog: false,
    });
  });

  describe.each([
    { name: 'as shipped', user: 'root', transport: 'http', folder: '/etc/ovr.d', units: {} },
    {
      name: 'with the unprivileged drop-in and folders below',
      user: 'ovr',
      transport: 'file', // the repository is another user's: root's
      folder: '/etc/ovr.d/team/site',
      units: { 'ovrd.service.d/unprivileged.conf': unprivileged, 'ovrd.service.d/tree.conf': tree },
    },
  ] as const)('$name', ({ user, transport, folder, units }) => {
    let machine: SystemdMachine;
    let git: MachineGit;
    const on = (cmd: string[]): Promise<string> => must(machine, cmd);

    beforeAll(async () => {
      await run(['chgrp', 'docker', lab.hosts[0]!.socket]);
      machine = await bootSystemd(lab.hosts[0]!.socket, { ...machineUnits, ...gitUnits, ...units });
      git = await MachineGit.start({ shared: machine.shared, must: on, user });
    });
    afterAll(async () => {
      git.stop();
      await machine.stop();
    });

    test('ovrd works, outlives Docker, comes back after a crash, and stops without a container noticing', async () => {
      const container = `web-${user}`;
      const started = (): Promise<string> =>
        lab.hosts[0]!.docker(['inspect', '-f', '{{.State.StartedAt}}', container]);
      await writeFile(join(machine.shared, 'web.yaml'), JSON.stringify(manifestOf(container)));
      await on(['mkdir', '-p', folder]);
      await on(['cp', join(machine.shared, 'web.yaml'), folder]);
      await on(['ovr', 'status', '--wait', '--timeout', '60s']);
      const since = await started();
      expect(await on(['busybox', 'wget', '-qO-', 'http://127.0.0.1:9469/healthz'])).not.toBe('');

      const pid = await mainPid(machine);
      await on(['systemctl', 'restart', 'docker.service']);
      expect(await mainPid(machine)).toBe(pid);

      await on(['kill', '-9', pid]);
      await until('a new ovrd', 60_000, async () => {
        const now = await mainPid(machine);
        return now !== pid && now !== '0' ? now : undefined;
      });
      await on(['ovr', 'status', '--wait', '--timeout', '60s']);

      await on(['systemctl', 'stop', 'ovrd']);
      expect(await on(['systemctl', 'show', 'ovrd', '--property=Result', '--value'])).toBe('success');
      expect(await started()).toBe(since);
    });

    test('ovrd takes signed manifests from Git, opens encrypted ones, and hears of pushes', async () => {
      const container = `git-${user}`;
      const made = (secret: string): Promise<true> =>
        until(`a container with ${secret}`, 60_000, async () => {
          const inspect = ['inspect', '-f', '{{json .Config.Env}}', container];
          const env = await lab.hosts[0]!.docker(inspect).catch(() => '');
          return env.includes(`"SEALED=${secret}"`) ? true : undefined;
        });
      const first = git.push({ 'web.yaml': sealedManifest(container, 'first') }, 'ssh');
      await git.use('ssh', 'ssh');
      await git.untilInForce(first);
      await made('first');

      const second = git.push({ 'web.yaml': sealedManifest(container, 'second') }, 'ssh');
      await git.webhook();
      await git.untilInForce(second);
      await made('second');

      git.push({ 'web.yaml': sealedManifest(container, 'foreign') });
      const { code, stderr } = await machine.exec(['ovr', 'sync']);
      expect([code, stderr]).toEqual([1, expect.stringContaining('not signed')]);
      await git.untilInForce(second);

      const last = git.push({ 'README.md': transport }, 'openpgp');
      await git.use(transport, 'openpgp');
      await git.untilInForce(last);
    });
  });

  test('a mistake in the options is said once and not tried again', async () => {
    await onMachine(
      { 'ovrd.service.d/mistake.conf': '[Service]\nEnvironment=OVR_MODE=maybe\n' },
      async (machine) => {
        await until('the end of ovrd', 60_000, async () => {
          const { stdout } = await machine.exec(['systemctl', 'is-failed', 'ovrd']);
          return stdout.trim() === 'failed' ? true : undefined;
        });
        expect(await readFile(join(machine.shared, 'ovrd.log'), 'utf8')).toMatch(/^ovrd: .*maybe.*\n$/);
      },
    );
  });
});
