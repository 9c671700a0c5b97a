/** What the command line and the metrics show of a cluster: real agents on simulated engines, one real ZooKeeper. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { Agent } from '../../pkg/agent/index.ts';
import type { CoordinationStore } from '../../pkg/cluster/index.ts';
import type { RevisionHistory } from '../../pkg/reconcile/index.ts';
import { createClient } from '../../pkg/server/index.ts';
import { createCliStage, type CliStage } from '../build/cli.ts';
import { container, manifest, network, place, undoAfterAll } from '../build/live.ts';
import { openTree, startMemoryAgent } from '../build/memory-agent.ts';
import { until } from '../lab/run.ts';
import { startZooKeeper, type ZooKeeperServer } from '../lab/zookeeper.ts';

const PATIENCE_MS = 45_000;
/** Where a secret can stand: in a file, and in plain text. */
const PLANTED = ['planted-in-a-value-file-3141', 'planted-in-env-1618'];
const undo = undoAfterAll();

let folder: string;
let zookeeper: ZooKeeperServer;
let cli: CliStage;

function socketOf(node: string): string {
  return join(folder, node, 'ovrd.sock');
}

async function start(node: string, zone: string): Promise<Agent> {
  const { agent } = await startMemoryAgent(join(folder, node), {
    'node-name': node,
    'node-label': `zone=${zone}`,
    manifests: join(folder, 'manifests'),
    coordinator: `zk://${zookeeper.address}/ovr/views`,
    'zk-auth-file': join(folder, 'auth'),
    'session-timeout': '4s',
    'node-lost-after': '8s',
  });
  return agent;
}

/** What `ovr` prints when it asks one node. */
function ovr(node: string, line: string): Promise<{ code: number; stdout: string; stderr: string }> {
  return cli.run(line, { env: { OVR_SOCKET: socketOf(node) } });
}

/** Waits until what `ovr` prints matches. */
async function shows(node: string, line: string, pattern: RegExp): Promise<void> {
  await until(`ovr ${line} on ${node} shows ${String(pattern)}`, PATIENCE_MS, async () => {
    const { stdout } = await ovr(node, line);
    return pattern.test(stdout) ? true : undefined;
  });
}

let second: Agent;

/** Writes the manifests; `more` is for the container that is bound. */
async function declare(more: object = {}): Promise<void> {
  await place(
    join(folder, 'manifests'),
    'all.yaml',
    manifest(
      network('ovr0', { driver: 'bridge' }),
      container('pinned', { nodeConstraint: 'node==n1', networks: ['ovr0'] }),
      container('bound', { nodeConstraint: 'zone==b', networks: ['ovr0'], ...more }),
      container('moves', {
        reschedule: 'on-node-failure',
        env: [
          { name: 'TOKEN', valueFrom: { file: join(folder, 'token') } },
          { name: 'PLAIN', value: PLANTED[1] },
        ],
      }),
      container('nowhere', { nodeConstraint: 'zone==c' }),
    ),
  );
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ovr-cluster-views-'));
  undo(() => rm(folder, { recursive: true, force: true }));
  zookeeper = await startZooKeeper();
  undo(() => zookeeper.stop());
  cli = await createCliStage();
  undo(() => cli.close());
  await writeFile(join(folder, 'auth'), 'ovr:secret\n', { mode: 0o600 });
  await writeFile(join(folder, 'token'), `${PLANTED[0] ?? ''}\n`);
  await mkdir(join(folder, 'manifests'));
  await declare();
  const first = await start('n1', 'a');
  undo(() => first.stop());
  second = await start('n2', 'b');
  undo(() => second.stop());
});

