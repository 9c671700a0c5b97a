/** What is wrong with a coordinator, its data or the disk: said clearly, and what runs goes on running. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { AgentStatus } from '../../pkg/reconcile/index.ts';
import type { AgentClient } from '../../pkg/server/index.ts';
import { container, manifest, network, place, undoAfterAll } from '../build/live.ts';
import { openTree, startMemoryAgent } from '../build/memory-agent.ts';
import { must, until } from '../lab/run.ts';
import { startZooKeeper, type ZooKeeperServer } from '../lab/zookeeper.ts';

const PATIENCE_MS = 45_000;
const undo = undoAfterAll();

let folder: string;
let zookeeper: ZooKeeperServer;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ovr-cluster-bad-'));
  undo(() => rm(folder, { recursive: true, force: true }));
  zookeeper = await startZooKeeper();
  undo(() => zookeeper.stop());
  await mkdir(join(folder, 'manifests'));
  await place(
    join(folder, 'manifests'),
    'all.yaml',
    manifest(
      network('ovr0', { driver: 'bridge' }),
      container('pinned', { nodeConstraint: 'node==n1', networks: ['ovr0'] }),
      container('anywhere', { networks: ['ovr0'] }),
      container('moves', { reschedule: 'on-node-failure' }),
    ),
  );
});

/** An agent on a simulated engine, with settings of its own; it ends with the test. */
async function startAgent(settings: Readonly<Record<string, string>>): Promise<AgentClient> {
  count += 1;
  const { agent, client } = await startMemoryAgent(join(folder, `agent-${count}`), {
    'node-name': 'n1',
    manifests: join(folder, 'manifests'),
    'session-timeout': '4s',
    'node-lost-after': '60s',
    ...settings,
  });
  onTestFinished(() => agent.stop());
  return client;
}

async function says(agent: AgentClient, message: RegExp): Promise<AgentStatus> {
  return until(`the coordinator's message to match ${String(message)}`, PATIENCE_MS, async () => {
    const status = await agent.status();
    return message.test(status.coordinator.message) ? status : undefined;
  });
}

/** Running containers with their IDs. */
function running({ objects }: AgentStatus): Map<string, string> {
  return new Map(
    objects.flatMap(({ name, observed }) =>
      observed?.state === 'running' ? [[name, observed.id] as const] : [],
    ),
  );
}

async function runs(agent: AgentClient, ...names: string[]): Promise<Map<string, string>> {
  return until(`${names.join(' and ')} to run`, PATIENCE_MS, async () => {
    const found = running(await agent.status());
    return names.every((name) => found.has(name)) ? found : undefined;
  });
}

const coordinator = (root: string): { coordinator: string } => ({
  coordinator: `zk://${zookeeper.address}${root}`,
});

describe('the coordinator', () => {
  test('that nobody answers for: what is pinned runs all the same, the rest waits', async () => {
    const agent = await startAgent({ coordinator: 'zk://127.0.0.1:1/ovr/none' });
    await says(agent, /no connection to the coordinator .*127.0.0.1:1/i);
    await runs(agent, 'pinned');
    const status = await agent.status();
    expect([...running(status).keys()]).toEqual(['pinned']);
    expect(status.coordinator.connected).toBe(false);
    const waiting = status.objects.find(({ name }) => name === 'anywhere');
    expect(waiting?.condition).toMatchObject({ type: 'Waiting' });
  });

  test('whose name cannot be resolved', async () => {
    const agent = await startAgent({ coordinator: 'zk://no-such-host.invalid:2181/ovr/none' });
    await says(agent, /no connection to the coordinator .*no-such-host/i);
    await runs(agent, 'pinned');
  });

  test('that another identity made: refused, with what to do', async () => {
    const auth = async (name: string): Promise<string> => {
      const path = join(folder, name);
      await writeFile(path, `${name}:secret-of-${name}\n`, { mode: 0o600 });
      return path;
    };
    const first = await startAgent({ ...coordinator('/owned/cluster'), 'zk-auth-file': await auth('mine') });
    await runs(first, 'pinned', 'anywhere', 'moves');
    const second = await startAgent({
      ...coordinator('/owned/cluster'),
      'zk-auth-file': await auth('other'),
      'node-name': 'n2',
    });
    const { message } = (await says(second, /\/owned/)).coordinator;
    expect(message).not.toContain('secret-of');
  });

  test('of another cluster: refused, and nothing is done', async () => {
    const first = await startAgent({ ...coordinator('/two/cluster'), cluster: 'blue' });
    const before = await runs(first, 'pinned', 'anywhere', 'moves');
    const second = await startAgent({ ...coordinator('/two/cluster'), cluster: 'green', 'node-name': 'n2' });
    const status = await says(second, /cluster .*blue.* path/i);
    expect(running(status).size).toBe(0);
    expect(running(await first.status())).toEqual(before);
  });
});

describe('what is in a znode', () => {
  test.each([
    ['rubbish', '\u0000{not json'],
    [
      'a newer version',
      JSON.stringify({ format: 99, epoch: 1, turn: 1, names: [], leaving: [], revision: '' }),
    ],
  ])('%s: is not believed, names its path, and what runs goes on', async (_, data) => {
    const root = `/znode/cluster-${count}`;
    const agent = await startAgent({ ...coordinator(root), 'node-lost-after': '60s' });
    const before = await runs(agent, 'pinned', 'anywhere', 'moves');
    const store = openTree(zookeeper.address, root);
    onTestFinished(() => store.stop());
    for (const path of ['bindings/n1', 'decision', 'epoch']) {
      await until(`${path} to be overwritten`, PATIENCE_MS, () =>
        store.commit([{ type: 'set', path, data }]).then(
          () => true,
          () => undefined,
        ),
      );
    }
    await agent.resync();
    await says(agent, /znode|newer/i);
    expect(running(await agent.status())).toEqual(before);
  });
});

test('a full disk: said, and everything goes on from memory', async () => {
  const disk = join(folder, 'full-disk');
  await mkdir(disk);
  await must(['mount', '-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', disk]);
  onTestFinished(async () => {
    await must(['umount', '--lazy', disk]);
  });
  await writeFile(join(disk, 'filler'), Buffer.alloc(4096));
  const agent = await startAgent({ ...coordinator('/full/cluster'), 'state-dir': join(disk, 'state') });
  await runs(agent, 'pinned', 'anywhere', 'moves');
  await says(agent, /cannot save|cannot write/i);
  expect((await agent.status()).coordinator.connected).toBe(true);
});
