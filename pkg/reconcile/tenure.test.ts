import { beforeEach, describe, expect, test } from 'vitest';
import { createTestAgent, startAgent, type TestAgent } from '../../test/build/agent.ts';
import { attach, container, network } from '../../test/build/objects.ts';
import { FakeClock } from '../api/index.ts';
import { alone } from './alone.ts';
import type { CoordinationState } from './ports.ts';
import { SimulatedWorld } from './simulated/index.ts';

const web = container('web', { reschedule: 'on-node-failure' });

let world: SimulatedWorld;
let agent: TestAgent;
let shared: CoordinationState;

function member(given: { bound?: string[]; leaseHeld?: boolean } = {}): CoordinationState {
  return {
    type: 'member',
    cluster: {
      bound: new Set(given.bound ?? []),
      decidedOn: agent.source.state().revision?.digest ?? '',
      unplaced: new Map(),
      unplacedOmitted: 0,
      leaseHeld: given.leaseHeld ?? true,
      fenceGraceMs: 1_000,
      makesOverlays: true,
    },
  };
}

function set(state: CoordinationState): Promise<void> {
  shared = state;
  agent.reconciler.sourceChanged();
  return agent.run();
}

async function states(): Promise<string[]> {
  const { containers } = await world.host().engine.observe();
  return containers.map(({ name, state }) => `${name} ${state}`);
}

beforeEach(async () => {
  const clock = new FakeClock();
  world = new SimulatedWorld({ clock });
  shared = { type: 'refused', reason: 'the name of this node is taken' };
  const coordination = { ...alone, state: () => shared };
  agent = await startAgent({ engine: world.host().engine, clock, coordination });
  agent.source.declare(web);
  await agent.run();
});

describe('an endpoint that a lost node left in the store', () => {
  const ovr0 = network('ovr0', { ipam: { subnet: '10.0.9.0/24' } });
  const roamer = container('roamer', { reschedule: 'on-node-failure', networks: [attach('ovr0')] });

  test.each([
    ['goes when the container was inherited', ['roamer'], ['roamer running']],
    ['stays when it was not: it may be somebody else’s', [], ['roamer created']],
  ])('%s', async (_, inherited, then) => {
    world = new SimulatedWorld({ clock: agent.clock, topology: 'cluster-store' });
    agent = await startAgent({
      engine: world.host().engine,
      clock: agent.clock,
      coordination: { ...alone, state: () => shared },
    });
    agent.source.declare(ovr0, roamer);
    await set(member());
    world.host().hand.leaveStaleEndpoint('ovr0', 'roamer');
    const bound = member({ bound: ['roamer'] });
    if (bound.type !== 'member') throw new Error('no member');
    await set({ ...bound, cluster: { ...bound.cluster, inherited: new Set(inherited) } });
    expect(await states()).toEqual(then);
  });
});

describe('an agent in a cluster', () => {
  test('does nothing while refused, and says why', async () => {
    expect(await states()).toEqual([]);
    const { converged, objects } = agent.reconciler.status();
    expect(converged).toBe(false);
    expect(objects.map(({ condition: { type, message } }) => [type, message])).toEqual([
      ['Waiting', 'the name of this node is taken'],
    ]);
  });

  test('runs what is bound to it, stops it with the lease, and gives up what moved', async () => {
    await set(member({ bound: ['web'] }));
    expect(await states()).toEqual(['web running']);
    await set(member({ bound: ['web'], leaseHeld: false }));
    expect(await states()).toEqual(['web exited']);
    expect(agent.reconciler.status().objects[0]?.condition.type).toBe('Fenced');
    await set(member({ bound: ['web'] }));
    expect(await states()).toEqual(['web running']);
    await set(member());
    expect(await states()).toEqual([]);
  });

  test('calls none of that drift', async () => {
    const drift = (): number => agent.reconciler.events(0).filter(({ type }) => type === 'Drift').length;
    await set(member({ bound: ['web'] }));
    await set(member({ bound: ['web'], leaseHeld: false }));
    await set(member({ bound: ['web'] }));
    await set(member());
    await set(member({ bound: ['web'] }));
    expect(await states()).toEqual(['web running']);
    expect(drift()).toBe(0);
    await world.host().engine.removeContainer((await world.host().engine.observe()).containers[0]?.id ?? '');
    await agent.run();
    expect(drift()).toBe(1);
  });

  test.each([
    ['the lease is lost', { bound: ['web'], leaseHeld: false }],
    ['the binding is gone', { bound: [] }],
  ])('does not start what it has just made when %s in between', async (_, then) => {
    world.faults = ({ operation, phase }) => {
      if (operation === 'createContainer' && phase === 'after') shared = member(then);
      return undefined;
    };
    shared = member({ bound: ['web'] });
    agent.reconciler.sourceChanged();
    await agent.run(500);
    expect((await states()).filter((line) => line.endsWith('running'))).toEqual([]);
  });
});

test('an agent that is not started does nothing, however its source rings', async () => {
  const clock = new FakeClock();
  const idle = new SimulatedWorld({ clock });
  let calls = 0;
  idle.faults = () => {
    calls += 1;
    return undefined;
  };
  const { reconciler, source } = createTestAgent({ engine: idle.host().engine, clock });
  await source.start(() => reconciler.sourceChanged());
  source.declare(web);
  await clock.advanceAsync(120_000);
  expect(calls).toBe(0);
});
