import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attach, container, network } from '../../test/build/objects.ts';
import { startAgent, TestSource, TestStore, type TestAgent } from '../../test/build/agent.ts';
import { FakeClock, readOwnership } from '../api/index.ts';
import type { ManifestObject } from '../manifest/index.ts';
import { plan, type PlanInput } from '../plan/index.ts';
import type { Engine } from './ports.ts';
import { SimulatedWorld, type Hand, type SimulatedHost, type WorldSnapshot } from './simulated/index.ts';

const NETWORKS = ['n0', 'n1'];
const NAMES = ['c0', 'c1', 'c2', 'c3'];
const FOREIGN = ['f0', 'f1'];

const networkObjects = fc.constant(NETWORKS.map((name) => network(name, { driver: 'bridge' })));

const containerObject = (name: string): fc.Arbitrary<ManifestObject> =>
  fc
    .record({
      image: fc.constantFrom('busybox', 'busybox:2', 'missing'),
      networks: fc
        .subarray(NETWORKS)
        .map((names) => names.map((net) => attach(net, 'shared', `only-${net}`))),
      policy: fc.constantFrom('always' as const, 'no' as const, 'unless-stopped' as const),
      mode: fc.constantFrom('enforce' as const, 'enforce' as const, 'observe' as const, 'ignore' as const),
    })
    .map(({ image, networks, policy, mode }) =>
      container(name, { image, networks, restartPolicy: { name: policy, maximumRetryCount: 0 } }, { mode }),
    );

/** What a manifest folder may hold: the networks, and any of the containers. */
const declaration = fc
  .tuple(
    networkObjects,
    fc.subarray(NAMES).chain((names) => fc.tuple(...names.map(containerObject))),
  )
  .map(([networks, containers]) => [...networks, ...containers]);

interface Deed {
  readonly name: string;
  readonly act: (hand: Hand) => void;
}

const target = fc.constantFrom(...NAMES, ...FOREIGN);
const deed: fc.Arbitrary<Deed> = fc.oneof(
  target.map((name) => ({ name: `stop ${name}`, act: (hand: Hand) => hand.stop(name) })),
  target.map((name) => ({ name: `remove ${name}`, act: (hand: Hand) => hand.remove(name) })),
  target.map((name) => ({ name: `pause ${name}`, act: (hand: Hand) => hand.pause(name) })),
  target.map((name) => ({ name: `crash ${name}`, act: (hand: Hand) => hand.crash(name) })),
  target.map((name) => ({
    name: `rename ${name}`,
    act: (hand: Hand) => hand.rename(name, `${name}-renamed`),
  })),
  fc.tuple(target, fc.constantFrom(...NETWORKS)).map(([name, net]) => ({
    name: `disconnect ${name} ${net}`,
    act: (hand: Hand) => hand.disconnect(name, net),
  })),
  fc.tuple(target, fc.constantFrom(...NETWORKS)).map(([name, net]) => ({
    name: `connect ${name} ${net}`,
    act: (hand: Hand) => hand.connect(name, net),
  })),
  fc
    .constantFrom(...FOREIGN)
    .map((name) => ({ name: `run ${name}`, act: (hand: Hand) => void hand.runContainer(name) })),
  fc.constant({ name: 'restart the daemon', act: (hand: Hand) => hand.restartDaemon() }),
);

/** What a person may not do (no such container) is simply not done. */
function attempt(host: SimulatedHost, { act }: Deed): void {
  try {
    act(host.hand);
  } catch {
    // Refused by the engine, as it would be on the command line.
  }
}

function newWorld(clock: FakeClock): SimulatedWorld {
  return new SimulatedWorld({ clock, images: ['busybox', 'busybox:2'], pullable: [] });
}

function foreignParts(snapshot: WorldSnapshot): unknown {
  return snapshot.hosts.map(({ networks, containers }) => ({
    networks: networks.filter(({ labels }) => !readOwnership(labels)),
    containers: containers.filter(({ labels }) => !readOwnership(labels)),
  }));
}

function unsettled(agent: TestAgent): string[] {
  const settled = new Set([
    'Ready',
    'Completed',
    'Ignored',
    'Drifted',
    'Failed',
    'Waiting',
    'Conflict',
    'UpdateFailed',
    'Stalled',
    'PruneHeld',
  ]);
  const busy = agent.reconciler.status().objects.filter(({ condition }) => !settled.has(condition.type));
  return busy.map(({ key, condition }) => `${key} ${condition.type}: ${condition.message}`);
}

