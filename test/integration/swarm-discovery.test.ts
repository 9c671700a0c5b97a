/** A host in classic Swarm's discovery, beside one that `swarm join` put there. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { CoordinationStore } from '../../pkg/cluster/index.ts';
import type { NodeStatus } from '../../pkg/reconcile/index.ts';
import { undoAfterAll } from '../build/live.ts';
import { openTree, startMemoryAgent, type MemoryAgent } from '../build/memory-agent.ts';
import { until } from '../lab/run.ts';
import { startZooKeeper, type ZooKeeperServer } from '../lab/zookeeper.ts';

const PATIENCE_MS = 45_000;
const NODES = 'docker/swarm/nodes';
const OURS = '10.6.17.13:2375';
const JOINED = '10.6.17.14:2375';
const undo = undoAfterAll();

let zookeeper: ZooKeeperServer;
let tree: CoordinationStore;
let ovrd: MemoryAgent;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ovr-discovery-'));
  undo(() => rm(folder, { recursive: true, force: true }));
  zookeeper = await startZooKeeper();
  undo(() => zookeeper.stop());
  tree = openTree(zookeeper.address, '/swarm');
  undo(() => tree.stop());
  await eventually('the entry of swarm join', async () => {
    await tree.commit([{ type: 'create', path: `${NODES}/${JOINED}`, data: JOINED, ephemeral: true }]);
    return true;
  });
  await mkdir(join(folder, 'manifests'));
  ovrd = await startMemoryAgent(join(folder, 'n1'), {
    'node-name': 'n1',
    manifests: join(folder, 'manifests'),
    coordinator: `zk://${zookeeper.address}/ovr/discovery`,
    'session-timeout': '4s',
    'swarm-discovery': `zk://${zookeeper.address}/swarm`,
    'swarm-advertise': OURS,
  });
  undo(() => ovrd.agent.stop());
});

/** Asks again, also after a failure. */
async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  await until(what, PATIENCE_MS, () =>
    holds().then(
      (isSo) => (isSo ? true : undefined),
      () => undefined,
    ),
  );
}

async function registered(): Promise<[string, string | undefined][]> {
  const names = await tree.children(NODES);
  return Promise.all(
    names.map(async (name) => [name, (await tree.get(`${NODES}/${name}`))?.data] as [string, string]),
  );
}

test('the host is registered as swarm join does it: its address as name and as content, ephemeral', async () => {
  await eventually('the entry', async () => (await registered()).length === 2);
  expect(await registered()).toEqual([
    [OURS, OURS],
    [JOINED, JOINED],
  ]);
  expect((await tree.get(`${NODES}/${OURS}`))?.ephemeral).toBe(true);
});

test('it is there again after ZooKeeper was away', async () => {
  await zookeeper.restart();
  await eventually('the entry', async () => (await registered()).some(([name]) => name === OURS));
});

test('the nodes of the cluster and those of Swarm are shown together', async () => {
  let nodes: readonly NodeStatus[] = [];
  await eventually('both kinds of nodes', async () => {
    ({ nodes } = await ovrd.client.cluster());
    return nodes.some(({ state }) => state === 'swarm') && nodes.some(({ state }) => state === 'up');
  });
  expect(nodes.filter(({ state }) => state === 'swarm').map(({ name }) => name)).toContain(JOINED);
});
