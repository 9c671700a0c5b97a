import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  ClusterStage,
  FakeDisk,
  FakeHost,
  LOST_AFTER_MS,
  movable,
  staying,
} from '../../test/build/cluster.ts';

const ALL = 'a@n1 b@n2 c@n3 x@n1 y@n2 z@n3';

async function three(): Promise<ClusterStage> {
  const stage = new ClusterStage();
  stage.declare(...staying('a b c'), ...movable('x y z'));
  await stage.with('n1', 'n2', 'n3');
  expect(stage.running()).toBe(ALL);
  return stage;
}

/** Lets time pass, and holds that everything runs where it ran all the while. */
async function stays(stage: ClusterStage, ms: number, stepMs = 100): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    await stage.pass(stepMs);
    expect(stage.running()).toBe(ALL);
  }
}

describe('the same node name twice', () => {
  it('is refused for the second, which then takes over when the first has gone', async () => {
    const stage = await three();
    const second = stage.add('n1', { client: 'other', host: new FakeHost() });
    second.start();
    await stage.pass(1_000);
    expect(second.isReady).toBe(true);
    expect(second.cluster.state()).toEqual({
      type: 'refused',
      reason:
        'node name n1 is taken by the agent at 10.0.0.1 (ovr 0.1.0): give each agent its own --node-name',
    });
    expect(second.cluster.leaseHeld()).toBe(false);
    expect(await stage.written(60_000)).toEqual([]);
    expect(second.journal).toHaveLength(1);
    stage.agents[0]!.isStarted = false;
    await stage.during(stage.agents[0]!.cluster.stop());
    await stage.pass(1_000);
    expect(second.cluster.state().type).toBe('member');
  });

  it('with a copied state folder ends with one of them refused', async () => {
    const stage = await three();
    const disk = new FakeDisk();
    disk.content = structuredClone(stage.agents[0]!.disk.content);
    const copy = stage.add('n1', { client: 'copy', disk, host: new FakeHost() });
    copy.start();
    await stage.pass(5_000);
    const types = (): string[] => [stage.agents[0]!, copy].map(({ cluster }) => cluster.state().type);
    expect(types()).toEqual(['refused', 'member']);
    const written = await stage.written(120_000);
    expect(written.filter((write) => write.includes('members/'))).toEqual([]);
    expect(types()).toEqual(['refused', 'member']);
    for (const client of ['n1', 'copy']) stage.coordinator.expire(client);
    await stage.pass(60_000);
    expect(types().sort()).toEqual(['member', 'refused']);
  });
});

describe('two clusters on one path', () => {
  it('refuse the one that came second', async () => {
    const stage = await three();
    const other = stage.add('m1', { cluster: 'test' });
    other.start();
    await stage.pass(1_000);
    expect(other.cluster.state()).toEqual({
      type: 'refused',
      reason: 'another ovr cluster named default uses this path: give this one a path of its own',
    });
    expect(await stage.written(30_000)).toEqual([]);
  });
});