test('every node shows the whole cluster', async () => {
  for (const node of ['n1', 'n2']) {
    await shows(node, 'get c', /^bound +n2 +bound +Ready/m);
    await shows(node, 'get c', /^pinned +n1 +pinned +Ready/m);
    await shows(node, 'get c', /^nowhere +- +unplaced +Unschedulable +2 nodes: constraint zone==c$/m);
    await shows(node, 'get nodes', /^n1 +up .*\nn2 +up /m);
    await shows(node, 'get net', /^ovr0 +Ready +2 /m);
  }
  await shows('n1', 'describe node n2', /zone=b[^]*Containers:\n[^]*bound +bound +Ready/);
  await shows(
    'n1',
    'explain c nowhere',
    /No node runs it: the leader \(n\d.*\n {2}2 nodes: constraint zone==c/,
  );
  await shows('n1', 'explain c bound', /The leader \(n\d.* bound it to node n2\. There it is Ready/);
  await shows('n2', 'explain c bound', /The leader \(n\d.* bound it to this node\./);
  await shows('n1', 'status', /Coordinator: +zookeeper, connected\n[^]*Members: +2: n1, n2\n/);
  await shows('n1', 'status', /Problems:\n {2}1 container without a node: /);
});

test('a rollback on one node is followed by the other, also over its restart, until it is over', async () => {
  const short = async (node: string): Promise<string> => {
    const { revisions } = JSON.parse((await ovr(node, 'history -o json')).stdout) as RevisionHistory;
    return revisions[0]?.digest.slice(0, 12) ?? '';
  };
  const before = await short('n1');
  await declare({ image: 'busybox:other' });
  for (const node of ['n1', 'n2']) await shows(node, 'history', /current .* \+0 ~1 -0 [^]* first /);
  const after = await short('n1');
  expect(await short('n2')).toBe(after);
  expect(await ovr('n2', `diff --from ${before}`)).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(
      /^Container\/bound: changed\n {2}image: .* → busybox:other\n1 object differs/,
    ) as string,
  });
  const { stdout } = await ovr('n1', `rollback --to ${before.slice(0, 6)} --note trial`);
  expect(stdout).toContain(`pinned to revision ${before}, until ovr resume\nin force until now: ${after}\n`);
  const pinned = new RegExp(
    `Revision: +${before}, .*pinned \\(source is at ${after}\\)\nHold: .*by ann@web1.*\\(trial\\)`,
  );
  for (const node of ['n1', 'n2']) await shows(node, 'status', pinned);
  await shows('n2', 'get c bound --here -o wide', / busybox:latest /);
  await second.stop();
  second = await start('n2', 'b');
  await shows('n2', 'status', pinned);
  await shows('n2', 'status', /Converged: +yes/);
  expect((await ovr('n2', 'resume')).stdout).toContain(`is over; the source has revision ${after}`);
  for (const node of ['n1', 'n2'])
    await shows(node, 'status', new RegExp(`Revision: +${after}, \\d+ objects\n`));
});

test('a suspension is in force on every node within a second, also over a restart, until it is over', async () => {
  await shows('n2', 'status', /Converged: +yes/);
  const beganMs = performance.now();
  const { stdout } = await ovr('n1', 'suspend c bound --note trial');
  expect(stdout).toBe('Container bound is suspended until ovr resume container bound\n');
  await shows('n2', 'get c bound --here', /^bound +Suspended /m);
  expect(performance.now() - beganMs).toBeLessThan(PATIENCE_MS);
  await declare({ image: 'busybox:third' });
  await shows('n2', 'explain c bound', /bound is Suspended .*: by ann@web1; differs: spec\n/);
  await shows(
    'n2',
    'explain c bound',
    /suspended by ann@web1 .* ago \(trial\): ovr resume container bound ends it/,
  );
  await second.stop();
  second = await start('n2', 'b');
  await shows('n2', 'status', /Hold: +suspend\/Container\/bound: stays as it is, by ann@web1/);
  expect((await ovr('n2', 'suspend c bound')).stdout).toContain('is suspended already, by ann@web1');
  expect(await ovr('n2', 'suspend c bund')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('did you mean bound?') as string,
  });
  expect((await ovr('n2', 'resume c bound')).stdout).toMatch(
    /^the suspension of Container bound by ann@web1 .* is over\n$/,
  );
  await shows('n2', 'get c bound --here -o wide', / busybox:third /);
  await shows('n1', 'status', /Converged: +yes/);
});

