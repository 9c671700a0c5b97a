import { describe, expect, test } from 'vitest';
import { startAgent, type TestAgent } from '../../test/build/agent.ts';
import { attach, container, network } from '../../test/build/objects.ts';
import { condition, converged } from '../../test/build/simulated.ts';
import { FakeClock, formatCause, OvrError } from '../api/index.ts';
import { SimulatedWorld, type SimulatedHost } from './simulated/index.ts';

const net0 = network('net0', { driver: 'bridge' });
const web1 = container('web-1', { networks: [attach('net0', 'web')] });
const web2 = container('web-2', { networks: [attach('net0', 'web')] });

test('an address that was only kept is given up when somebody else has it', async () => {
  const { world, host, agent } = await converged([net0, web1, web2]);
  host.hand.disconnect('web-1', 'net0');
  await agent.run();
  const [address] = world.resolve(host.name, 'web-2', 'web-1');
  host.setDown();
  host.hand.stop('web-1');
  host.hand.runContainer('thief', { network: 'net0', ...(address ? { ipv4Address: address } : {}) });
  host.setUp();
  await agent.run();
  expect(agent.reconciler.status().converged).toBe(true);
  expect(world.resolve(host.name, 'web-2', 'thief')).toEqual([address]);
  expect(world.resolve(host.name, 'web-2', 'web-1')).not.toEqual([address]);
});

/** The drift that the agent has told of, as `field: observed → desired`. */
function driftTold({ reconciler }: TestAgent): string[] {
  return reconciler
    .events(0)
    .flatMap(({ type, cause }) => (type === 'Drift' && cause ? [formatCause(cause)] : []));
}

describe('an address that changed', () => {
  /** web-1 is started again by hand while somebody else sits on its address, and the agent sees nothing of it. */
  async function changed(): Promise<Awaited<ReturnType<typeof converged>> & { address: string }> {
    const bench = await converged([net0, web1, web2]);
    const { world, host } = bench;
    const [address = ''] = world.resolve(host.name, 'web-2', 'web-1');
    host.setDown();
    host.hand.stop('web-1');
    host.hand.runContainer('squatter', { network: 'net0', ipv4Address: address });
    host.hand.start('web-1');
    expect(world.resolve(host.name, 'web-2', 'web-1')).not.toEqual([address]);
    return { ...bench, address };
  }

  test('is put right when it is free again', async () => {
    const { world, host, agent, address } = await changed();
    host.hand.remove('squatter');
    host.setUp();
    await agent.run();
    expect(world.resolve(host.name, 'web-2', 'web-1')).toEqual([address]);
    expect(driftTold(agent)).toHaveLength(1);
    expect(agent.reconciler.status().converged).toBe(true);
  });

  test('and is somebody else’s is told once, and the new one is kept from then on', async () => {
    const { world, host, agent, address } = await changed();
    host.setUp();
    await agent.run();
    const now = world.resolve(host.name, 'web-2', 'web-1');
    expect(now).not.toEqual([address]);
    expect(driftTold(agent)).toMatchObject([
      expect.stringContaining(`container squatter has ${address}: the endpoint keeps`),
    ]);
    expect(agent.reconciler.status().converged).toBe(true);
    host.hand.remove('squatter');
    host.hand.disconnect('web-1', 'net0');
    await agent.run(120_000);
    expect(world.resolve(host.name, 'web-2', 'web-1')).toEqual(now);
    expect(driftTold(agent).filter((line) => line.includes('AddressChanged'))).toHaveLength(1);
  });

  test('since another host has it is asked for once, told once, and no endless repair', async () => {
    const overlay = network('ovr0', { ipam: { subnet: '10.0.9.0/24' } });
    const member = container('web-1', { networks: [attach('ovr0', 'web')] });
    const clock = new FakeClock();
    const world = new SimulatedWorld({ clock, topology: 'cluster-store', hosts: 2, images: ['busybox'] });
    const [host, elsewhere] = world.hosts as [SimulatedHost, SimulatedHost];
    const agent = await startAgent({ engine: host.engine, clock });
    agent.source.declare(overlay, member);
    await agent.run(5_000);
    const address = host.observe().containers[0]?.endpoints[0]?.ipv4Address ?? '';
    host.setDown();
    host.hand.disconnect('web-1', 'ovr0');
    elsewhere.hand.runContainer('thief', { network: 'ovr0', ipv4Address: address });
    host.setUp();
    await agent.run(600_000);
    const tries = agent.reconciler
      .events(0)
      .filter(({ action, cause }) => action === 'ConnectEndpoint' && cause?.drift);
    expect(tries).toHaveLength(1);
    expect(driftTold(agent)).toEqual([
      'networks[ovr0]: absent → connected (EndpointMissing, drift)',
      expect.stringContaining(`→ ${address} (AddressChanged, drift); ${address} was given up`),
    ]);
    expect(agent.reconciler.status().converged).toBe(true);
    expect(agent.reconciler.status().objects.flatMap(({ causes }) => causes)).toEqual([]);
  });
});

/** The first call of that kind fails before its work. Returns how often one has. */
function failOnce(world: SimulatedWorld, call: string, failure: () => OvrError): () => number {
  let failures = 0;
  world.faults = ({ operation, phase }) => {
    if (operation !== call || phase !== 'before' || failures > 0) return undefined;
    failures += 1;
    throw failure();
  };
  return () => failures;
}

