import { describe, expect, it } from 'vitest';
import { silentLogger } from '../api/index.ts';
import { ClusterStage, FakeDisk, movable, staying } from '../../test/build/cluster.ts';
import { attach, container, network, revision } from '../../test/build/objects.ts';
import { createSwarmDiscovery, type SwarmDiscovery } from './index.ts';

describe('a write that comes too late', () => {
  it('is refused by the coordinator, and counted', async () => {
    const stage = new ClusterStage(20);
    stage.declare(...staying('a'));
    await stage.with('n1', 'n2');
    const usurper = stage.coordinator.open('usurper');
    usurper.start(() => undefined);
    await stage.pass(200);
    const taken = usurper.commit([
      { type: 'set', path: 'epoch', data: JSON.stringify({ format: 1, epoch: 5, leader: 'n9' }) },
    ]);
    await stage.pass(18);
    stage.declare(...staying('a b'));
    await stage.pass(15);
    // Sent while it still believed to lead, and not there yet.
    expect(stage.agents[0]!.cluster.status().isLeader).toBe(true);
    const before = stage.bound();
    await stage.during(taken);
    await stage.pass(25);
    expect(stage.bound()).toBe(before);
    await stage.pass(5_000);
    expect(stage.agents[0]!.cluster.status().leaderWrites.refused).toBe(1);
    expect(stage.agents[0]!.journal.join('\n')).toContain('another agent leads now');
    expect(stage.read('epoch')).toMatchObject({ epoch: 6 });
    expect(stage.running()).toBe('a@n1 b@n2');
  });
});

describe('a report', () => {
  it('of the time before proves nothing about a container that was bound meanwhile', async () => {
    const stage = new ClusterStage();
    const agents = ['n1', 'n2'].map((name) => stage.add(name, { labels: { zone: name } }));
    stage.declare();
    for (const agent of agents) agent.start();
    await stage.pass(15_000);
    // No more rounds on n1, as if its engine took its time to start x.
    agents[0]!.isReady = false;
    stage.declare(...movable('x', { nodeConstraint: ['zone==n1'] }));
    await stage.pass(2_000);
    stage.declare(...movable('x', { nodeConstraint: ['zone==n2'] }));
    await stage.pass(5_000);
    expect(stage.bound()).toBe('x-n1');
    agents[0]!.isReady = true;
    agents[0]!.look();
    await stage.pass(5_000);
    expect(stage.bound()).toBe('x@n2');
  });

  it('is written at most once a second, and only when it says something new', async () => {
    const stage = new ClusterStage();
    stage.declare(...staying('a'));
    const [n1] = await stage.with('n1');
    let writes = 0;
    stage.coordinator.committed = () => {
      writes += 1;
    };
    for (let round = 0; round < 100; round += 1) {
      n1!.host.running.add(`other-${round}`);
      n1!.cluster.report({ ...n1!.status(), converged: round % 2 === 0 });
      await stage.pass(100);
    }
    expect(writes).toBeLessThanOrEqual(11);
    writes = 0;
    await stage.pass(60_000);
    expect(writes).toBeLessThanOrEqual(1);
  });
});