describe('a coordinator without its memory', () => {
  it('moves and stops nothing when everything is wiped, sessions too', async () => {
    const stage = await three();
    stage.coordinator.wipe();
    await stays(stage, 150_000);
    expect(stage.bound()).toBe(ALL);
    expect(stage.leaders()).not.toBe('');
    expect(Number(stage.read('epoch')?.['epoch'])).toBeGreaterThan(1);
    expect(stage.agents[0]!.journal.join()).toContain('lost its memory');
    expect(await stage.written(60_000)).toEqual([]);
    stage.declare(...staying('a b c d'), ...movable('x y z'));
    await stage.pass(1_000);
    expect(stage.running()).toBe('a@n1 b@n2 c@n3 d@n1 x@n1 y@n2 z@n3');
  });

  it('moves and stops nothing when only the tree is removed', async () => {
    const stage = await three();
    for (const [path] of stage.coordinator.entries().reverse()) {
      if (path.includes('/') || ['cluster', 'epoch', 'decision'].includes(path))
        await stage.put(path, undefined);
    }
    await stays(stage, 150_000);
    expect(stage.bound()).toBe(ALL);
  });

  it('moves and stops nothing when it goes back to an old state', async () => {
    const stage = new ClusterStage();
    stage.declare(...staying('a b'), ...movable('x y'));
    await stage.with('n1', 'n2', 'n3');
    const snapshot = stage.coordinator.snapshot();
    stage.agents[0]!.kill();
    await stage.pass(11_000);
    stage.coordinator.partition('n1', 'none');
    stage.agents[0]!.isStarted = true;
    stage.agents[0]!.isReady = true;
    await stage.pass(11_000);
    stage.declare(...staying('a b c'), ...movable('x y z'));
    await stage.pass(11_000);
    const before = stage.running();
    stage.coordinator.rollback(snapshot);
    for (let ms = 0; ms < 150_000; ms += 100) {
      await stage.pass(100);
      expect(stage.running()).toBe(before);
    }
    expect(stage.bound()).toBe(before);
    expect(Number(stage.read('epoch')?.['epoch'])).toBeGreaterThan(2);
    expect(await stage.written(60_000)).toEqual([]);
  });

  it('places nothing anew that a node may have that is not back yet', async () => {
    const stage = await three();
    stage.coordinator.partition('n3', 'both');
    stage.coordinator.wipe();
    await stage.pass(60_000);
    expect(stage.bound()).not.toContain('z@');
    await stage.pass(LOST_AFTER_MS);
    expect(stage.bound()).toContain('z@n');
    stage.coordinator.partition('n3', 'none');
    await stage.pass(30_000);
    expect(stage.running().match(/z@/g)).toHaveLength(1);
  });

  it('is believed again once the leader has gone above what was seen', async () => {
    const stage = await three();
    await stage.put('epoch', JSON.stringify({ format: 1, epoch: 0, leader: 'n9' }));
    await stays(stage, 60_000);
    expect(stage.read('epoch')).toMatchObject({ epoch: 2 });
    stage.declare(...staying('a b c d'), ...movable('x y z'));
    await stage.pass(1_000);
    expect(stage.running()).toContain('d@n1');
  });

  it('that went back on a node which had seen more is believed again too', async () => {
    const stage = await three();
    const disk = new FakeDisk();
    disk.content = {
      format: 1,
      cluster: 'default',
      clusterId: 'old',
      instance: 'i',
      epoch: 40,
      decision: { epoch: 40, turn: 7 },
      bindings: { epoch: 40, turn: 6 },
      bound: ['q'],
    };
    const agent = stage.add('n4', { disk });
    agent.start();
    await stage.pass(120_000);
    expect(stage.running()).toBe(ALL);
    expect(Number(stage.read('epoch')?.['epoch'])).toBeGreaterThan(40);
    expect(agent.cluster.status()).toMatchObject({ message: 'connected', bound: 0 });
    expect(stage.agents.every(({ cluster }) => cluster.status().message === 'connected')).toBe(true);
  });
});

describe('a znode that holds', () => {
  const newer = JSON.stringify({ format: 2, anything: true });
  const paths = [
    'cluster',
    'epoch',
    'decision',
    'bindings/n2',
    'bindings/n1',
    'holds/h',
    'reports/n2',
    'members/n9',
  ];
  const rows = paths.flatMap((path) => [
    [path, 'rubbish', 'so far so {good'],
    [path, 'something newer', newer],
    [path, 'nothing', ''],
    [path, 'a list', '[]'],
    [path, 'too little', '{"format":1}'],
  ]) as [path: string, what: string, data: string][];

  it.each(rows)('%s: %s, moves and stops nothing, and is told', async (path, _what, data) => {
    const stage = await three();
    await stage.put(path, data);
    await stays(stage, 45_000);
    // Sessions come and go, and leaders too.
    for (const { name } of stage.agents) stage.coordinator.expire(name);
    await stays(stage, 45_000);
    const told = stage.agents.flatMap(({ journal }) => journal).join('\n');
    if (path !== 'reports/n2') expect(told).toContain(`znode ${path}`);
    const isLeft =
      ['cluster', 'holds/h', 'members/n9'].includes(path) || (data === newer && path !== 'reports/n2');
    expect(new Map(stage.coordinator.entries()).get(path) === data).toBe(isLeft || path === 'epoch');
  });

  it('bindings of a newer ovr: containers that nobody has wait', async () => {
    const stage = await three();
    await stage.put('bindings/n2', newer);
    stage.coordinator.expire('n1');
    await stage.pass(30_000);
    stage.declare(...staying('a b c d'), ...movable('x y z'));
    await stage.pass(30_000);
    expect(stage.running()).toBe(ALL);
    const { unplaced } = stage.read('decision') as { unplaced: Record<string, string> };
    expect(Object.keys(unplaced)).toEqual(['b', 'd', 'y']);
    expect(unplaced['d']).toContain('znode bindings/n2 has format 2');
  });

  it('broken bindings are made again from what runs', async () => {
    const stage = await three();
    await stage.put('bindings/n2', 'broken');
    stage.coordinator.expire('n1');
    await stays(stage, 60_000);
    expect(stage.bound()).toBe(ALL);
  });

  it('an epoch that is rubbish is mended by removing it', async () => {
    const stage = await three();
    await stage.put('epoch', 'rubbish');
    await stage.pass(5_000);
    expect(stage.leaders()).toBe('');
    expect(stage.agents[1]!.cluster.status().message).toContain('znode epoch cannot be read');
    await stage.put('epoch', undefined);
    await stays(stage, 30_000);
    expect(stage.leaders()).not.toBe('');
    expect(stage.agents[1]!.cluster.status().message).toBe('connected');
  });
});