test('a container waits for one on another node', async () => {
  const needs = { dependsOn: [{ name: 'pinned', condition: 'Healthy' }, 'late'] };
  await declare(needs);
  await shows('n2', 'get c bound --here', /^bound +Ready /m);
  const late = manifest(
    container('late', { nodeConstraint: 'node==n1' }),
    container('after', { nodeConstraint: 'zone==b', dependsOn: ['late'] }),
  );
  await ovr('n1', 'suspend --all');
  await shows('n1', 'status', /Hold: +suspend: /);
  await place(join(folder, 'manifests'), 'late.yaml', late);
  await shows('n1', 'get c late --here', /^late +Suspended /m);
  await ovr('n1', 'resume --all');
  await shows('n2', 'get c after --here', /^after +Ready /m);
  await shows('n1', 'get c late --here', /^late +Ready /m);
  await rm(join(folder, 'manifests', 'late.yaml'));
  await declare();
  await shows('n2', 'status', /Converged: +yes/);
});

function goneMeanwhile(error: NodeJS.ErrnoException): string {
  if (error.code !== 'ENOENT') throw error;
  return '';
}

/** What a tree holds, a znode a line. */
async function contentOf(store: CoordinationStore, path = ''): Promise<string[]> {
  const znode = path === '' ? undefined : await store.get(path);
  const names = await store.children(path);
  const below = names.map((name) => contentOf(store, path === '' ? name : `${path}/${name}`));
  return [`${path}: ${znode?.data ?? ''}`, ...(await Promise.all(below)).flat()];
}

test('no znode has what containers have in their environment, nor has a node on disk what is in value files', async () => {
  const store = openTree(zookeeper.address, '/ovr/views', 'ovr:secret');
  try {
    const lines = await until('the tree is read', PATIENCE_MS, () =>
      contentOf(store).then(
        (found) => (found.some((line) => /^bindings\/.*moves/.test(line)) ? found : undefined),
        () => undefined,
      ),
    );
    expect(lines.filter((line) => PLANTED.some((secret) => line.includes(secret)))).toEqual([]);
  } finally {
    await store.stop();
  }
  for (const node of ['n1', 'n2']) {
    const entries = await readdir(join(folder, node), { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    // agents write meanwhile, each file beside its place first
    const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(goneMeanwhile)));
    expect(texts.filter((text) => text.includes(PLANTED[0] ?? ''))).toEqual([]);
    expect(
      texts.some((text) => text.includes(PLANTED[1] ?? '')),
      'the history, for root alone',
    ).toBe(true);
  }
});

test('a node that goes is away, then gone, and what moves has moved', async () => {
  await second.stop();
  await shows('n1', 'get nodes', /^n2 +away /m);
  await shows('n1', 'get c', /^bound +n2 +bound +Waiting/m);
  await shows('n1', 'get c', /^moves +n1 +bound +Ready/m);
  await shows('n1', 'explain c bound', /That node is (away|lost)/);
});

test('without ZooKeeper the node is still shown, and what is fenced says why', async () => {
  await zookeeper.kill();
  await until('get fails', PATIENCE_MS, async () =>
    (await ovr('n1', 'get c')).code === 1 ? true : undefined,
  );
  const { stdout, stderr } = await ovr('n1', 'get c');
  expect([stdout, stderr]).toEqual([
    '',
    expect.stringMatching(/; ovr get containers --here shows this node/),
  ]);
  await expect(createClient({ socketPath: socketOf('n1') }).cluster()).rejects.toThrow(/ZooKeeper/);
  await shows('n1', 'get c --here', /^moves +Fenced /m);
  await shows('n1', 'explain c moves', /without a session for too long[^]*cannot be read now: /);
  await shows('n1', 'status', /Coordinator: +zookeeper, not connected\nSession: +lease lost/);
});

test('it comes back with ZooKeeper', async () => {
  await zookeeper.start();
  await shows('n1', 'get c', /^moves +n1 +bound +Ready/m);
  await shows('n1', 'status', /Session: +lease held; since the start \d expired, [1-9]/);
});
