import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../api/index.ts';
import type { NetworkCreate } from '../../plan/index.ts';
import { SimulatedWorld, type Topology, type WorldOptions } from './index.ts';

function makeWorld(topology: Topology, options: Partial<WorldOptions> = {}): SimulatedWorld {
  return new SimulatedWorld({ clock: new FakeClock(), topology, hosts: 3, ...options });
}

function overlay(name: string, subnet?: string): NetworkCreate {
  const spec = { driver: 'overlay', attachable: true, internal: false, encrypted: false } as const;
  const ipam = subnet === undefined ? {} : { ipam: { subnet } };
  return { name, labels: {}, spec: { ...spec, ...ipam, options: {}, labels: {} } };
}

async function names(world: SimulatedWorld, host: number): Promise<string[]> {
  const { networks } = await world.host(host).engine.observe();
  return networks.map(({ name }) => name).sort();
}

function outcome(result: PromiseSettledResult<unknown>): unknown {
  return result.status === 'fulfilled' ? 'made' : (result.reason as { code: string }).code;
}

const refused = (code: string): unknown => expect.objectContaining({ code });

describe('a cluster store', () => {
  it('lets hosts that start together make several networks of one name', async () => {
    const world = makeWorld('cluster-store');
    await Promise.all(world.hosts.map(({ engine }) => engine.createNetwork(overlay('race'))));
    expect((await names(world, 1)).filter((name) => name === 'race')).toHaveLength(3);
    const late = world.host(0).engine.createNetwork(overlay('race'));
    await expect(late).rejects.toMatchObject({ code: 'already-exists' });
  });

  it('lets only one of them have a subnet', async () => {
    const world = makeWorld('cluster-store');
    const results = await Promise.allSettled(
      world.hosts.map(({ engine }) => engine.createNetwork(overlay('race', '10.64.0.0/24'))),
    );
    expect(results.map(outcome)).toEqual(['made', 'subnet-overlap', 'subnet-overlap']);
  });

  it('attaches by ID where the name is ambiguous, also at a start', async () => {
    const world = makeWorld('cluster-store');
    const { engine, hand } = world.host();
    const older = hand.createNetwork('ovr0', { driver: 'overlay' });
    hand.createNetwork('ovr0', { driver: 'overlay' });
    expect(() => hand.runContainer('a', { network: 'ovr0' })).toThrow(refused('ambiguous-network'));
    const box = hand.runContainer('b');
    await engine.stopContainer(box);
    await engine.connect(box, { network: { name: 'ovr0', id: older }, aliases: [] });
    await engine.startContainer(box);
    const connect = engine.connect(box, { network: { name: 'ovr0' }, aliases: [] });
    await expect(connect).rejects.toMatchObject({ code: 'ambiguous-network' });
  });

  it('keeps a network while any host has a container on it', async () => {
    const world = makeWorld('cluster-store');
    const id = world.host(0).hand.createNetwork('ovr0', { driver: 'overlay' });
    world.host(2).hand.runContainer('far', { network: 'ovr0' });
    await expect(world.host(0).engine.removeNetwork(id)).rejects.toMatchObject({ code: 'network-in-use' });
    world.host(2).hand.stop('far');
    await world.host(1).engine.removeNetwork(id);
    expect(await names(world, 2)).not.toContain('ovr0');
  });
});

describe('Swarm mode', () => {
  it('has one network of a name, however many are made at once', async () => {
    const world = makeWorld('swarm');
    const { engine } = world.host();
    const results = await Promise.allSettled([1, 2].map(() => engine.createNetwork(overlay('race'))));
    expect(results.map(outcome)).toEqual(['made', 'already-exists']);
  });

  it('refuses a worker that makes or removes one', async () => {
    const world = makeWorld('swarm');
    const worker = world.host(1);
    const id = await world.host(0).engine.createNetwork(overlay('ovr0'));
    await expect(worker.engine.createNetwork(overlay('other'))).rejects.toMatchObject({
      code: 'not-manager',
    });
    await expect(worker.engine.removeNetwork(id)).rejects.toMatchObject({ kind: 'already-so' });
    worker.hand.runContainer('box', { network: 'ovr0' });
    await expect(worker.engine.removeNetwork(id)).rejects.toMatchObject({ code: 'not-manager' });
  });

  it('shows a worker a network only while a container of its own is on it', async () => {
    const world = makeWorld('swarm');
    await world.host(0).engine.createNetwork(overlay('ovr0'));
    const { hand } = world.host(1);
    expect(await names(world, 1)).toEqual(['bridge', 'docker_gwbridge', 'host', 'ingress', 'none']);
    hand.runContainer('box', { network: 'ovr0' });
    expect(await names(world, 1)).toContain('ovr0');
    expect(await names(world, 2)).not.toContain('ovr0');
    hand.stop('box');
    expect(await names(world, 1)).not.toContain('ovr0');
    hand.start('box');
  });

  it('refuses what is not attachable', () => {
    const { hand } = makeWorld('swarm').host();
    hand.createNetwork('services', { driver: 'overlay' });
    expect(() => hand.runContainer('box', { network: 'services' })).toThrow(refused('not-attachable'));
  });

  it('sets an address aside for each host and shows those it gave as asked for', async () => {
    const world = makeWorld('swarm');
    await world.host().engine.createNetwork(overlay('ovr0', '10.64.0.0/24'));
    const labels = { 'ovr.cluster': 'c', 'ovr.kind': 'Container', 'ovr.name': 'a', 'ovr.spec-hash': 'h' };
    for (const name of ['a', 'b']) world.host(0).hand.runContainer(name, { network: 'ovr0', labels });
    world.host(1).hand.runContainer('c', { network: 'ovr0' });
    expect(['a', 'b', 'c'].map((name) => world.resolve('swarm-master', 'a', name))).toEqual([
      ['10.64.0.2'],
      ['10.64.0.4'],
      ['10.64.0.5'],
    ]);
    const { containers } = await world.host(0).engine.observe();
    const asked = containers.map(({ details }) => [...(details?.requestedIpv4.values() ?? [])]);
    expect(asked.flat().sort()).toEqual(['10.64.0.2', '10.64.0.4']);
  });

  it('never readies a network whose subnet overlaps', async () => {
    const world = makeWorld('swarm');
    const { engine, hand } = world.host();
    await engine.createNetwork(overlay('one', '10.64.0.0/24'));
    await engine.createNetwork(overlay('two', '10.64.0.0/16'));
    expect(() => hand.runContainer('box', { network: 'two' })).toThrow(refused('attach-timeout'));
  });
});

