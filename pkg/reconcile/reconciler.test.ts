import { describe, expect, test } from 'vitest';
import { attach, container, network, revision } from '../../test/build/objects.ts';
import { startAgent, TestSource, TestStore, type TestAgent } from '../../test/build/agent.ts';
import { condition, converged } from '../../test/build/simulated.ts';
import { FakeClock } from '../api/index.ts';
import { silentObserver } from './observer.ts';
import type { SourceState } from './ports.ts';
import { SimulatedWorld, type SimulatedHost } from './simulated/index.ts';

const net0 = network('net0', { driver: 'bridge' });
const web1 = container('web-1', { networks: [attach('net0', 'web')] });
const web2 = container('web-2', { networks: [attach('net0', 'web')] });

async function mutations(host: SimulatedHost, act: () => Promise<void>): Promise<Record<string, number>> {
  const before = new Map(host.calls);
  await act();
  const changed = [...host.calls].map(([name, count]) => [name, count - (before.get(name) ?? 0)] as const);
  return Object.fromEntries(
    changed.filter(([name, count]) => count > 0 && name !== 'observe' && name !== 'facts'),
  );
}

function causes(agent: TestAgent, key: string): string[] {
  const status = agent.reconciler.status().objects.find((object) => object.key === key);
  return [
    ...new Set(status?.history.map(({ cause }) => `${cause.reason}${cause.drift ? '!' : ''} ${cause.field}`)),
  ];
}

describe('from nothing', () => {
  test('makes the network, then the containers on it, and then rests', async () => {
    const { world, host, agent } = await converged([net0, web1, web2]);
    expect(agent.reconciler.status().converged).toBe(true);
    expect(world.resolve(host.name, 'web-1', 'web')).toHaveLength(2);
    expect(await mutations(host, () => agent.run(300_000))).toEqual({});
    expect(causes(agent, 'Container/web-1')).toEqual(['ManifestAdded container']);
  });

  test('the overlay of a cluster store settles before anything attaches', async () => {
    const clock = new FakeClock();
    const world = new SimulatedWorld({ clock, topology: 'cluster-store', hosts: 3, images: ['busybox'] });
    const agents = await Promise.all(world.hosts.map((host) => startAgent({ engine: host.engine, clock })));
    agents.forEach((agent, index) => {
      agent.source.declare(
        network('ovr0', { ipam: { subnet: '10.0.9.0/24' } }),
        container(`c${index}`, { networks: [attach('ovr0', 'all')] }),
      );
    });
    await clock.advanceAsync(10_000);
    expect(agents.map((agent) => agent.reconciler.status().converged)).toEqual([true, true, true]);
    expect(world.shared.filter(({ name }) => name === 'ovr0')).toHaveLength(1);
    expect(world.resolve('swarm-master', 'c0', 'all')).toHaveLength(3);
  });
});

test('a source that reads the same again stays converged', async () => {
  class RereadSource extends TestSource {
    override state(): SourceState {
      const { revision, ...rest } = super.state();
      return revision ? { ...rest, revision: { ...revision } } : rest;
    }
  }
  const clock = new FakeClock();
  const world = new SimulatedWorld({ clock, images: ['busybox'] });
  const agent = await startAgent({ engine: world.host().engine, clock, source: new RereadSource() });
  agent.source.declare(net0);
  await agent.run();
  expect(agent.reconciler.status().converged).toBe(true);
});

