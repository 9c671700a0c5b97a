import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Lab, attachLab, startLab } from '../lab/lab.ts';
import {
  isAlive,
  processInfo,
  processRef,
  processesOfHost,
  processesWithEnv,
  signal,
} from '../lab/processes.ts';
import { must, run } from '../lab/run.ts';

const name = 'lab-test';
const repository = join(import.meta.dirname, '../..');

/** Everything on the machine that belongs to the lab. */
async function traces(octet: string): Promise<string[]> {
  const namespaces = await readdir('/run/netns').catch(() => []);
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  const links = (await must(['ip', '-o', 'link', 'show'])).split('\n');
  const controllers = (await readdir('/sys/fs/cgroup')).map((entry) =>
    join('/sys/fs/cgroup', entry, 'ovr-lab', name),
  );
  return [
    ...namespaces.filter((entry) => entry.startsWith(`ovr-${name}.`)),
    ...mounts.filter((line) => line.includes(`/ovr-lab/${name}/`) || line.includes(`/ovr-${name}.`)),
    ...links.filter((line) => line.includes(`ovr-lab-${octet}@`)),
    ...controllers.filter(existsSync),
    ...processesWithEnv('LAB_OF_OVR').flatMap(({ ref, value }) =>
      value === name ? [`${ref.pid} ${ref.comm}`] : [],
    ),
    ...(existsSync(`/run/ovr-lab/${name}`) ? [`/run/ovr-lab/${name}`] : []),
  ];
}

function octetOf(lab: Lab): string {
  return lab.subnet.split('.')[2]!;
}

/** Runs the library in a process of its own, and kills that process, and only it, after a while. */
async function crashedStart(afterMs: number): Promise<void> {
  const code = `import { startLab } from './test/lab/lab.ts';
    await startLab({ topology: 'single', name: '${name}' });
    await new Promise((resolve) => setTimeout(resolve, 60_000));`;
  const cmd = [process.execPath, '--input-type=module-typescript', '--eval', code];
  await run(cmd, { cwd: repository, timeoutMs: afterMs }).catch(() => undefined);
}

