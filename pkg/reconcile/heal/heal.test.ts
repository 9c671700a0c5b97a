import { describe, expect, test } from 'vitest';
import { startAgent, type TestAgent } from '../../../test/build/agent.ts';
import { attach, container, network } from '../../../test/build/objects.ts';
import { condition } from '../../../test/build/simulated.ts';
import { FakeClock, OvrError, type Playbook } from '../../api/index.ts';
import { alone } from '../alone.ts';
import { silentObserver } from '../observer.ts';
import type { Coordination, EndpointQuestion, Engine, Inquiry } from '../ports.ts';
import { SimulatedWorld, type SimulatedHost, type Topology } from '../simulated/index.ts';

interface Bench {
  readonly world: SimulatedWorld;
  readonly host: SimulatedHost;
  readonly agent: TestAgent;
  readonly heals: Playbook[];
  readonly asked: EndpointQuestion[];
}

const member = container('web', { networks: [attach('net0', 'w')] });

/** An agent that is to run `web` on net0. */
async function bench(topology: Topology, inquiry?: Inquiry): Promise<Bench> {
  const clock = new FakeClock();
  const world = new SimulatedWorld({ clock, topology, images: ['busybox'], hosts: 2 });
  const host = world.host();
  const heals: Playbook[] = [];
  const asked: EndpointQuestion[] = [];
  const coordination: Coordination = !inquiry
    ? alone
    : {
        ...alone,
        inquire: (question) => {
          asked.push(question);
          return Promise.resolve(inquiry);
        },
      };
  const observer = { ...silentObserver, healed: (playbook: Playbook) => heals.push(playbook) };
  const agent = await startAgent({ engine: host.engine, clock, coordination, observer });
  const driver = topology === 'single' ? 'bridge' : 'overlay';
  agent.source.declare(network('net0', { driver, ipam: { subnet: '10.0.9.0/24' } }), member);
  await agent.run();
  return { world, host, agent, heals, asked };
}

/** Takes its endpoint from the container and leaves one of its name in the way, while the agent does not look; its own one, if that is to stay. */
async function leaveStale({ host, agent }: Bench, stays?: 'own'): Promise<void> {
  host.setDown();
  const { containers } = host.observe();
  const [own] = containers.flatMap(({ name, endpoints }) => (name === 'web' ? endpoints : []));
  host.hand.stop('web');
  host.hand.leaveStaleEndpoint('net0', 'web', stays && own?.id);
  host.setUp();
  await agent.run(30_000);
}

function left({ world, host }: Bench): string[] {
  return [...world.shared, ...host.networks].flatMap(({ name, stale }) =>
    name === 'net0' ? [...stale.keys()] : [],
  );
}

function message({ agent }: Bench): string {
  const found = agent.reconciler.status().objects.find(({ key }) => key === 'Container/web');
  return found?.condition.message ?? '';
}