describe('drift', () => {
  const breaks: [string, (host: SimulatedHost) => void, string, string][] = [
    [
      'a disconnected endpoint',
      (host) => host.hand.disconnect('web-1', 'net0'),
      'EndpointMissing',
      'networks[net0]',
    ],
    ['a removed container', (host) => host.hand.remove('web-1'), 'Missing', 'container'],
    ['a stopped container', (host) => host.hand.stop('web-1'), 'NotRunning', 'state'],
    ['a killed container', (host) => host.hand.kill('web-1'), 'NotRunning', 'state'],
    ['a paused container', (host) => host.hand.pause('web-1'), 'Paused', 'state'],
    ['a renamed container', (host) => host.hand.rename('web-1', 'other'), 'Renamed', 'name'],
    [
      'a lost alias',
      (host) => {
        host.hand.disconnect('web-1', 'net0');
        host.hand.connect('web-1', 'net0');
      },
      'AliasesDiffer',
      'networks[net0].aliases',
    ],
    [
      'a foreign network on an owned container',
      (host) => {
        host.hand.createNetwork('side', { driver: 'bridge' });
        host.hand.connect('web-1', 'side');
      },
      'EndpointUnexpected',
      'networks[side]',
    ],
    [
      'a changed restart policy',
      (host) => host.hand.update('web-1', { restartPolicy: { name: 'no', maximumRetryCount: 0 } }),
      'RestartPolicyDiffers',
      'restartPolicy',
    ],
  ];

  test.each(breaks)('repairs %s and says why', async (_name, breakIt, reason, field) => {
    const { world, host, agent } = await converged([net0, web1, web2]);
    const before = world.resolve(host.name, 'web-2', 'web');
    breakIt(host);
    await agent.run();
    expect(agent.reconciler.status().converged).toBe(true);
    expect(causes(agent, 'Container/web-1')).toContain(`${reason}! ${field}`);
    expect(world.resolve(host.name, 'web-2', 'web')).toEqual(before);
    expect(await mutations(host, () => agent.run(120_000))).toEqual({});
  });

  test('is found without any event, at the next resync', async () => {
    const clock = new FakeClock();
    const world = new SimulatedWorld({ clock, images: ['busybox'], bell: { copies: () => 0 } });
    const agent = await startAgent({ engine: world.host().engine, clock });
    agent.source.declare(net0, web1);
    await agent.run();
    world.host().hand.remove('web-1');
    await agent.run(61_000);
    expect(agent.reconciler.status().converged).toBe(true);
    expect(condition(agent, 'Container/web-1')).toBe('Ready');
  });

  test('that comes back again and again is stalled, says so, and slows down', async () => {
    const { host, agent } = await converged([net0, web1]);
    for (let count = 0; count < 8; count += 1) {
      if (host.observe().containers.some(({ name }) => name === 'web-1')) host.hand.remove('web-1');
      await agent.run(2_000);
    }
    expect(condition(agent, 'Container/web-1')).toBe('Stalled');
    const repairs = await mutations(host, () => agent.run(20_000));
    expect(repairs).toEqual({});
    await agent.run(40_000);
    expect(condition(agent, 'Container/web-1')).toBe('Ready');
  });
});

describe('changes', () => {
  test('a changed image replaces the container and keeps its address', async () => {
    const { world, host, agent } = await converged([net0, web1, web2]);
    const addresses = world.resolve(host.name, 'web-2', 'web-1');
    agent.source.declare(
      net0,
      container('web-1', { image: 'busybox:2', networks: [attach('net0', 'web')] }),
      web2,
    );
    await agent.run();
    expect(agent.reconciler.status().converged).toBe(true);
    expect(
      host
        .observe()
        .containers.map(({ name }) => name)
        .sort(),
    ).toEqual(['web-1', 'web-2']);
    expect(world.resolve(host.name, 'web-2', 'web-1')).toEqual(addresses);
  });

  test('a replacement that does not start puts the old one back and is not tried again', async () => {
    const { host, agent } = await converged([net0, web1]);
    const id = host.observe().containers.find(({ name }) => name === 'web-1')?.id;
    host.hand.runContainer('taken', { ports: [{ hostPort: 80, containerPort: 80, protocol: 'tcp' }] });
    const broken = container('web-1', {
      networks: [attach('net0', 'web')],
      ports: [{ hostPort: 80, containerPort: 80, protocol: 'tcp' }],
    });
    agent.source.declare(net0, broken);
    await agent.run();
    expect(condition(agent, 'Container/web-1')).toBe('UpdateFailed');
    const current = host.observe().containers.find(({ name }) => name === 'web-1');
    expect(current).toMatchObject({ id, state: 'running' });
    expect(await mutations(host, () => agent.run(300_000))).toEqual({});
    agent.source.declare(net0, web1);
    await agent.run();
    expect(agent.reconciler.status().converged).toBe(true);
  });

  test('an image that cannot be pulled leaves the old container untouched', async () => {
    const clock = new FakeClock();
    const world = new SimulatedWorld({ clock, images: ['busybox'], pullable: [] });
    const agent = await startAgent({ engine: world.host().engine, clock });
    agent.source.declare(net0, web1);
    await agent.run();
    const before = world.snapshot();
    agent.source.declare(net0, container('web-1', { image: 'missing', networks: [attach('net0', 'web')] }));
    await agent.run();
    expect(world.snapshot()).toEqual(before);
    expect(['Failed', 'Waiting']).toContain(condition(agent, 'Container/web-1'));
  });

  test('a removed manifest removes its container, and only that', async () => {
    const { host, agent } = await converged([net0, web1, web2]);
    host.hand.runContainer('foreign');
    agent.source.declare(net0, web1);
    await agent.run();
    expect(
      host
        .observe()
        .containers.map(({ name }) => name)
        .sort(),
    ).toEqual(['foreign', 'web-1']);
  });
});