describe('own bindings that', () => {
  const older = { format: 1, epoch: 0, turn: 9, parts: 1, digest: '', names: [], leaving: [] };
  it.each([
    ['are gone', undefined, 'connected'],
    ['are broken', 'broken', 'znode bindings/n2 cannot be read'],
    ['are older than before', writtenBefore(older), 'znode bindings/n2 is older than'],
    ['are cut', JSON.stringify({ ...older, epoch: 9, parts: 2 }), 'do not fit together'],
  ])('%s leave all bound, and nothing counts as bound elsewhere', async (_what, data, message) => {
    const stage = await three();
    // For as long as its session lasts nobody leads, and nobody mends.
    stage.agents[0]!.kill();
    await stage.put('bindings/n2', data);
    await stage.pass(2_000);
    const agent = stage.agents[1]!;
    const state = agent.cluster.state();
    if (state.type !== 'member') throw new Error(state.type);
    expect([...state.cluster.bound]).toEqual(['b', 'y']);
    expect(state.cluster.decidedOn).toBeUndefined();
    expect(state.cluster.leaseHeld).toBe(true);
    expect(agent.cluster.status().message).toContain(message);
    await stays(stage, 60_000);
    expect(agent.cluster.status().message).toBe('connected');
    expect(stage.bound()).toBe(ALL);
  });
});

/** A whole document, as an agent would have written it. */
function writtenBefore(fields: { names: string[]; leaving: string[] }): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([fields.names, fields.leaving]))
    .digest('hex')
    .slice(0, 32);
  return JSON.stringify({ ...fields, digest });
}

describe('a coordinator that', () => {
  it('refuses the credentials leaves everything running, and says so', async () => {
    const stage = new ClusterStage();
    stage.declare(...staying('a'));
    stage.coordinator.refuse('n1', true);
    const agent = stage.add('n1');
    agent.start();
    await stage.pass(11_000);
    expect(agent.isReady).toBe(true);
    expect(agent.cluster.state().type).toBe('member');
    expect(agent.cluster.status()).toMatchObject({ connected: false, leaseHeld: false });
    expect(agent.cluster.status().message).toContain('refuses this agent');
    stage.coordinator.refuse('n1', false);
    await stage.pass(30_000);
    expect(stage.running()).toBe('a@n1');
    expect(agent.cluster.status().message).toBe('connected');
  });

  it('is down for ten minutes leaves what stays running, and gives back what moves', async () => {
    const stage = await three();
    stage.coordinator.stop();
    await stage.pass(600_000);
    expect(stage.running()).toBe('a@n1 b@n2 c@n3');
    stage.coordinator.start();
    await stage.pass(30_000);
    expect(stage.running()).toBe(ALL);
    expect(stage.bound()).toBe(ALL);
  });

  it('is frozen and thawed does no harm', async () => {
    const stage = await three();
    stage.coordinator.freeze();
    await stays(stage, 30_000);
    stage.coordinator.thaw();
    await stays(stage, 30_000);
    expect(stage.bound()).toBe(ALL);
  });

  it('comes and goes every second does no harm', async () => {
    const stage = await three();
    for (let round = 0; round < 60; round += 1) {
      stage.coordinator.restart();
      await stays(stage, 1_000);
    }
    await stays(stage, 30_000);
    expect(stage.bound()).toBe(ALL);
    expect(stage.leaders()).not.toBe('');
  });

  it('loses one answer or request after the other does no harm', async () => {
    const stage = await three();
    let count = 0;
    stage.coordinator.faults = () => {
      count += 1;
      return count % 17 === 0 ? 'lost' : undefined;
    };
    await stays(stage, 60_000);
    stage.coordinator.faults = undefined;
    await stays(stage, 30_000);
    expect(stage.bound()).toBe(ALL);
    expect(await stage.written(30_000)).toEqual([]);
  });
});

describe('an engine that does not answer', () => {
  it('gets nothing new, and keeps what it has', async () => {
    const stage = await three();
    const agent = stage.agents[2]!;
    agent.engineUp = false;
    agent.look();
    await stage.pass(2_000);
    stage.declare(...staying('a b c d e f'), ...movable('x y z'));
    await stage.pass(2_000);
    expect(stage.bound()).toBe('a@n1 b@n2 c@n3 d@n1 e@n2 f@n1 x@n1 y@n2 z@n3');
  });

  it('at the start keeps its node from joining until it does', async () => {
    const stage = new ClusterStage();
    const agent = stage.add('n1');
    agent.engineUp = false;
    agent.start();
    await stage.pass(11_000);
    expect(agent.cluster.status().message).toContain('before the engine has answered');
    agent.engineUp = true;
    await stage.pass(20_000);
    expect(agent.cluster.status().message).toBe('connected');
  });
});