describe('an endpoint of its name that nobody holds', () => {
  test.each<[where: string, topology: Topology, inquiry: Inquiry | undefined]>([
    ['on one host', 'single', undefined],
    ['in Swarm mode, where endpoints are each host’s own', 'swarm', undefined],
    [
      'in a cluster store, when every node says so',
      'cluster-store',
      { type: 'held-by-nobody', nodes: ['n2'] },
    ],
  ])('%s: removed, and the container attached', async (_, topology, inquiry) => {
    const it = await bench(topology, inquiry);
    await leaveStale(it);
    expect(left(it)).toEqual([]);
    expect(condition(it.agent, 'Container/web')).toBe('Ready');
    expect(it.heals).toEqual(['stale-endpoint']);
    const [told] = it.agent.reconciler.events(0).filter(({ type }) => type === 'Heal');
    expect(told).toMatchObject({ key: 'Container/web', playbook: 'stale-endpoint' });
    const web = it.agent.reconciler.status().objects.find(({ key }) => key === 'Container/web');
    expect(web?.heals).toMatchObject([{ playbook: 'stale-endpoint', did: 'removed it by name' }]);
  });

  test.each<[why: string, inquiry: Inquiry | undefined, says: RegExp]>([
    ['nobody can be asked', undefined, /`docker network disconnect -f net0 web`/],
    [
      'another node has it',
      { type: 'held', node: 'n2', holder: 'container web (abc)' },
      /belongs to container web \(abc\) on node n2/,
    ],
    ['a node cannot say', { type: 'unknown', message: 'node n3 is away: bring it back' }, /node n3 is away/],
  ])('in a cluster store and %s: left alone, and told', async (_, inquiry, says) => {
    const it = await bench('cluster-store', inquiry);
    await leaveStale(it);
    expect(left(it)).toEqual(['web']);
    expect(it.heals).toEqual([]);
    expect(message(it)).toMatch(says);
  });

  test.each<[where: string, inquiry: Inquiry | undefined]>([
    ['nobody can be asked', undefined],
    ['a node cannot say', { type: 'unknown', message: 'node n3 is away' }],
  ])(
    'in a cluster store and %s, but its container here had it: removed, and told why',
    async (_, inquiry) => {
      const it = await bench('cluster-store', inquiry);
      await leaveStale(it, 'own');
      expect(left(it)).toEqual([]);
      expect(condition(it.agent, 'Container/web')).toBe('Ready');
      const web = it.agent.reconciler.status().objects.find(({ key }) => key === 'Container/web');
      expect(web?.heals?.[0]?.saw).toMatch(/by the word of this engine, whose container had it/);
    },
  );

  test('that its container here had, of which another node says that it holds it: left alone', async () => {
    const it = await bench('cluster-store', { type: 'held', node: 'n2', holder: 'container web' });
    await leaveStale(it, 'own');
    expect(left(it)).toEqual(['web']);
  });

  test('is tried five times in 300 s, then the object is stalled and says why', async () => {
    const it = await bench('cluster-store', { type: 'unknown', message: 'node n3 is away' });
    await leaveStale(it);
    expect(it.asked.length).toBe(5);
    expect(condition(it.agent, 'Container/web')).toBe('Stalled');
    expect(message(it)).toMatch(/tried 5 times in 300 s.*node n3 is away/);
  });

  test('is never taken from a container that lives on another host', async () => {
    const it = await bench('cluster-store', { type: 'held', node: 'host-2', holder: 'container web' });
    const other = it.world.hosts[1]!;
    it.host.setDown();
    it.host.hand.stop('web');
    other.hand.runContainer('web', { network: 'net0' });
    it.host.hand.leaveStaleEndpoint('net0', 'web');
    const before = JSON.stringify(other.observe().containers);
    it.host.setUp();
    await it.agent.run(120_000);
    expect(JSON.stringify(other.observe().containers)).toBe(before);
    expect(left(it)).toEqual(['web']);
  });
});

test('what a failed call of ours may have left is not taken from somebody who holds it', async () => {
  const it = await bench('cluster-store', { type: 'held', node: 'n2', holder: 'container web' });
  let failures = 0;
  it.world.faults = ({ operation, phase }) => {
    if (operation !== 'connect' || phase !== 'before' || failures > 0) return undefined;
    failures += 1;
    it.host.hand.leaveStaleEndpoint('net0', 'web');
    throw new OvrError('engine-error', 'transient', 'failed to get network from store during join');
  };
  it.host.hand.disconnect('web', 'net0');
  await it.agent.run(30_000);
  expect(left(it)).toEqual(['web']);
});

describe('an overlay that is not there yet after a restart', () => {
  test('is waited for, and the container started', async () => {
    const it = await bench('swarm');
    let failures = 0;
    it.world.faults = ({ operation, phase }) => {
      if (operation !== 'startContainer' || phase !== 'before' || failures > 2) return undefined;
      failures += 1;
      throw new OvrError('network-not-found', 'waiting', 'network lhznzn5gc45jjzhmqemy49tt3 not found');
    };
    it.host.hand.restartDaemon({ attachFails: true });
    await it.agent.run(30_000);
    expect(failures).toBe(3);
    expect(condition(it.agent, 'Container/web')).toBe('Ready');
    expect(it.heals).toEqual(['rejoin-overlay']);
  });
});

describe('a network that is in use', () => {
  test('names who uses it, and goes once they have left', async () => {
    const it = await bench('swarm');
    it.host.hand.runContainer('guest', { network: 'net0' });
    let isHidden = true;
    // The plan would not ask for it while it sees the guest.
    const observe = it.host.engine.observe.bind(it.host.engine);
    it.host.engine.observe = async (busy) => {
      const seen = await observe(busy);
      const containers = seen.containers.filter(({ name }) => !isHidden || name !== 'guest');
      return { ...seen, containers };
    };
    it.agent.source.declare(container('other'));
    await it.agent.run(10_000);
    const found = it.agent.reconciler.status().objects.find(({ key }) => key === 'Network/net0');
    expect(found?.condition).toMatchObject({ type: 'Waiting' });
    expect(found?.condition.message).toMatch(/used here by guest/);
    expect(it.host.observe().containers.map(({ name }) => name)).toContain('guest');
    isHidden = false;
    it.host.hand.remove('guest');
    await it.agent.run(10_000);
    expect(it.world.shared.some(({ name }) => name === 'net0')).toBe(false);
    expect(it.heals).toEqual(['await-removal']);
  });
});

