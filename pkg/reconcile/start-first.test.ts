import { describe, expect, test } from 'vitest';
import { attach, container, network } from '../../test/build/objects.ts';
import { startAgent, TestSource, TestStore, type TestAgent } from '../../test/build/agent.ts';
import { FakeClock, readOwnership } from '../api/index.ts';
import type { ContainerSpec, ManifestObject } from '../manifest/index.ts';
import type { Engine } from './ports.ts';
import { SimulatedWorld, type Program, type SimulatedHost, type Topology } from './simulated/index.ts';

const updateStrategy = { type: 'StartFirst', readyTimeoutMs: 20_000, drainMs: 2_000 } as const;
const healthcheck = { test: ['CMD', 'true'], intervalMs: 1_000 };

const IMAGES = ['old', 'new', 'unhealthy', 'silent', 'ends'];
/** What the images do. */
const PROGRAMS: Readonly<Record<string, Program>> = {
  unhealthy: { health: 'unhealthy' },
  silent: { health: 'starting' },
  ends: { exitAfterMs: 3_000, exitCode: 3 },
};

function objects(topology: Topology, spec: Partial<ContainerSpec>): ManifestObject[] {
  const driver = topology === 'single' ? 'bridge' : 'overlay';
  const networks = [attach('n0', 'site')];
  return [network('n0', { driver }), container('web', { networks, healthcheck, updateStrategy, ...spec })];
}