describe('holds', () => {
  it('are seen by all agents, replaced and released, and outlive sessions', async () => {
    const stage = new ClusterStage();
    const [n1, n2] = await stage.with('n1', 'n2');
    const hold = { id: 'rollback', who: 'ops', whenMs: 5, note: 'slow', what: 'revision abc' };
    await stage.during(n1!.cluster.holds.put(hold));
    await stage.during(n1!.cluster.holds.put({ id: 'switch/b', who: 'ops', whenMs: 6, what: 'alias' }));
    await stage.pass(100);
    expect(n2!.cluster.holds.list()).toEqual([
      hold,
      { id: 'switch/b', who: 'ops', whenMs: 6, what: 'alias' },
    ]);
    await stage.during(n2!.cluster.holds.put({ ...hold, what: 'revision def' }));
    await stage.during(n2!.cluster.holds.release('switch/b'));
    await stage.during(n2!.cluster.holds.release('switch/b'));
    for (const name of ['n1', 'n2']) stage.coordinator.expire(name);
    await stage.pass(15_000);
    expect(n1!.cluster.holds.list()).toEqual([{ ...hold, what: 'revision def' }]);
    stage.coordinator.stop();
    await stage.pass(1_000);
    await expect(stage.during(n1!.cluster.holds.put(hold))).rejects.toMatchObject({
      code: 'coordinator-unreachable',
    });
    expect(n1!.cluster.holds.list()).toHaveLength(1);
    await expect(stage.during(n1!.cluster.holds.put({ ...hold, id: 'x' }))).rejects.toMatchObject({
      code: 'invalid-request',
    });
  });

  const rollback = { id: 'rollback', who: 'ops', whenMs: 5, what: '{}' };

  it('are known from disk to an agent that restarts without a coordinator', async () => {
    const stage = new ClusterStage();
    const disk = new FakeDisk();
    const first = stage.add('n1', { disk });
    first.start();
    await stage.pass(5_000);
    await stage.during(first.cluster.holds.put(rollback));
    await stage.pass(100);
    first.kill();
    stage.coordinator.stop();
    const second = stage.add('n1', { disk, client: 'n1 again' });
    second.start();
    await stage.pass(100);
    expect(second.cluster.holds.list()).toEqual([rollback]);
  });

  it('are known before a start is over, also to an agent that has never seen them', async () => {
    const stage = new ClusterStage();
    const [n1] = await stage.with('n1');
    await stage.during(n1!.cluster.holds.put(rollback));
    const n2 = stage.add('n2');
    await stage.during(n2.cluster.start());
    expect(n2.cluster.holds.list()).toEqual([rollback]);
  });

  it('whose time is over are taken away by the leader, a while later', async () => {
    const stage = new ClusterStage();
    const [, n2] = await stage.with('n1', 'n2');
    const untilMs = stage.clock.now() + 10_000;
    await stage.during(n2!.cluster.holds.put({ ...rollback, untilMs }));
    await stage.during(n2!.cluster.holds.put({ ...rollback, id: 'switch/a' }));
    await stage.pass(60_000);
    expect(n2!.cluster.holds.list()).toHaveLength(2);
    await stage.pass(15_000);
    expect(n2!.cluster.holds.list()).toEqual([{ ...rollback, id: 'switch/a' }]);
    expect(stage.read('holds/rollback')).toBeUndefined();
  });

  it('outlive a store that forgot', async () => {
    const stage = new ClusterStage();
    stage.declare(...staying('a'));
    const [n1] = await stage.with('n1', 'n2');
    await stage.during(n1!.cluster.holds.put(rollback));
    await stage.pass(100);
    stage.coordinator.wipe();
    for (const name of ['n1', 'n2']) stage.coordinator.expire(name);
    await stage.pass(30_000);
    for (const { cluster } of stage.agents) expect(cluster.holds.list()).toEqual([rollback]);
    expect(stage.read('holds/rollback')).toMatchObject({ who: 'ops' });
    const told = stage.agents.flatMap(({ journal }) => journal).filter((line) => line.includes('forgotten'));
    expect(told).toHaveLength(1);
  });

  it('that cannot be read any more stay as they were read', async () => {
    const stage = new ClusterStage();
    const [n1] = await stage.with('n1');
    await stage.during(n1!.cluster.holds.put(rollback));
    await stage.pass(100);
    await stage.put('holds/rollback', '{"format":1,"who":"eve"}');
    await stage.pass(1_000);
    expect(n1!.cluster.status().message).toContain('znode holds/rollback cannot be read');
    expect(n1!.cluster.holds.list()).toEqual([rollback]);
    await stage.during(n1!.cluster.holds.release('rollback'));
    await stage.pass(100);
    expect(n1!.cluster.holds.list()).toEqual([]);
    expect(n1!.cluster.status().message).toBe('connected');
  });
});