test('an attachment that Swarm mode has lost is made anew', async () => {
  const it = await bench('swarm');
  let isLost = true;
  it.world.faults = ({ operation, phase }) => {
    if (operation !== 'disconnect' || phase !== 'after' || !isLost) return undefined;
    isLost = false;
    throw new OvrError(
      'attachment-lost',
      'already-so',
      'could not find network attachment for container web',
    );
  };
  it.host.hand.disconnect('web', 'net0');
  it.host.hand.connect('web', 'net0');
  await it.agent.run();
  expect(isLost).toBe(false);
  expect(condition(it.agent, 'Container/web')).toBe('Ready');
  expect(it.heals).toContain('reattach');
});

test('an endpoint that the engine refuses and does not show is told of, and nothing is renamed or removed', async () => {
  const it = await bench('cluster-store', { type: 'held-by-nobody', nodes: [] });
  it.host.hand.disconnect('web', 'net0');
  it.world.faults = ({ operation, phase }) => {
    if (operation !== 'connect' || phase !== 'before') return undefined;
    throw new OvrError('stale-endpoint', 'waiting', 'endpoint with name web already exists in network net0');
  };
  it.host.calls.clear();
  await it.agent.run(60_000);
  expect(condition(it.agent, 'Container/web')).toBe('Stalled');
  expect(message(it)).toMatch(/shows none: restart Docker/);
  expect([it.host.calls.get('dropEndpoint'), it.host.calls.get('renameContainer')]).toEqual([
    undefined,
    undefined,
  ]);
});

test('each repair of an endpoint is a playbook of its own', async () => {
  const it = await bench('cluster-store');
  it.host.hand.disconnect('web', 'net0');
  await it.agent.run();
  it.host.hand.disconnect('web', 'net0');
  it.host.hand.connect('web', 'net0');
  await it.agent.run();
  expect(it.heals.at(0)).toBe('reconnect-endpoint');
  expect(new Set(it.heals)).toEqual(new Set(['reconnect-endpoint', 'restore-aliases']));
});

/** An engine that has lost an endpoint from the record of the container that has it, as Docker 20.10 does now and then at a start. */
function forgetful(engine: Engine, name: string): { engine: Engine; forget: () => void } {
  let lost = false;
  const changed: Partial<Engine> = {
    observe: async () => {
      const seen = await engine.observe();
      if (!lost) return seen;
      const containers = seen.containers.map((each) =>
        each.name === name ? { ...each, endpoints: [] } : each,
      );
      return { ...seen, containers };
    },
    connect: (id, endpoint) => {
      const refusal = new OvrError(
        'stale-endpoint',
        'waiting',
        `endpoint ${name} already exists in network net0`,
      );
      return lost ? Promise.reject(refusal) : engine.connect(id, endpoint);
    },
    disconnect: async (id, network, force) => {
      await engine.disconnect(id, network, force);
      lost = false;
    },
  };
  const proxy = new Proxy(engine, {
    get: (target, field) => {
      const value: unknown = Reflect.get(changed, field) ?? Reflect.get(target, field);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { engine: proxy, forget: () => void (lost = true) };
}

test('an endpoint that the container has and its record lacks is made anew', async () => {
  const clock = new FakeClock();
  const host = new SimulatedWorld({ clock, topology: 'swarm', images: ['busybox'] }).host();
  const { engine, forget } = forgetful(host.engine, 'web');
  const heals: Playbook[] = [];
  const observer = { ...silentObserver, healed: (playbook: Playbook) => heals.push(playbook) };
  const agent = await startAgent({ engine, clock, observer });
  agent.source.declare(network('net0'), member);
  await agent.run();
  expect(agent.reconciler.status().converged).toBe(true);
  forget();
  await agent.run(60_000);
  expect(agent.reconciler.status().converged).toBe(true);
  expect(heals).toContain('stale-endpoint');
  const { containers } = await engine.observe();
  expect(containers.map(({ endpoints }) => endpoints.map(({ networkName }) => networkName))).toEqual([
    ['net0'],
  ]);
});
