import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ensureBuilt, OVR, OVRD } from '../build/built.ts';
import { container, manifest, network, place, undoAfterAll } from '../build/live.ts';
import { startLab, type Lab, type LabHost } from '../lab/lab.ts';
import { networkNamespaces } from '../lab/network.ts';
import { processesWithEnv } from '../lab/processes.ts';
import { labVariable } from '../lab/state.ts';
import { run, type ExecResult } from '../lab/run.ts';
import { startOvrd, type Ovrd } from '../tools/ovrd.ts';

const ARTICLE = resolve(import.meta.dirname, '../../manifests/article');
const NAME = 'it-article';

let lab: Lab;
let hosts: LabHost[];
let manifests: string;
let agents: Ovrd[] = [];
const undo = undoAfterAll();

beforeAll(async () => {
  await ensureBuilt();
  lab = await startLab({ topology: 'kv', hosts: 3, name: NAME });
  undo(() => lab.down());
  manifests = await mkdtemp(join(tmpdir(), 'ovr-article-'));
  undo(() => rm(manifests, { recursive: true, force: true }));
  undo(() => Promise.all(agents.map((agent) => agent.stop())));
  hosts = lab.hosts;
});

/** Runs ovr from a folder that is not the project's, with no settings of the machine. */
function ovr(...args: string[]): Promise<ExecResult> {
  return run([process.execPath, OVR, ...args], { cwd: tmpdir(), timeoutMs: 90_000 });
}

/** Asks the agent of one host. */
function ask(at: number, ...args: string[]): Promise<ExecResult> {
  return ovr('--socket', agents[at]!.socket, ...args);
}

/** What ovr prints as JSON. */
async function json(at: number, ...args: string[]): Promise<unknown> {
  const { stdout, stderr, code } = await ask(at, ...args, '-o', 'json');
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
}

const docker = (at: number, ...args: string[]): Promise<string> => hosts[at]!.docker(args);

async function running(at: number): Promise<string[]> {
  return (await docker(at, 'ps', '--format', '{{.Names}}')).split('\n').filter(Boolean).sort();
}

test('both programs tell how they are used', async () => {
  const daemon = await run([process.execPath, OVRD, '--help']);
  expect([daemon.code, daemon.stderr]).toEqual([0, '']);
  for (const flag of ['--manifests', '--docker-host', '--cluster', '--once', '--mode', '--subnet-pool']) {
    expect(daemon.stdout).toContain(flag);
  }
  const { code, stdout } = await ovr('--help');
  expect(code).toBe(0);
  const verbs = [
    'validate',
    'diff',
    'apply',
    'get',
    'describe',
    'explain',
    'events',
    'status',
    'prune',
    'schema',
  ];
  for (const verb of verbs) expect(stdout).toMatch(new RegExp(`^ +${verb}\\b`, 'm'));
});

test('validate: the article is in order, and a mistake is named with its place', async () => {
  const good = await ovr('validate', ARTICLE);
  expect([good.code, good.stderr]).toEqual([0, '']);
  await cp(ARTICLE, manifests, { recursive: true });
  const text = await readFile(join(ARTICLE, 'nginx.yaml'), 'utf8');
  await place(manifests, 'nginx.yaml', text.replace('imagePullPolicy', 'imagePulPolicy'));
  const { code, stdout } = await ovr('validate', manifests);
  await place(manifests, 'nginx.yaml', text);
  expect(code).toBe(1);
  expect(stdout).toMatch(/nginx\.yaml:\d+:\d+: error .*"imagePulPolicy".*did you mean imagePullPolicy/);
});

test('diff -f: what would be done on one host, exit code 1', async () => {
  const { code, stdout } = await ovr('diff', '-f', manifests, '--docker-host', `unix://${hosts[1]!.socket}`);
  expect(code).toBe(1);
  expect(stdout).toMatch(/Network\/ovr0.*[\s\S]*would do: CreateNetwork/);
  expect(stdout).toContain('Container/nginx_web_1');
  expect(stdout).not.toMatch(/would do[\s\S]*nginx_web_2[\s\S]*would do: EnsureImage/);
  expect(await docker(1, 'network', 'ls', '--quiet', '--filter', 'name=ovr0')).toBe('');
});