describe('removal is held', () => {
  test('when the source is in doubt', async () => {
    const { world, host, agent } = await converged([net0, web1, web2]);
    const before = world.snapshot();
    agent.source.set({ doubt: 'the folder is gone' });
    agent.source.declare(net0, web1);
    await agent.run();
    expect(world.snapshot()).toEqual(before);
    expect(condition(agent, 'Container/web-2')).toBe('PruneHeld');
    expect(host.observe().containers).toHaveLength(2);
  });

  test('when a revision is empty, until somebody confirms', async () => {
    const { world, host, agent } = await converged([net0, web1, web2]);
    const before = world.snapshot();
    agent.source.declare();
    await agent.run();
    expect(world.snapshot()).toEqual(before);
    expect(await agent.reconciler.confirmPrune()).toHaveLength(3);
    await agent.run();
    expect(host.observe().containers).toEqual([]);
    expect(host.observe().networks.filter(({ name }) => name === 'net0')).toEqual([]);
  });

  test('when more than three and more than half would go', async () => {
    const many = Array.from({ length: 7 }, (_, index) => container(`many-${index}`));
    const { host, agent } = await converged(many);
    agent.source.declare(...many.slice(0, 3));
    await agent.run();
    expect(host.observe().containers).toHaveLength(7);
    agent.source.declare(...many.slice(0, 4));
    await agent.run();
    expect(host.observe().containers).toHaveLength(4);
  });
});

describe('what is not ours', () => {
  test('a foreign container and network of the same names are conflicts and stay as they are', async () => {
    const clock = new FakeClock();
    const world = new SimulatedWorld({ clock, images: ['busybox'] });
    const host = world.host();
    host.hand.createNetwork('net0', { driver: 'bridge' });
    host.hand.runContainer('web-1');
    host.hand.runContainer('committed', { labels: ownLabels('web-2') });
    const before = world.snapshot();
    const agent = await startAgent({ engine: host.engine, clock });
    agent.source.declare(net0, container('web-1'));
    await agent.run(300_000);
    expect(world.snapshot()).toEqual(before);
    expect(condition(agent, 'Network/net0')).toBe('Conflict');
    expect(condition(agent, 'Container/web-1')).toBe('Conflict');
  });

  test('adoption replaces a foreign container, and uses a foreign network as it is', async () => {
    const clock = new FakeClock();
    const world = new SimulatedWorld({ clock, images: ['busybox'] });
    const host = world.host();
    host.hand.createNetwork('net0', { driver: 'bridge' });
    host.hand.runContainer('web-1');
    const agent = await startAgent({ engine: host.engine, clock });
    agent.source.declare(
      network('net0', { driver: 'bridge' }, { adopt: true }),
      container('web-1', { networks: [attach('net0', 'web')] }, { adopt: true }),
    );
    await agent.run();
    expect(agent.reconciler.status().converged).toBe(true);
    expect(host.observe().networks.filter(({ name }) => name === 'net0')).toHaveLength(1);
  });
});

describe('an engine that fails', () => {
  test('is waited for, and nothing is done meanwhile', async () => {
    const { world, host, agent } = await converged([net0, web1]);
    host.setDown('connection refused');
    await agent.run(10_000);
    expect(agent.reconciler.status().engine).toMatchObject({ up: false });
    const before = world.snapshot();
    agent.source.declare(net0);
    await agent.run(10_000);
    expect(world.snapshot()).toEqual(before);
    host.setUp();
    await agent.run();
    expect(host.observe().containers).toEqual([]);
  });
});