describe('the view', () => {
  it('shows nodes, containers and networks of all', async () => {
    const stage = new ClusterStage();
    stage.declare(...staying('a b c'), ...movable('z'));
    const [n1] = await stage.with('n1', 'n2', 'n3');
    stage.revision = revision([
      network('ovr0'),
      container('a', {
        networks: [attach('ovr0')],
        resources: { limits: {}, requests: { nanoCpus: 5, memoryBytes: 7 } },
      }),
      ...staying('b'),
      ...staying('c', { networks: [attach('ovr0')] }),
      ...movable('z', { networks: [attach('ovr0')] }),
      container('p', { nodeConstraint: ['node==n2'], networks: [attach('ovr0')] }),
      container('q', { nodeConstraint: ['zone==nowhere'] }),
    ]);
    for (const agent of stage.agents) agent.sourceChanged();
    await stage.pass(3_000);
    stage.agents[2]!.kill();
    await stage.pass(15_000);
    const view = await stage.during(n1!.cluster.view(n1!.status()));
    expect(
      view.nodes.map(({ name, state, isLeader, requested }) => [name, state, isLeader, requested.containers]),
    ).toEqual([
      ['n1', 'up', true, 2],
      ['n2', 'up', false, 2],
      ['n3', 'away', false, 1],
    ]);
    expect(view.nodes[0]).toMatchObject({
      version: '0.1.0',
      engine: { kind: 'plain', up: true },
      host: { address: '10.0.0.1', role: 'worker', nanoCpus: 2e9 },
      requested: { nanoCpus: 5, memoryBytes: 7, containers: 2 },
      revision: stage.revision.digest,
      converged: true,
    });
    expect(view.containers.map(({ key, node, by, condition }) => [key, node, by, condition.type])).toEqual([
      ['Container/a', 'n1', 'bound', 'Ready'],
      ['Container/b', 'n2', 'bound', 'Ready'],
      ['Container/c', 'n3', 'bound', 'Waiting'],
      ['Container/p', 'n2', 'pinned', 'Ready'],
      ['Container/q', undefined, 'unplaced', 'Unschedulable'],
      ['Container/z', 'n1', 'bound', 'Ready'],
    ]);
    expect(view.networks.map(({ key, nodes }) => [key, nodes])).toEqual([
      ['Network/ovr0', ['n1', 'n2', 'n3']],
    ]);
    expect(view.coordinator).toMatchObject({ leader: 'n1', members: ['n1', 'n2'], otherRevisions: [] });
    await stage.pass(60_000);
    const later = await stage.during(n1!.cluster.view(n1!.status()));
    expect(later.nodes.find(({ name }) => name === 'n3')).toMatchObject({ state: 'lost' });
  });

  it('tells whose manifests are others', async () => {
    const stage = new ClusterStage();
    stage.declare(...staying('a'));
    const [n1, n2] = await stage.with('n1', 'n2');
    n2!.revision = revision(staying('a b'));
    n2!.look();
    await stage.pass(3_000);
    await stage.during(n1!.cluster.view(n1!.status()));
    expect(n1!.cluster.status().otherRevisions).toEqual(['n2']);
    expect(n2!.cluster.status().otherRevisions).toEqual(['n1']);
  });

  it('fails where the coordinator does not answer', async () => {
    const stage = new ClusterStage();
    const [n1] = await stage.with('n1');
    stage.coordinator.stop();
    await stage.pass(1_000);
    await expect(stage.during(n1!.cluster.view(n1!.status()))).rejects.toMatchObject({
      code: 'coordinator-unreachable',
    });
  });
});

describe('swarm discovery', () => {
  const PATH = 'docker/swarm/nodes/10.0.0.1:2375';
  const join = (stage: ClusterStage, client: string): SwarmDiscovery =>
    createSwarmDiscovery(stage.coordinator.open(client), '10.0.0.1:2375', {
      clock: stage.clock,
      logger: silentLogger,
      random: () => 0.5,
    });

  it('registers the host as swarm join does, and again in each session', async () => {
    const stage = new ClusterStage();
    const discovery = join(stage, 's1');
    discovery.start();
    await stage.pass(100);
    expect(stage.coordinator.entries()).toContainEqual([PATH, '10.0.0.1:2375']);
    expect(stage.coordinator.ownerOf(PATH)).toBeDefined();
    stage.coordinator.expire('s1');
    await stage.pass(5_000);
    expect(stage.coordinator.ownerOf(PATH)).toBe(stage.coordinator.sessionOf('s1'));
    expect(await stage.during(discovery.entries())).toEqual(['10.0.0.1:2375']);
    await stage.during(discovery.stop());
    expect(stage.coordinator.entries().some(([path]) => path === PATH)).toBe(false);
  });

  it('takes the entry of an earlier run without a gap, and does not fight over it', async () => {
    const stage = new ClusterStage();
    join(stage, 's1').start();
    await stage.pass(100);
    join(stage, 's2').start();
    const written = await stage.written(30_000);
    expect(written).toEqual([`s2: remove ${PATH}`, `s2: create ${PATH}`]);
    expect(stage.coordinator.ownerOf(PATH)).toBe(stage.coordinator.sessionOf('s2'));
  });
});

describe('a thousand nodes', () => {
  it('take one write of bindings and one decision for one changed manifest, and act at once', async () => {
    const stage = new ClusterStage(0);
    const names = Array.from({ length: 1_000 }, (_, index) => `c${String(index).padStart(4, '0')}`);
    stage.declare(...staying(names.join(' ')));
    const agents = names.map((_, index) => stage.add(`n${String(index).padStart(4, '0')}`));
    for (const agent of agents) agent.start();
    await stage.pass(20_000);
    expect(stage.running().split(' ')).toHaveLength(1_000);
    stage.writes.length = 0;
    stage.declare(...staying([...names, 'one-more'].join(' ')));
    await stage.pass(100);
    expect(stage.writes).toEqual(['n0000: set bindings/n0000', 'n0000: set decision']);
    expect(stage.running()).toContain('one-more@n0000');
    expect(agents[500]!.cluster.status()).toMatchObject({ bound: 1, leader: 'n0000' });
  });
});