describe('a daemon on its own', () => {
  it('makes no overlays', async () => {
    const create = makeWorld('single', { hosts: 1 }).host().engine.createNetwork(overlay('ovr0'));
    await expect(create).rejects.toMatchObject({ code: 'not-manager' });
  });

  it('shares nothing with its neighbours', async () => {
    const world = makeWorld('single', { hosts: ['one', { name: 'two', ip: '10.1.1.1' }] });
    world.host('one').hand.createNetwork('side');
    expect(await names(world, 1)).not.toContain('side');
    expect(world.host('two').facts.node).toMatchObject({ name: 'two', ip: '10.1.1.1' });
  });
});

describe('names', () => {
  it('resolve to all that have them on the networks of the asking container', () => {
    const world = makeWorld('cluster-store');
    const [first, second, third] = [world.host(0).hand, world.host(1).hand, world.host(2).hand];
    first.createNetwork('ovr0', { driver: 'overlay', ipam: { subnet: '10.0.9.0/24' } });
    first.createNetwork('other', { driver: 'overlay' });
    second.runContainer('nginx_web_1', { network: 'ovr0', aliases: ['nginx'] });
    third.runContainer('nginx_web_2', { network: 'ovr0', aliases: ['NGINX'], hostname: 'web2' });
    first.runContainer('away', { network: 'other', aliases: ['nginx'] });
    const ask = (name: string): string[] => world.resolve('swarm-node-1', 'nginx_web_1', name);
    expect(ask('nginx')).toEqual(['10.0.9.2', '10.0.9.3']);
    expect(ask('Nginx_Web_2.ovr0')).toEqual(['10.0.9.3']);
    expect(ask('web2')).toEqual(['10.0.9.3']);
    expect(ask('away')).toEqual([]);
    third.pause('nginx_web_2');
    expect(ask('nginx')).toHaveLength(2);
    third.kill('nginx_web_2');
    expect(ask('nginx')).toEqual(['10.0.9.2']);
    expect(() => world.resolve('swarm-node-1', 'gone', 'nginx')).toThrow(refused('not-found'));
  });
});

describe('a snapshot', () => {
  const story = (world: SimulatedWorld): void => {
    const { hand } = world.host();
    hand.createNetwork('side');
    hand.runContainer('box', { network: 'side', aliases: ['b', 'a'] });
    hand.rename('box', 'box2');
  };

  it('is the same after the same story, whatever the seed', () => {
    const worlds = [makeWorld('swarm', { seed: 1 }), makeWorld('swarm', { seed: 2 })];
    worlds.forEach(story);
    expect(worlds[0]?.snapshot()).toEqual(worlds[1]?.snapshot());
  });

  it('does not change with the world, and shows what does', () => {
    const world = makeWorld('single');
    story(world);
    const before = world.snapshot();
    const text = JSON.stringify(before);
    world.host().hand.pause('box2');
    expect(JSON.stringify(before)).toBe(text);
    expect(world.snapshot()).not.toEqual(before);
    world.host().hand.unpause('box2');
    expect(world.snapshot()).toEqual(before);
  });
});

describe('lists', () => {
  it('come in an order of their own each time, by the seed alone', async () => {
    const orders = async (seed: number): Promise<string[][]> => {
      const world = makeWorld('single', { seed });
      for (let index = 0; index < 8; index += 1) world.host().hand.runContainer(`box${index}`);
      const lists = [await world.host().engine.observe(), await world.host().engine.observe()];
      return lists.map(({ containers }) => containers.map(({ name }) => name));
    };
    const [first, second] = await orders(7);
    expect(first).not.toEqual(second);
    expect(await orders(7)).toEqual([first, second]);
    expect(await orders(8)).not.toEqual([first, second]);
  });
});