describe('whenSettled', () => {
  test.each([
    ['true once everything is as declared', [net0, web1], true],
    ['false when an object fails for good', [container('web-1', { image: 'missing' })], false],
    [
      'false when an object waits for what never comes',
      [container('web-1', { networks: [attach('nowhere')] })],
      false,
    ],
  ])('is %s', async (_name, objects, expected) => {
    const clock = new FakeClock();
    const world = new SimulatedWorld({ clock, images: ['busybox'], pullable: [] });
    const source = new TestSource();
    source.declare(...objects);
    const agent = await startAgent({ engine: world.host().engine, clock, source });
    const settled = agent.reconciler.whenSettled();
    await agent.run(60_000);
    expect(await settled).toBe(expected);
  });

  test('is false when the engine cannot be reached', async () => {
    const clock = new FakeClock();
    const world = new SimulatedWorld({ clock });
    world.host().setDown();
    const source = new TestSource();
    source.declare(net0);
    const agent = await startAgent({ engine: world.host().engine, clock, source });
    const settled = agent.reconciler.whenSettled();
    await agent.run(60_000);
    expect(await settled).toBe(false);
  });
});

test('observe mode reports drift and repairs nothing', async () => {
  const { world, host, agent } = await converged([net0, web1, container('seen', {}, { mode: 'observe' })]);
  expect(condition(agent, 'Container/seen')).toBe('Drifted');
  agent.source.declare(net0, container('web-1', { networks: [attach('net0', 'web')] }, { mode: 'observe' }));
  await agent.run();
  host.hand.disconnect('web-1', 'net0');
  const before = world.snapshot();
  await agent.run();
  expect(world.snapshot()).toEqual(before);
  expect(condition(agent, 'Container/web-1')).toBe('Drifted');
});

test('a restarted agent knows its own, also after a rename while it was away', async () => {
  const clock = new FakeClock();
  const world = new SimulatedWorld({ clock, images: ['busybox'] });
  const host = world.host();
  const store = new TestStore();
  const first = await startAgent({ engine: host.engine, clock, store });
  first.source.declare(net0, web1);
  await first.run();
  const stopping = first.reconciler.stop();
  await clock.advanceAsync(0);
  await stopping;
  host.hand.rename('web-1', 'mine');
  const second = await startAgent({ engine: host.engine, clock, store });
  second.source.declare(net0, web1);
  await second.run();
  expect(causes(second, 'Container/web-1')).toEqual(['Renamed! name']);
  expect(host.observe().containers.map(({ name }) => name)).toEqual(['web-1']);
});

function ownLabels(name: string): Record<string, string> {
  return { 'ovr.cluster': 'default', 'ovr.kind': 'Container', 'ovr.name': name, 'ovr.spec-hash': 'x' };
}

test('a doubt that ends while the engine is asked is a doubt about what was read before', async () => {
  const { world, host, agent } = await converged([net0, web1, web2]);
  const all = agent.source.state().revision;
  const half = revision([net0, web1]);
  agent.source.set({ revision: half, doubt: 'a folder is gone' });
  world.faults = ({ operation, phase }) => {
    if (operation === 'observe' && phase === 'before' && all) {
      // Without the ring of `set`: the next round would only hide what this one does.
      Object.assign(agent.source.state(), { doubt: undefined, revision: all });
    }
    return undefined;
  };
  await agent.run(1_000);
  expect(host.observe().containers.map(({ name }) => name)).toEqual(['web-1', 'web-2']);
});

test('a repair begins before the round that planned it has told anybody', async () => {
  const clock = new FakeClock();
  const world = new SimulatedWorld({ clock, images: ['busybox'] });
  const order: string[] = [];
  const agent = await startAgent({
    engine: world.host().engine,
    clock,
    observer: { ...silentObserver, statusChanged: () => order.push('told') },
  });
  agent.source.declare(net0, web1);
  await agent.run();
  order.length = 0;
  world.faults = ({ operation, phase }) => {
    if (operation === 'connect' && phase === 'before') order.push('connect');
    return undefined;
  };
  world.host().hand.disconnect('web-1', 'net0');
  await agent.run();
  expect(order.slice(0, 2)).toEqual(['connect', 'told']);
});
