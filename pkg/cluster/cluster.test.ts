import { describe, expect, it } from 'vitest';
import { FakeClock } from '../api/index.ts';
import { ClusterStage, FakeDisk, movable, staying } from '../../test/build/cluster.ts';
import { revision } from '../../test/build/objects.ts';

/** One container of each sort on each of three nodes. */
async function three(): Promise<ClusterStage> {
  const stage = new ClusterStage();
  stage.declare(...staying('a b c'), ...movable('x y z'));
  await stage.with('n1', 'n2', 'n3');
  expect(stage.running()).toBe('a@n1 b@n2 c@n3 x@n1 y@n2 z@n3');
  return stage;
}

describe('a new cluster', () => {
  it('registers, elects one leader, and places once members have had time to show up', async () => {
    const stage = await three();
    expect(stage.leaders()).toBe('n1');
    expect(stage.bound()).toBe(stage.running());
    expect(stage.read('epoch')).toMatchObject({ epoch: 1, leader: 'n1' });
    expect(stage.read('decision')).toMatchObject({ epoch: 1, revision: stage.revision.digest, unplaced: {} });
    const [n1, n2] = stage.agents;
    expect(n1?.journal).toEqual(['normal: leads the cluster, epoch 1']);
    expect(n2?.journal).toEqual([]);
    expect(n2?.cluster.status()).toMatchObject({
      connected: true,
      message: 'connected',
      leader: 'n1',
      isLeader: false,
      epoch: 1,
      bound: 2,
      leaseHeld: true,
    });
    expect(n1?.cluster.status()).toMatchObject({ isLeader: true, members: ['n1', 'n2', 'n3'] });
  });

  it('writes nothing while nothing changes', async () => {
    const stage = await three();
    expect(await stage.written(120_000)).toEqual([]);
  });

  it('writes one binding and one decision for one more container', async () => {
    const stage = await three();
    stage.declare(...staying('a b c d'), ...movable('x y z'));
    expect(await stage.written(5_000)).toEqual(['n1: set bindings/n1', 'n1: set decision']);
    expect(stage.running()).toBe('a@n1 b@n2 c@n3 d@n1 x@n1 y@n2 z@n3');
  });

  it('binds what runs already where it runs', async () => {
    const stage = new ClusterStage();
    stage.declare(...staying('a b c'), ...movable('x'));
    const agents = ['n1', 'n2', 'n3'].map((name) => stage.add(name));
    for (const name of ['a', 'b', 'x']) agents[2]?.host.running.add(name);
    for (const agent of agents) agent.start();
    await stage.pass(15_000);
    expect(stage.running()).toBe('a@n3 b@n3 c@n1 x@n3');
  });

  it('decides nothing before the leader has its manifests', async () => {
    const stage = new ClusterStage();
    stage.declare(...staying('a'));
    const agent = stage.add('n1');
    agent.start();
    Object.assign(stage, { revision: revision([]) });
    await stage.pass(100);
    expect(stage.read('decision')).toBeUndefined();
  });
});