describe('an endpoint left behind in the store', () => {
  const overlay = network('ovr0', { ipam: { subnet: '10.0.9.0/24' } });
  const member = container('web-1', { networks: [attach('ovr0', 'web')] });

  test('by a failed call of ours is removed, and the container attached', async () => {
    const { world, host, agent } = await converged([overlay, member], 'cluster-store');
    const failures = failOnce(world, 'connect', () => {
      host.hand.leaveStaleEndpoint('ovr0', 'web-1');
      return new OvrError('engine-error', 'transient', 'failed to get network from store during join');
    });
    host.hand.disconnect('web-1', 'ovr0');
    await agent.run(10_000);
    expect(failures()).toBe(1);
    expect(agent.reconciler.status().converged).toBe(true);
    expect(host.observe().containers.map(({ name }) => name)).toEqual(['web-1']);
  });

  test('by a failed call of ours is removed also while a replacement is made, and the update goes on', async () => {
    const { world, host, agent } = await converged([overlay, member], 'cluster-store');
    const failures = failOnce(world, 'startContainer', () => {
      host.hand.leaveStaleEndpoint('ovr0', 'web-1');
      const said = 'failed to get network from store during join: network adf5 not found';
      return new OvrError('network-not-found', 'waiting', said);
    });
    agent.source.declare(overlay, container('web-1', { image: 'other', networks: [attach('ovr0', 'web')] }));
    await agent.run(30_000);
    expect(failures()).toBe(1);
    expect(host.observe().containers.map(({ image, state }) => `${image} ${state}`)).toEqual([
      'other running',
    ]);
    expect(condition(agent, 'Container/web-1')).toBe('Ready');
    expect(agent.reconciler.events(0).filter(({ message }) => message.includes('UpdateFailed'))).toEqual([]);
  });

  test('while a call of ours failed, but that was there before it, is left alone', async () => {
    const { world, host, agent } = await converged([overlay, member], 'cluster-store');
    host.setDown();
    host.hand.disconnect('web-1', 'ovr0');
    host.hand.leaveStaleEndpoint('ovr0', 'web-1');
    // The engine could not ask its store whether the name is free, nor make the endpoint.
    const failures = failOnce(
      world,
      'connect',
      () => new OvrError('engine-error', 'transient', 'failed to update store: Key not found in store'),
    );
    host.setUp();
    await agent.run(60_000);
    expect(failures()).toBe(1);
    expect(condition(agent, 'Container/web-1')).toBe('Stalled');
    expect(world.shared.find(({ name }) => name === 'ovr0')?.stale.has('web-1')).toBe(true);
  });

  test('by somebody else is left alone: it may belong to a container on another host', async () => {
    const { world, host, agent } = await converged([overlay, member], 'cluster-store');
    host.setDown();
    host.hand.disconnect('web-1', 'ovr0');
    host.hand.leaveStaleEndpoint('ovr0', 'web-1');
    host.setUp();
    await agent.run(60_000);
    expect(condition(agent, 'Container/web-1')).toBe('Stalled');
    expect(world.shared.find(({ name }) => name === 'ovr0')?.stale.has('web-1')).toBe(true);
  });
});

test('a new container that somebody pauses while it is watched is no failed update', async () => {
  const { world, host, agent } = await converged([net0, web1]);
  world.faults = ({ operation, phase }) => {
    const isUp = host.observe().containers.some(({ name, state }) => name === 'web-1' && state === 'running');
    if (operation === 'containerState' && phase === 'before' && isUp) host.hand.pause('web-1');
    return undefined;
  };
  agent.source.declare(net0, container('web-1', { image: 'other', networks: [attach('net0', 'web')] }));
  await agent.run(500);
  world.faults = undefined;
  await agent.run(10_000);
  expect(condition(agent, 'Container/web-1')).toBe('Ready');
  expect(host.observe().containers.map(({ image, state }) => `${image} ${state}`)).toEqual(['other running']);
});

test('a foreign network that appears while ours is being made is not attached to', async () => {
  const clock = new FakeClock();
  const world = new SimulatedWorld({ clock, topology: 'swarm', images: ['busybox'] });
  const host = world.host();
  let foreign = '';
  world.faults = ({ operation, phase }) => {
    if (operation === 'createNetwork' && phase === 'before' && foreign === '') {
      foreign = host.hand.createNetwork('ovr0', { driver: 'overlay', attachable: true });
    }
    return undefined;
  };
  const agent = await startAgent({ engine: host.engine, clock });
  agent.source.declare(network('ovr0'), container('web-1', { networks: [attach('ovr0')] }));
  await agent.run(30_000);
  expect(condition(agent, 'Network/ovr0')).toBe('Conflict');
  expect(condition(agent, 'Container/web-1')).toBe('Waiting');
  expect(host.observe().containers).toEqual([]);
});

test('an agent that lost the race for a name looks again before long, although the store tells of nothing', async () => {
  const clock = new FakeClock();
  const world = new SimulatedWorld({ clock, topology: 'cluster-store', hosts: 2, bell: { copies: () => 0 } });
  const [first, second] = world.hosts;
  if (!first || !second) throw new Error('two hosts were asked for');
  let isMade = false;
  // The rival's network is in the store already, and this daemon does not show it yet.
  world.faults = ({ host, operation, phase }) => {
    if (host !== second.name || operation !== 'createNetwork' || phase !== 'before' || isMade)
      return undefined;
    isMade = true;
    throw new OvrError('subnet-overlap', 'waiting', 'Pool overlaps with other one on this address space');
  };
  const agents = await Promise.all([first, second].map(({ engine }) => startAgent({ engine, clock })));
  const [winner, loser] = agents;
  loser?.source.declare(network('ovr0'));
  await clock.advanceAsync(100);
  winner?.source.declare(network('ovr0'));
  await clock.advanceAsync(4_000);
  expect(agents.map(({ reconciler }) => reconciler.status().converged)).toEqual([true, true]);
});
