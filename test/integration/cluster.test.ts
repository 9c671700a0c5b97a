import { beforeAll, describe, expect, test } from 'vitest';
import { type LiveCluster, openCluster, type Sighting } from '../build/live-cluster.ts';
import { container, manifest, network, place, type LiveNode, undoAfterAll } from '../build/live.ts';
import { until } from '../lab/run.ts';

const SESSION_MS = 4_000;
/** A busy machine must not make a fence of a short outage: the lease lasts two thirds of this. */
const LOST_AFTER_MS = 12_000;
const PATIENCE_MS = 45_000;

let cluster: LiveCluster;
const undo = undoAfterAll();

const attached = {
  networks: [{ name: 'ovr0', aliases: ['app'] }],
  restartPolicy: 'unless-stopped',
  stopGracePeriod: '1s',
};
const MOVABLE = ['move-1', 'move-2', 'move-3', 'move-4', 'move-5', 'move-6'];
const STAYING = ['stay-1', 'stay-2', 'stay-3'];

beforeAll(async () => {
  cluster = await openCluster({
    name: 'it-cluster',
    sessionTimeoutMs: SESSION_MS,
    nodeLostAfterMs: LOST_AFTER_MS,
  });
  undo(() => cluster.close());
  await place(
    cluster.manifests,
    'all.yaml',
    manifest(
      network('ovr0'),
      ...MOVABLE.map((name) => container(name, { ...attached, reschedule: 'on-node-failure' })),
      ...STAYING.map((name) => container(name, attached)),
      ...cluster.lab.hosts.map(({ name }) =>
        container(`pinned-${name}`, { ...attached, nodeConstraint: `node==${name}` }),
      ),
    ),
  );
  await Promise.all(cluster.lab.hosts.map((_, at) => cluster.start(at)));
});

/** The others of the cluster, in the order of the lab. */
function others(...nodes: readonly LiveNode[]): LiveNode[] {
  return cluster.nodes.filter((node) => !nodes.includes(node));
}

async function settled(): Promise<Map<string, Sighting[]>> {
  await cluster.agreed();
  await cluster.converged();
  return cluster.sightings();
}

/** The sightings on some nodes alone. */
function on(seen: ReadonlyMap<string, Sighting[]>, ...nodes: readonly LiveNode[]): [string, Sighting[]][] {
  const names = nodes.map(({ host }) => host.name);
  return [...seen].flatMap(([name, list]): [string, Sighting[]][] => {
    const here = list.filter(({ node }) => names.includes(node));
    return here.length > 0 ? [[name, here]] : [];
  });
}

async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  await until(what, PATIENCE_MS, async () => ((await holds()) ? true : undefined));
}

async function connected(node: LiveNode, wanted: boolean): Promise<void> {
  await node.eventually(
    `connected is ${wanted}`,
    async () => (await node.status()).coordinator.connected === wanted,
  );
}