describe('a leader', () => {
  it('is followed by the next one within a session timeout, and nothing moves', async () => {
    const stage = await three();
    stage.agents[0]?.kill();
    await stage.pass(10_500);
    expect(stage.leaders()).toBe('n2');
    expect(stage.read('epoch')).toMatchObject({ epoch: 2, leader: 'n2' });
    expect(await stage.written(20_000)).toEqual([]);
    stage.declare(...staying('a b c d'), ...movable('x y z'));
    await stage.pass(1_000);
    expect(stage.read('bindings/n2')).toMatchObject({ epoch: 2, names: ['b', 'd', 'y'] });
  });

  it('that is stopped is followed at once', async () => {
    const stage = await three();
    const leader = stage.agents[0]!;
    leader.isStarted = false;
    await stage.during(leader.cluster.stop());
    await stage.pass(100);
    expect(stage.leaders()).toBe('n2');
  });

  it('that was frozen writes nothing when it goes on', async () => {
    const stage = new ClusterStage();
    stage.declare(...staying('a'));
    const own = new FakeClock();
    const frozen = stage.add('n1', { clock: own });
    frozen.start();
    for (let ms = 0; ms < 5_000; ms += 10) {
      await own.advanceAsync(10);
      await stage.pass(10);
    }
    expect(frozen.cluster.status().isLeader).toBe(true);
    await stage.with('n2', 'n3');
    expect(stage.leaders().split(' ')).toContain('n2');
    stage.declare(...staying('a b c d e f'));
    await stage.pass(20_000);
    const before = stage.coordinator.entries().filter(([path]) => /^(bindings|decision|epoch)/.test(path));
    stage.writes.length = 0;
    await own.advanceAsync(1);
    await stage.pass(100);
    await own.advanceAsync(100);
    expect(stage.writes.filter((write) => write.startsWith('n1: set'))).toEqual([]);
    const after = stage.coordinator.entries().filter(([path]) => /^(bindings|decision|epoch)/.test(path));
    expect(after).toEqual(before);
  });

  it('is no leader from the moment it is cut off', async () => {
    const stage = await three();
    stage.coordinator.cut('n1');
    await stage.pass(1);
    expect(stage.agents[0]?.cluster.status().isLeader).toBe(false);
    await stage.pass(2_000);
    expect(stage.leaders()).toBe('n1');
    expect(stage.read('epoch')).toMatchObject({ epoch: 1 });
  });

  it('finds its candidate again when the answer to making it is lost', async () => {
    const stage = new ClusterStage();
    let isLost = false;
    stage.coordinator.faults = ({ request, phase }) => {
      if (request.type !== 'createSequential' || phase !== 'after' || isLost) return undefined;
      isLost = true;
      return 'lost';
    };
    await stage.with('n1', 'n2');
    const candidates = stage.coordinator.entries().filter(([path]) => path.startsWith('leader/'));
    expect(candidates.map(([, node]) => node).sort()).toEqual(['n1', 'n2']);
    expect(stage.leaders()).toBe('n1');
  });

  it('does not fear a lost answer to its own writes', async () => {
    const stage = await three();
    let lost = 0;
    stage.coordinator.faults = ({ request, phase }) => {
      const isDecision = request.type === 'commit' && request.writes.some(({ path }) => path === 'decision');
      if (!isDecision || phase !== 'after' || lost > 0) return undefined;
      lost += 1;
      return 'lost';
    };
    stage.declare(...staying('a b c d'), ...movable('x y z'));
    await stage.pass(5_000);
    expect(lost).toBe(1);
    expect(stage.running()).toBe('a@n1 b@n2 c@n3 d@n1 x@n1 y@n2 z@n3');
    expect(await stage.written(20_000)).toEqual([]);
  });
});

describe('a lost node', () => {
  it('stops what may move before it moves, and gives it up when it is back', async () => {
    const stage = await three();
    stage.coordinator.partition('n3', 'both');
    await stage.pass(36_000);
    expect(stage.running()).toBe('a@n1 b@n2 c@n3 x@n1 y@n2 z@n3');
    await stage.pass(4_100);
    expect(stage.running()).toBe('a@n1 b@n2 c@n3 x@n1 y@n2');
    await stage.pass(25_000);
    expect(stage.running()).toBe('a@n1 b@n2 c@n3 x@n1 y@n2');
    await stage.pass(5_000);
    expect(stage.running()).toBe('a@n1 b@n2 c@n3 x@n1 y@n2 z@n1');
    stage.coordinator.partition('n3', 'none');
    await stage.pass(15_000);
    expect(stage.running()).toBe('a@n1 b@n2 c@n3 x@n1 y@n2 z@n1');
    expect(stage.bound()).toBe(stage.running());
    expect(await stage.written(60_000)).toEqual([]);
  });

  it('that is back before its time keeps everything', async () => {
    const stage = await three();
    stage.coordinator.partition('n3', 'both');
    await stage.pass(55_000);
    expect(stage.running()).toBe('a@n1 b@n2 c@n3 x@n1 y@n2');
    stage.coordinator.partition('n3', 'none');
    await stage.pass(15_000);
    expect(stage.running()).toBe('a@n1 b@n2 c@n3 x@n1 y@n2 z@n3');
    expect(stage.bound()).toBe(stage.running());
  });

  it.each([1, 2, 3, 5, 7, 9, 12, 20, 30])(
    'is none after %i s without a network: nothing stops',
    async (seconds) => {
      const stage = await three();
      stage.writes.length = 0;
      for (const { name } of stage.agents) stage.coordinator.partition(name, 'both');
      const before = stage.running();
      const step = 250;
      for (let ms = 0; ms < seconds * 1_000; ms += step) {
        await stage.pass(step);
        expect(stage.running()).toBe(before);
      }
      for (const { name } of stage.agents) stage.coordinator.partition(name, 'none');
      for (let ms = 0; ms < 15_000; ms += step) {
        await stage.pass(step);
        expect(stage.running()).toBe(before);
      }
      expect(stage.bound()).toBe(before);
      expect(stage.writes.filter((write) => write.includes('bindings/'))).toEqual([]);
    },
  );

  it('has its session expire without anything being stopped', async () => {
    const stage = await three();
    for (const { name } of stage.agents) stage.coordinator.expire(name);
    const before = stage.running();
    for (let ms = 0; ms < 15_000; ms += 50) {
      await stage.pass(50);
      expect(stage.running()).toBe(before);
    }
    expect(stage.agents.map(({ cluster }) => cluster.leaseHeld())).toEqual([true, true, true]);
    expect(stage.bound()).toBe(before);
  });

  it('waits the same time again when the leader is another one', async () => {
    const stage = await three();
    stage.coordinator.partition('n3', 'both');
    await stage.pass(60_000);
    stage.agents[0]?.kill();
    await stage.pass(30_000);
    expect(stage.bound()).toContain('z@n3');
    await stage.pass(60_000);
    expect(stage.bound()).toContain('z@n2');
  });
});