describe('a lab of one host', () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await startLab({ topology: 'single', name });
  });
  afterAll(async () => {
    await lab.down();
  });

  it('stays as it is when it is started again', async () => {
    const [host] = lab.hosts;
    const pid = host!.daemonPid();
    const again = await startLab({ topology: 'single', name });
    expect(again.hosts[0]!.daemonPid()).toBe(pid);
    expect(pid).toBeTypeOf('number');
    expect(again.subnet).toBe(lab.subnet);
    await expect(startLab({ topology: 'swarm', name })).rejects.toThrow('runs with another shape');
  });

  it('runs commands as the host, with its daemon', async () => {
    const host = lab.host('swarm-master');
    const result = await host.exec(['sh', '-c', 'hostname; echo $DOCKER_HOST; ip route; exit 3']);
    expect(result.code).toBe(3);
    const [hostname, dockerHost, ...routes] = result.stdout.trim().split('\n');
    expect(hostname).toBe('swarm-master');
    expect(dockerHost).toBe(`unix://${host.socket}`);
    expect(routes.filter((route) => route.startsWith('default'))).toEqual([]);
    expect(await host.docker(['info', '--format', '{{.Name}} {{.Driver}}'])).toBe('swarm-master overlay2');
    expect(await host.docker(['run', '--rm', 'busybox', 'echo', 'hello'])).toBe('hello');
    await expect(host.docker(['inspect', 'nobody'])).rejects.toThrow(/nobody/i);
    expect(await host.isReachable()).toBe(true);
    const cli = ['test/lab/main.ts', 'exec', '--name', name, host.name, '--', 'sh', '-c', 'hostname; exit 4'];
    expect(await run([process.execPath, ...cli], { cwd: repository })).toMatchObject({
      stdout: 'swarm-master\n',
      code: 4,
    });
  });

  it('says at once that a name from outside does not exist', async () => {
    const host = lab.hosts[0]!;
    const started = performance.now();
    await expect(host.docker(['pull', 'registry.example/none:1'])).rejects.toThrow('no such host');
    await host.docker(['network', 'create', 'n']);
    onTestFinished(async () => {
      await host.docker(['network', 'rm', 'n']);
    });
    await expect(
      host.docker(['run', '--rm', '--net', 'n', 'busybox', 'nslookup', 'none.example']),
    ).rejects.toThrow('NXDOMAIN');
    // Who waits for a server that does not answer waits 5 s, and tries again.
    expect(performance.now() - started).toBeLessThan(9_000);
  });

  it('freezes, kills and restarts the daemon, and cuts the cable', async () => {
    const host = (await attachLab(name)).hosts[0]!;
    host.freezeDaemon();
    expect(await host.ping(300)).toBe(false);
    host.thawDaemon();
    expect(await host.ping()).toBe(true);
    await host.cutNetwork();
    expect(await host.ping()).toBe(true);
    expect(await host.isReachable(300)).toBe(false);
    await host.restoreNetwork();
    await host.docker(['run', '--detach', '--name', 'web', 'nginx']);
    await host.killDaemon();
    expect(host.daemonPid()).toBeUndefined();
    expect(await host.ping()).toBe(false);
    await host.startDaemon();
    await host.docker(['start', 'web']);
    await host.restartDaemon();
    expect(await host.ping()).toBe(true);
  });

  it('is made anew when its daemon was killed, and leaves nothing behind', async () => {
    const host = lab.hosts[0]!;
    await host.docker(['run', '--detach', '--name', 'orphan', 'nginx']);
    const agent = host.spawn(['sleep', '1000'], { stdio: 'ignore' });
    const container = processRef((await host.containerPid('orphan'))!)!;
    await host.killDaemon();
    expect(isAlive(container)).toBe(true);
    lab = await startLab({ topology: 'single', name });
    expect(await lab.hosts[0]!.docker(['ps', '--all', '--quiet'])).toBe('');
    expect(agent.signalCode).toBe('SIGKILL');
    expect(isAlive(container)).toBe(false);

    const octet = octetOf(lab);
    expect(await traces(octet)).not.toEqual([]);
    await lab.down();
    await lab.down();
    expect(await traces(octet)).toEqual([]);
    await expect(attachLab(name)).rejects.toThrow('is not up');
  });
});

describe('a lab with a cluster store', () => {
  it('has daemons that have all met each other, so that packets find their way', async () => {
    const lab = await startLab({ topology: 'kv', hosts: 4, name });
    onTestFinished(() => lab.down());
    const names = lab.hosts.map((host) => host.name);
    for (const host of lab.hosts) expect(await host.gossipMet()).toEqual(new Set(names));
  });
});

describe('a lab whose process was killed', () => {
  it.each([150, 350, 800])('%i ms after its start is cleaned up by the next one', async (afterMs) => {
    await crashedStart(afterMs);
    const lab = await startLab({ topology: 'single', name });
    expect(await lab.hosts[0]!.ping()).toBe(true);
    await lab.down();
    expect(await traces(octetOf(lab))).toEqual([]);
  });

  it('goes away also when its folder is lost', async () => {
    const lab = await startLab({ topology: 'single', name });
    const state = JSON.parse(await readFile(`/run/ovr-lab/${name}/state.json`, 'utf8')) as {
      hosts: { init: { pid: number; start: string } }[];
    };
    const { init } = state.hosts[0]!;
    expect(processesOfHost(init).map((info) => info.comm)).toContain('dockerd');
    await must(['rm', '-rf', `/run/ovr-lab/${name}`]);
    await must([process.execPath, 'test/lab/main.ts', 'down', '--name', name], { cwd: repository });
    expect(await traces(octetOf(lab))).toEqual([]);
  });

  it('sends no signal to a stranger that got an old process id', () => {
    const self = processInfo(process.pid)!;
    signal([{ pid: self.pid, start: '1' }], 'SIGTERM');
    expect(processInfo(process.pid)?.start).toBe(self.start);
  });
});