describe('whatever is declared and whatever people do', () => {
  test('the agent settles, then does nothing, and never touches what is not its own', async () => {
    await fc.assert(
      fc.asyncProperty(
        declaration,
        fc.array(deed, { maxLength: 6 }),
        declaration,
        async (first, deeds, second) => {
          const clock = new FakeClock();
          const world = newWorld(clock);
          const host = world.host();
          host.hand.runContainer('f0');
          host.hand.createNetwork('foreign-net', { driver: 'bridge' });
          const agent = await startAgent({ engine: host.engine, clock });
          agent.source.declare(...first);
          await agent.run(5_000);
          for (const each of deeds) {
            attempt(host, each);
            const foreign = foreignParts(world.snapshot());
            await agent.run(3_000);
            expect(foreignParts(world.snapshot())).toEqual(foreign);
          }
          agent.source.declare(...second);
          await agent.run(400_000);
          expect(unsettled(agent)).toEqual([]);
          const settled = world.snapshot();
          await agent.run(400_000);
          expect(world.snapshot()).toEqual(settled);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('a plan does not depend on the order of its input', () => {
    fc.assert(
      fc.property(declaration, fc.array(deed, { maxLength: 5 }), fc.integer(), (objects, deeds, seed) => {
        const world = newWorld(new FakeClock());
        const host = world.host();
        for (const net of NETWORKS)
          host.hand.createNetwork(net, { driver: 'bridge', labels: own('Network', net) });
        for (const name of NAMES)
          host.hand.runContainer(name, { labels: own('Container', name), network: 'n0' });
        deeds.forEach((each) => attempt(host, each));
        const input = planInput(host, objects);
        const shuffled = planInput(host, shuffle(objects, seed));
        expect(plan(shuffled)).toEqual(plan(input));
      }),
      { numRuns: 200 },
    );
  });
});

describe('kill -9 at any call', () => {
  const objects = [
    network('n0', { driver: 'bridge' }),
    container('c0', { networks: [attach('n0', 'a')] }),
    container('c1', { networks: [attach('n0', 'a')] }),
  ];
  const changed = [
    network('n0', { driver: 'bridge' }),
    container('c0', { image: 'busybox:2', networks: [attach('n0', 'b')] }),
    container('c1', { networks: [attach('n0', 'b')] }),
  ];

  test.each(['before', 'after'] as const)(
    '%s its effect: a restart ends in the same state',
    async (phase) => {
      const wanted = await finalState(Infinity, phase);
      let boundary = 0;
      for (; ; boundary += 1) {
        const { state, wasKilled } = await finalState(boundary, phase);
        expect(state, `killed ${phase} call ${boundary}`).toEqual(wanted.state);
        if (!wasKilled) break;
      }
      expect(boundary).toBeGreaterThan(15);
    },
  );

  /** Converges to `objects`, then to `changed`; the agent dies at the given engine call of the whole story and is restarted. */
  async function finalState(
    killAt: number,
    phase: 'before' | 'after',
  ): Promise<{ state: unknown; wasKilled: boolean }> {
    const clock = new FakeClock();
    const world = newWorld(clock);
    const host = world.host();
    const store = new TestStore();
    const source = new TestSource();
    const killer = { calls: 0, at: killAt, isDead: false };
    world.faults = (call) => {
      if (killer.isDead || call.phase !== phase || call.operation === 'observe' || call.operation === 'facts')
        return undefined;
      killer.calls += 1;
      if (killer.calls - 1 !== killer.at) return undefined;
      killer.isDead = true;
      return new Promise(() => undefined);
    };
    source.declare(...objects);
    await startAgent({ engine: mortal(host.engine, killer), clock, store, source });
    await clock.advanceAsync(10_000);
    if (!killer.isDead) source.declare(...changed);
    await clock.advanceAsync(20_000);
    const wasKilled = killer.isDead;
    if (wasKilled) {
      const again = new TestSource();
      again.declare(...changed);
      await startAgent({ engine: host.engine, clock, store, source: again });
      await clock.advanceAsync(60_000);
    }
    return { state: summary(host), wasKilled };
  }

  /** The engine as an agent sees it that can be killed: no call is answered any more then. */
  function mortal(engine: Engine, killer: { readonly isDead: boolean }): Engine {
    return new Proxy(engine, {
      get: (target, name) => {
        const call = Reflect.get(target, name) as (...args: unknown[]) => unknown;
        return (...args: unknown[]) =>
          killer.isDead ? new Promise(() => undefined) : Reflect.apply(call, target, args);
      },
    });
  }

  function summary(host: SimulatedHost): unknown {
    return host
      .observe()
      .containers.map(({ name, image, state, endpoints, details }) => ({
        name,
        image,
        state,
        networks: endpoints.map(({ networkName }) => networkName),
        aliases: [...(details?.aliases.values() ?? [])],
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }
});

function own(kind: string, name: string): Record<string, string> {
  return { 'ovr.cluster': 'default', 'ovr.kind': kind, 'ovr.name': name, 'ovr.spec-hash': 'x' };
}

function planInput(host: SimulatedHost, objects: readonly ManifestObject[]): PlanInput {
  return {
    revision: {
      digest: 'r',
      objects: new Map(objects.map((object) => [object.key, object])),
      undecided: new Set(),
    },
    observed: host.observe(),
    memory: {
      applied: new Map(),
      createdIds: new Set(),
      failedUpdates: new Map(),
      givenUp: new Map(),
      phases: new Map(),
    },
    settings: {
      cluster: 'default',
      mode: 'enforce',
      subnetPool: '10.64.0.0/10',
      hostRoutes: [],
      settleMs: 0,
    },
    nowMs: 0,
    pruneConfirmed: false,
  };
}

function shuffle<Item>(items: readonly Item[], seed: number): Item[] {
  const keyed = items.map((item, index) => ({ item, rank: Math.sin(seed + index * 7919) }));
  return keyed.sort((a, b) => a.rank - b.rank).map(({ item }) => item);
}