describe('a move', () => {
  it('of what may run once ends at the old node before it begins at the new one', async () => {
    const stage = new ClusterStage();
    const agents = ['n1', 'n2'].map((name) => stage.add(name, { labels: { zone: name } }));
    stage.declare(...movable('x', { nodeConstraint: ['zone==n1'] }));
    for (const agent of agents) agent.start();
    await stage.pass(15_000);
    expect(stage.running()).toBe('x@n1');
    agents[0]!.isActing = false;
    stage.declare(...movable('x', { nodeConstraint: ['zone==n2'] }));
    await stage.pass(30_000);
    expect(stage.running()).toBe('x@n1');
    expect(stage.bound()).toBe('x-n1');
    agents[0]!.isActing = true;
    agents[0]!.look();
    for (let ms = 0; ms < 5_000; ms += 1) {
      await stage.pass(1);
      expect(stage.running().split(' ').length).toBe(1);
    }
    expect(stage.running()).toBe('x@n2');
    expect(stage.bound()).toBe('x@n2');
    expect(await stage.written(60_000)).toEqual([]);
  });

  it('goes on under a new leader', async () => {
    const stage = new ClusterStage();
    const agents = ['n1', 'n2', 'n3'].map((name) => stage.add(name, { labels: { zone: name } }));
    stage.declare(...movable('x', { nodeConstraint: ['zone==n2'] }));
    for (const agent of agents) agent.start();
    await stage.pass(15_000);
    agents[1]!.isActing = false;
    stage.declare(...movable('x', { nodeConstraint: ['zone==n3'] }));
    await stage.pass(2_000);
    agents[0]!.kill();
    await stage.pass(20_000);
    expect(stage.running()).toBe('x@n2');
    expect(stage.bound()).toBe('x-n2');
    agents[1]!.isActing = true;
    agents[1]!.look();
    await stage.pass(5_000);
    expect(stage.running()).toBe('x@n3');
  });

  it('of what stays otherwise is one step', async () => {
    const stage = new ClusterStage();
    for (const name of ['n1', 'n2']) stage.add(name, { labels: { zone: name } }).start();
    stage.declare(...staying('x', { nodeConstraint: ['zone==n1'] }));
    await stage.pass(15_000);
    stage.declare(...staying('x', { nodeConstraint: ['zone==n2'] }));
    expect(await stage.written(5_000)).toEqual([
      'n1: set bindings/n1',
      'n1: set bindings/n2',
      'n1: set decision',
    ]);
    expect(stage.running()).toBe('x@n2');
  });

  it('follows labels that change', async () => {
    const stage = new ClusterStage();
    const [n1, n2] = ['n1', 'n2'].map((name) =>
      stage.add(name, { labels: { disk: name === 'n1' ? 'ssd' : 'hdd' } }),
    );
    stage.declare(...movable('x', { nodeConstraint: ['disk==ssd'] }));
    n1!.start();
    n2!.start();
    await stage.pass(15_000);
    expect(stage.running()).toBe('x@n1');
    n1!.labels = { disk: 'hdd' };
    n2!.labels = { disk: 'ssd' };
    n1!.look();
    n2!.look();
    await stage.pass(5_000);
    expect(stage.running()).toBe('x@n2');
  });
});