describe('three agents on one ZooKeeper', () => {
  test('elect one leader, make the overlay once, and place everything once', async () => {
    const seen = await settled();
    expect([...seen.keys()]).toEqual(
      [...MOVABLE, ...cluster.lab.hosts.map(({ name }) => `pinned-${name}`), ...STAYING].sort(),
    );
    for (const list of seen.values()) expect(list).toHaveLength(1);
    for (const { name } of cluster.lab.hosts) expect(await cluster.whereIs(`pinned-${name}`)).toBe(name);
    const counts = cluster.nodes.map((node) => on(seen, node).length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    const ids = await Promise.all(cluster.nodes.map(({ docker }) => docker.networksNamed('ovr0')));
    expect(new Set(ids.flat().map(({ Id }) => Id)).size).toBe(1);
  });

  test('any of them tells of all', async () => {
    await eventually('the view is whole', async () => {
      const { nodes, containers, networks } = await cluster.view();
      return (
        nodes.length === 3 &&
        nodes.every(({ state }) => state === 'up') &&
        nodes.filter(({ isLeader }) => isLeader).length === 1 &&
        containers.length === MOVABLE.length + STAYING.length + 3 &&
        containers.every(({ condition }) => condition.type === 'Ready') &&
        networks.every(({ condition }) => condition.type === 'Ready')
      );
    });
  });

  test('a new container is placed, and a removed one leaves its node', async () => {
    await place(cluster.manifests, 'more.yaml', manifest(container('extra', attached)));
    await eventually('extra runs once', async () => (await cluster.sightings()).get('extra')?.length === 1);
    const before = await settled();
    await cluster.nodes[0]?.withdraw('more.yaml');
    await eventually('extra is gone', async () => !(await cluster.sightings(true)).has('extra'));
    before.delete('extra');
    expect(await settled()).toEqual(before);
  });

  test('a container starts once the one that it depends on is healthy on another host, and says so before', async () => {
    const before = await settled();
    const [first, second] = cluster.nodes as [LiveNode, LiveNode];
    const healthcheck = { test: 'test -e /healthy', interval: '1s', retries: 1_000 };
    const dependsOn = [{ name: 'needed', condition: 'Healthy' }];
    await place(
      cluster.manifests,
      'order.yaml',
      manifest(
        container('needed', { ...attached, healthcheck, nodeConstraint: `node==${first.host.name}` }),
        container('needing', { ...attached, dependsOn, nodeConstraint: `node==${second.host.name}` }),
      ),
    );
    await eventually('needed runs', async () => (await cluster.sightings()).has('needed'));
    const waits = `Waiting: waits for Container needed to be healthy: on ${first.host.name} it is starting`;
    await eventually('needing says what it waits for', async () =>
      (await second.condition('Container/needing')).startsWith(waits),
    );
    expect((await cluster.sightings(true)).has('needing')).toBe(false);
    const healthyMs = Date.now();
    await first.host.docker(['exec', 'needed', 'sh', '-c', ': > /healthy']);
    await eventually('needing runs', async () => (await cluster.sightings()).has('needing'));
    const { startedAt } = (await cluster.sightings()).get('needing')?.[0] ?? { startedAt: '' };
    expect(Date.parse(startedAt)).toBeGreaterThan(healthyMs);
    await first.withdraw('order.yaml');
    await eventually('both are gone', async () => {
      const seen = await cluster.sightings(true);
      return !seen.has('needed') && !seen.has('needing');
    });
    expect(await settled()).toEqual(before);
  });
});

describe('ZooKeeper', () => {
  test('killed for longer than a session: nothing moves or restarts, drift is still repaired, and all are back after', async () => {
    const before = await settled();
    await cluster.zookeeper.kill();
    const [first] = cluster.nodes as [LiveNode];
    await connected(first, false);
    const name = `pinned-${first.host.name}`;
    await first.host.docker(['network', 'disconnect', 'ovr0', name]);
    await eventually('the endpoint is back', async () => {
      const found = await first.docker.container(name);
      return found?.NetworkSettings.Networks['ovr0'] !== undefined;
    });
    // Within the fence: what may move must not have been stopped yet.
    expect(await cluster.sightings()).toEqual(before);
    await cluster.zookeeper.start();
    expect(await settled()).toEqual(before);
  });

  test('frozen: nobody leads, and after the thaw one does; nothing moves or restarts', async () => {
    const before = await settled();
    cluster.zookeeper.freeze();
    try {
      for (const node of cluster.nodes) await connected(node, false);
      for (const node of cluster.nodes) expect((await node.status()).coordinator.isLeader).toBe(false);
    } finally {
      cluster.zookeeper.thaw();
    }
    expect(await settled()).toEqual(before);
  });

  test('away for longer than the lease: what may move stops, the rest runs on; all is as before when it is back', async () => {
    const before = await settled();
    await cluster.zookeeper.kill();
    await eventually('all that may move has stopped', async () => {
      const running = await cluster.sightings();
      return MOVABLE.every((name) => !running.has(name));
    });
    const left = await cluster.sightings();
    expect(left).toEqual(new Map([...before].filter(([name]) => !MOVABLE.includes(name))));
    const fenced = await cluster.node(before.get('move-1')?.[0]?.node ?? '').condition('Container/move-1');
    expect(fenced).toMatch(/^Fenced: /);
    await cluster.zookeeper.start();
    const after = await settled();
    const places = (
      seen: ReadonlyMap<string, Sighting[]>,
    ): [string, string | undefined, string | undefined][] =>
      [...seen].map(([name, [at]]) => [name, at?.node, at?.id]);
    expect(places(after)).toEqual(places(before));
  });

  test('restarted: nothing moves or restarts', async () => {
    const before = await settled();
    await cluster.zookeeper.restart();
    expect(await settled()).toEqual(before);
  });
});

describe('a host', () => {
  test('cut off for a short while: nothing moves or restarts', async () => {
    const before = await settled();
    const [, , node] = cluster.nodes as [LiveNode, LiveNode, LiveNode];
    await node.host.cutNetwork();
    await connected(node, false);
    await node.host.restoreNetwork();
    expect(await settled()).toEqual(before);
  });

  test('cut off for long: what may move runs elsewhere, and never twice; the rest runs on; the copy goes when it is back', async () => {
    const before = await settled();
    const [, , away] = cluster.nodes as [LiveNode, LiveNode, LiveNode];
    const rest = others(away);
    const moving = MOVABLE.filter((name) => before.get(name)?.[0]?.node === away.host.name);
    expect(moving.length).toBeGreaterThan(0);
    await away.host.cutNetwork();
    try {
      await eventually('what may move runs elsewhere', async () => {
        const seen = await cluster.sightings();
        for (const [name, list] of seen) if (list.length > 1) throw new Error(`${name} runs twice`);
        return moving.every((name) => seen.get(name)?.some(({ node }) => node !== away.host.name) ?? false);
      });
      const seen = await cluster.sightings();
      const untouched = (name: string): boolean => !moving.includes(name);
      expect([...seen].filter(([name]) => untouched(name))).toEqual(
        [...before].filter(([name]) => untouched(name)),
      );
    } finally {
      await away.host.restoreNetwork();
    }
    const after = await settled();
    await eventually('no copy is left', async () => {
      const all = await cluster.sightings(true);
      return moving.every((name) => all.get(name)?.length === 1);
    });
    expect(on(after, ...rest).length).toBeGreaterThan(on(before, ...rest).length);
    expect([...after].filter(([name]) => !moving.includes(name))).toEqual(
      [...before].filter(([name]) => !moving.includes(name)),
    );
  });
});

describe('an agent', () => {
  test('that leads and is killed: another leads within a session and half a second; nothing moves', async () => {
    const before = await settled();
    const leader = await cluster.agreed();
    const at = cluster.nodes.indexOf(leader);
    const rest = others(leader);
    const epoch = (await leader.status()).coordinator.epoch;
    await leader.ovrd.end('SIGKILL');
    const next = await cluster.agreed(rest);
    expect((await next.status()).coordinator.epoch).toBeGreaterThan(epoch);
    await cluster.start(at);
    expect(await settled()).toEqual(before);
  });

  test('that leads and is frozen: another leads, and it commits nothing when it goes on', async () => {
    const before = await settled();
    const leader = await cluster.agreed();
    process.kill(leader.ovrd.pid, 'SIGSTOP');
    let epoch: number;
    try {
      const next = await cluster.agreed(others(leader));
      epoch = (await next.status()).coordinator.epoch;
      await place(cluster.manifests, 'late.yaml', manifest(container('late', attached)));
      await eventually('the new leader places', async () =>
        (await next.status()).objects.some(({ key }) => key === 'Container/late'),
      );
    } finally {
      process.kill(leader.ovrd.pid, 'SIGCONT');
    }
    await eventually('late runs once', async () => (await cluster.sightings()).get('late')?.length === 1);
    const now = await cluster.agreed();
    expect((await now.status()).coordinator.epoch).toBeGreaterThanOrEqual(epoch);
    const { leaderWrites } = (await leader.status()).coordinator;
    expect(leaderWrites.ok).toBeGreaterThanOrEqual(0);
    await rmLate();
    expect(await settled()).toEqual(before);
  });

  test('that is killed and back in time: nothing moves or restarts', async () => {
    const before = await settled();
    const leader = await cluster.agreed();
    const [follower] = others(leader) as [LiveNode];
    await follower.ovrd.end('SIGKILL');
    await leader.eventually('the leader misses it', async () => {
      const { nodes } = await leader.ovrd.client.cluster();
      return nodes.some(({ name, state }) => name === follower.host.name && state === 'away');
    });
    await cluster.start(cluster.nodes.indexOf(follower));
    expect(await settled()).toEqual(before);
  });

  test('with the name of another is refused and does nothing', async () => {
    const before = await settled();
    const [first, second] = cluster.nodes as [LiveNode, LiveNode];
    const twin = await cluster.twin(second, first.host.name);
    try {
      await twin.eventually('it is refused', async () =>
        /is taken/.test((await twin.status()).coordinator.message),
      );
      expect(await twin.steps(0)).toEqual([]);
      expect((await twin.status()).converged).toBe(false);
    } finally {
      await twin.ovrd.stop();
    }
    expect(await settled()).toEqual(before);
  });
});

async function rmLate(): Promise<void> {
  await cluster.nodes[0]?.withdraw('late.yaml');
  await eventually('late is gone', async () => !(await cluster.sightings(true)).has('late'));
}