describe('with an ovrd on both nodes', () => {
  beforeAll(async () => {
    const nodes = hosts.slice(1);
    agents = await Promise.all(
      nodes.map(({ socket }) => startOvrd({ dockerHost: `unix://${socket}`, manifests, from: 'dist' })),
    );
  });

  test('status --wait: returns once all is as declared', async () => {
    for (const at of [0, 1]) {
      const { code, stdout } = await ask(at, 'status', '--wait', '--timeout', '60s');
      expect([code, stdout]).toEqual([0, expect.stringMatching(/3 Ready, 2 NotHere/)]);
    }
    expect(await running(0)).toEqual([]);
    expect(await running(1)).toEqual(['nginx_web_1', 'ssh-1']);
    expect(await running(2)).toEqual(['nginx_web_2', 'ssh-2']);
  });

  test('get: networks, containers and nodes, for people and as JSON', async () => {
    const networks = await ask(0, 'get', 'networks');
    expect(networks.stdout).toMatch(/^NAME.*\novr0 +Ready .*10\.0\.9\.0\/24/);
    const containers = await ask(0, 'get', 'containers');
    expect(containers.stdout).toMatch(/nginx_web_1 +Ready +running +nginx:1\.27 +ovr0/);
    expect(containers.stdout).toMatch(/nginx_web_2 +NotHere/);
    const nodes = await ask(1, 'get', 'nodes');
    expect(nodes.stdout).toMatch(/swarm-node-2 +up +cluster-store/);
    expect(await json(0, 'get', 'networks')).toMatchObject({
      items: [{ key: 'Network/ovr0', condition: { type: 'Ready' }, observed: { subnets: ['10.0.9.0/24'] } }],
    });
    expect(await json(1, 'get', 'containers', 'ssh-2')).toMatchObject({ observed: { state: 'running' } });
    expect(await json(1, 'get', 'nodes')).toMatchObject({
      items: [{ name: 'swarm-node-2', converged: true }],
    });
  });

  test('after a hand-made break: describe, explain and events tell what it was and what was done', async () => {
    await docker(1, 'network', 'disconnect', 'ovr0', 'nginx_web_1');
    expect((await ask(0, 'status', '--wait')).code).toBe(0);
    expect(await docker(1, 'exec', 'nginx_web_1', 'nslookup', '-type=a', 'nginx_web_2')).toContain('10.0.9.');
    const explained = await ask(0, 'explain', 'container', 'nginx_web_1');
    expect(explained.stdout).toMatch(/networks\[ovr0\]: absent → connected \(EndpointMissing, drift\)/);
    expect(explained.stdout).toMatch(/ConnectEndpoint/);
    expect(explained.stdout).toMatch(/nginx\.yaml:\d+/);
    const described = await ask(0, 'describe', 'container', 'nginx_web_1');
    expect(described.stdout).toMatch(/ovr0 +10\.0\.9\.\d+ .*nginx/);
    const events = await ask(0, 'events');
    expect(events.stdout).toMatch(/Drift .*Container\/nginx_web_1 .*EndpointMissing/);
    expect(events.stdout).toMatch(/Repaired .*Container\/nginx_web_1/);
  });

  test('diff: no difference any more, with the agent and without', async () => {
    expect(await ask(0, 'diff')).toMatchObject({ code: 0, stdout: 'no differences\n' });
    const direct = await ovr('diff', '-f', manifests, '--docker-host', `unix://${hosts[2]!.socket}`);
    expect(direct).toMatchObject({ code: 0, stdout: 'no differences\n' });
  });

  test('apply -f refuses beside an agent, and works on a host without one', async () => {
    const own = await mkdtemp(join(tmpdir(), 'ovr-apply-'));
    try {
      await place(own, 'own.yaml', manifest(network('own'), container('alone', { networks: ['own'] })));
      const beside = await ask(0, 'apply', '-f', own, '--docker-host', `unix://${hosts[1]!.socket}`);
      expect(beside.code).toBe(1);
      expect(beside.stderr).toMatch(/an agent runs here/);
      const flags = [
        '--socket',
        join(own, 'none.sock'),
        '--docker-host',
        `unix://${hosts[0]!.socket}`,
        '--cluster',
        'own',
      ];
      const alone = await ovr('apply', '-f', own, ...flags);
      expect([alone.code, alone.stdout]).toEqual([
        0,
        expect.stringMatching(/2 objects, \d+ steps done: all as declared/),
      ]);
      expect(await running(0)).toEqual(['alone']);
      expect(await ovr('diff', '-f', own, ...flags)).toMatchObject({ code: 0 });
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  });

  test('prune: removing everything waits for a confirmation', async () => {
    for (const file of ['nginx.yaml', 'ssh.yaml', 'network.yaml']) await rm(join(manifests, file));
    for (const at of [0, 1]) {
      await expect
        .poll(async () => (await json(at, 'prune')) as { held: boolean }, { timeout: 20_000 })
        .toMatchObject({ held: true, reason: expect.stringContaining('prune --confirm') as string });
    }
    expect(await running(1)).toEqual(['nginx_web_1', 'ssh-1']);
    expect((await ask(0, 'prune')).stdout).toContain('Container/nginx_web_1');
    expect((await ask(0, 'prune', '--confirm')).stdout).toMatch(/confirmed:/);
    await expect.poll(() => running(1), { timeout: 20_000 }).toEqual([]);
    expect(await running(2)).toEqual(['nginx_web_2', 'ssh-2']);
    await ask(1, 'prune', '--confirm');
    await expect.poll(() => running(2), { timeout: 20_000 }).toEqual([]);
    const left = (): Promise<string> => docker(1, 'network', 'ls', '--quiet', '--filter', 'name=ovr0');
    await expect.poll(left, { timeout: 20_000 }).toBe('');
    expect(await running(0)).toEqual(['alone']);
  });
});

test('nothing stays behind: no process, no namespace', async () => {
  const pids = agents.map(({ pid }) => pid);
  for (const agent of agents) expect(await agent.end('SIGTERM')).toBe(0);
  await lab.down();
  expect(await networkNamespaces(NAME)).toEqual([]);
  expect(processesWithEnv(labVariable).filter(({ value }) => value === NAME)).toEqual([]);
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
});