interface Stage {
  readonly world: SimulatedWorld;
  readonly host: SimulatedHost;
  readonly clock: FakeClock;
  readonly store: TestStore;
  readonly agent: TestAgent;
  /** What was wrong at any engine call. */
  readonly wrong: string[];
  readonly killer: { calls: number; at: number; phase: 'before' | 'after'; isDead: boolean };
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

/** A converged container `web` of image `old`, and a client that must always find it. */
async function stage(topology: Topology): Promise<Stage> {
  const clock = new FakeClock();
  const programs = ({ image }: ContainerSpec): Program | undefined => PROGRAMS[image];
  const world = new SimulatedWorld({
    clock,
    topology,
    programs,
    images: [...IMAGES, 'busybox'],
    pullable: [],
  });
  const host = world.host();
  const store = new TestStore();
  const source = new TestSource();
  const killer = { calls: 0, at: Infinity, phase: 'before' as const, isDead: false };
  const agent = await startAgent({ engine: mortal(host.engine, killer), clock, store, source });
  source.declare(...objects(topology, { image: 'old' }));
  await clock.advanceAsync(10_000);
  host.hand.runContainer('client', { network: 'n0' });
  const wrong: string[] = [];
  const made = { world, host, clock, store, agent, wrong, killer };
  world.faults = (call) => {
    look(made, `${call.phase} ${call.operation}`);
    return strike(killer, call);
  };
  return made;
}

/** Kills at one call that changes something. */
function strike(
  killer: { calls: number; at: number; phase: string; isDead: boolean },
  call: { phase: string; operation: string },
): Promise<void> | undefined {
  const isRead = ['observe', 'facts', 'containerState'].includes(call.operation);
  if (killer.isDead || call.phase !== killer.phase || isRead) return undefined;
  killer.calls += 1;
  if (killer.calls - 1 !== killer.at) return undefined;
  killer.isDead = true;
  return new Promise(() => undefined);
}

/** Once one has run, one runs; and its names lead to one that runs and has been found healthy. */
function look({ world, host, wrong }: Stage, when: string): void {
  const running = ours(host).filter(({ state }) => state === 'running');
  if (running.length === 0) wrong.push(`${when}: none runs`);
  for (const name of ['web', 'site']) {
    const answers = world.resolve(host.observe().engine.node.name, 'client', name);
    const healthy = running.filter(({ health, image }) => health === 'healthy' || image === 'ends');
    const good = healthy.flatMap(({ endpoints }) => endpoints.map(({ ipv4Address }) => ipv4Address));
    const bad = answers.filter((address) => !good.includes(address));
    if (answers.length === 0) wrong.push(`${when}: ${name} leads nowhere`);
    if (bad.length > 0) wrong.push(`${when}: ${name} leads to ${bad.join()}, which is not ready`);
  }
}

function ours(host: SimulatedHost): ReturnType<SimulatedHost['observe']>['containers'][number][] {
  return host.observe().containers.filter(({ labels }) => readOwnership(labels));
}

function summary(host: SimulatedHost): string[] {
  return ours(host).map(({ name, image, state, details }) => {
    const aliases = [...(details?.aliases.values() ?? [])].map((names) => names.join(' '));
    return `${name} ${image} ${state} [${aliases.join(',')}]`;
  });
}

function conditionOf({ reconciler }: TestAgent): string {
  const found = reconciler.status().objects.find(({ key }) => key === 'Container/web');
  return `${found?.condition.type}: ${found?.condition.message}`;
}

const TOPOLOGIES = ['single', 'cluster-store', 'swarm'] as const;

describe.each(TOPOLOGIES)('StartFirst on %s', (topology) => {
  test('the new one is there before the old one goes, and nobody asks in vain', async () => {
    const { host, clock, agent, wrong } = await stage(topology);
    agent.source.declare(...objects(topology, { image: 'new' }));
    await clock.advanceAsync(30_000);
    expect(summary(host)).toEqual(['web new running [site]']);
    expect(conditionOf(agent)).toBe('Ready: running');
    expect(wrong).toEqual([]);
  });

  test.each([
    ['unhealthy', 'the health check of the new container fails: unhealthy'],
    ['silent', 'the new container was not ready within 20 s: health starting'],
    ['missing', undefined],
  ])('%s: the old one stays, untouched, and it is not tried again', async (image, message) => {
    const { host, clock, agent, wrong } = await stage(topology);
    const [before] = ours(host);
    agent.source.declare(...objects(topology, { image }));
    await clock.advanceAsync(40_000);
    expect(ours(host)).toEqual([before]);
    expect(wrong).toEqual([]);
    if (message === undefined) return;
    expect(conditionOf(agent)).toBe(
      `UpdateFailed: the update failed: ${message}; the old container stays until the manifest changes`,
    );
    const { history } = agent.reconciler.status().objects.find(({ key }) => key === 'Container/web')!;
    const last = history.at(-1)!;
    expect([last.action, last.cause.reason, last.cause.observed]).toEqual([
      'RemoveContainer',
      'NotReady',
      image === 'silent' ? 'health starting' : 'unhealthy',
    ]);
  });

  test('one that ends while the old one still finishes: the old one gets its names back', async () => {
    const { host, clock, agent } = await stage(topology);
    const [before] = ours(host);
    agent.source.declare(...objects(topology, { image: 'ends', healthcheck: { test: ['NONE'] } }));
    await clock.advanceAsync(40_000);
    expect(summary(host)).toEqual([expect.stringMatching(/^web old running \[site\]$/)]);
    expect(ours(host)[0]?.id).toBe(before?.id);
    expect(conditionOf(agent)).toMatch(/^UpdateFailed: /);
  });

  test.each([
    ['before', 'new', ['web new running [site]']],
    ['after', 'new', ['web new running [site]']],
    ['before', 'unhealthy', ['web old running [site]']],
    ['after', 'unhealthy', ['web old running [site]']],
  ] as const)('kill -9 %s any call of an update to "%s"', async (phase, image, wanted) => {
    let boundary = 0;
    for (; ; boundary += 1) {
      const { host, clock, store, agent, wrong, killer } = await stage(topology);
      Object.assign(killer, { at: boundary, phase });
      const update = objects(topology, { image });
      agent.source.declare(...update);
      await clock.advanceAsync(30_000);
      if (!killer.isDead) break;
      const source = new TestSource();
      source.declare(...update);
      await startAgent({ engine: host.engine, clock, store, source });
      await clock.advanceAsync(60_000);
      expect(summary(host), `killed ${phase} call ${boundary}`).toEqual(wanted);
      expect(wrong, `killed ${phase} call ${boundary}`).toEqual([]);
    }
    expect(boundary).toBeGreaterThanOrEqual(image === 'new' ? 10 : 4);
  });
});

test('waiting for one object keeps no other from being worked on', async () => {
  const clock = new FakeClock();
  const programs = ({ image }: ContainerSpec): Program | undefined => PROGRAMS[image];
  const world = new SimulatedWorld({ clock, programs, images: IMAGES, pullable: [] });
  const host = world.host();
  const agent = await startAgent({ engine: host.engine, clock, options: { concurrency: 1 } });
  const many = (image: string): ManifestObject[] =>
    ['a1', 'a2', 'a3'].map((name) => container(name, { image, healthcheck, updateStrategy }));
  agent.source.declare(...many('old'));
  await clock.advanceAsync(5_000);
  agent.source.declare(...many('silent'));
  await clock.advanceAsync(5_000);
  agent.source.declare(...many('silent'), container('other', { image: 'old' }));
  await clock.advanceAsync(1_000);
  const other = agent.reconciler.status().objects.find(({ key }) => key === 'Container/other');
  expect(other?.condition.type).toBe('Ready');
  expect(host.observe().containers.filter(({ name }) => name.endsWith('.ovr-new'))).toHaveLength(3);
});

test('Recreate waits for the health check, and puts the old one back without it', async () => {
  const { host, clock, agent } = await stage('single');
  const spec = { updateStrategy: { ...updateStrategy, type: 'Recreate' } } as const;
  agent.source.declare(...objects('single', { ...spec, image: 'unhealthy' }));
  await clock.advanceAsync(500);
  expect(summary(host).toSorted()).toHaveLength(2);
  await clock.advanceAsync(20_000);
  expect(summary(host)).toEqual(['web old running [site]']);
  expect(conditionOf(agent)).toMatch(/^UpdateFailed: the update failed: the health check/);
});