describe('manifests in doubt', () => {
  it('let the leader add, and drop nothing that they lack', async () => {
    const stage = await three();
    const leader = stage.agents[0]!;
    leader.doubt = 'a folder is gone';
    stage.declare(...staying('a d'));
    await stage.pass(5_000);
    expect(stage.bound()).toBe('a@n1 b@n2 c@n3 d@n2 x@n1 y@n2 z@n3');
    leader.doubt = undefined;
    leader.sourceChanged();
    await stage.pass(5_000);
    expect(stage.bound()).toBe('a@n1 d@n2');
  });

  it('that declare nothing at all let nothing go', async () => {
    const stage = await three();
    const before = stage.bound();
    stage.declare();
    await stage.pass(5_000);
    expect(stage.bound()).toBe(before);
  });

  it('of one agent and not yet another do not make two of what was pinned until now', async () => {
    const stage = await three();
    const late = stage.agents[2]!;
    late.isActing = false;
    late.host.running.add('once');
    late.look();
    await stage.pass(3_000);
    stage.declare(...staying('a b c'), ...movable('x y z once'));
    await stage.pass(5_000);
    expect(stage.bound()).toContain('once@n3');
    expect(stage.running()).not.toMatch(/once@n[12]/);
  });

  it('leave what is declared twice where it is', async () => {
    const stage = await three();
    stage.revision = revision(staying('a b'), ['Container/c', 'Container/x']);
    for (const agent of stage.agents) agent.sourceChanged();
    await stage.pass(5_000);
    expect(stage.bound()).toContain('c@n3');
    expect(stage.bound()).toContain('x@n1');
    expect(stage.bound()).not.toContain('y@');
  });
});

describe('a restart', () => {
  it('without a coordinator goes on from the disk, and lets what may have moved rest', async () => {
    const stage = await three();
    const { disk, host } = stage.agents[2]!;
    stage.agents[2]!.kill();
    stage.coordinator.stop();
    const again = stage.add('n3', { disk, host, client: 'n3-again' });
    again.start();
    await stage.pass(9_000);
    expect(again.isReady).toBe(false);
    await stage.pass(2_000);
    expect(again.isReady).toBe(true);
    const state = again.cluster.state();
    if (state.type !== 'member') throw new Error(state.type);
    expect([...state.cluster.bound]).toEqual(['c', 'z']);
    expect(state.cluster.leaseHeld).toBe(false);
    expect(state.cluster.decidedOn).toBeUndefined();
    expect(again.cluster.status()).toMatchObject({ connected: false });
  });

  it('takes the place of the run before at once', async () => {
    const stage = await three();
    const { disk, host } = stage.agents[2]!;
    stage.agents[2]!.kill();
    const again = stage.add('n3', { disk, host, client: 'n3-again' });
    again.start();
    await stage.pass(1_000);
    expect(again.cluster.state().type).toBe('member');
    expect(again.isReady).toBe(true);
    expect(stage.running()).toBe('a@n1 b@n2 c@n3 x@n1 y@n2 z@n3');
  });

  it('with a full disk goes on from memory, and says so', async () => {
    const stage = await three();
    const agent = stage.agents[0]!;
    agent.disk.failure = new Error('no space left on device');
    stage.declare(...staying('a b c d'), ...movable('x y z'));
    await stage.pass(5_000);
    expect(stage.running()).toContain('d@n1');
    expect(agent.cluster.status().message).toMatch(/cannot save .*no space left/);
    expect(agent.journal.filter((line) => line.includes('no space'))).toHaveLength(1);
  });

  it('reads nothing into a disk of another cluster', async () => {
    const stage = await three();
    const disk = new FakeDisk();
    disk.content = structuredClone({ ...(stage.agents[2]!.disk.content as object), cluster: 'other' });
    const agent = stage.add('n4', { disk });
    agent.start();
    await stage.pass(1_000);
    expect(agent.cluster.status()).toMatchObject({ bound: 0 });
  });
});
