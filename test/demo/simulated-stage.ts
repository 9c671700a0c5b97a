import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../pkg/agent/index.ts';
import { silentLogger } from '../../pkg/api/index.ts';
import { alone, Reconciler, silentObserver, type Source } from '../../pkg/reconcile/index.ts';
import { SimulatedWorld, type SimulatedHost } from '../../pkg/reconcile/simulated/index.ts';
import { createDirSource } from '../../pkg/source/index.ts';
import type { Stage, StageHost } from './stage.ts';

/** What the operations take on a real host, so that the story has its real pace. Milliseconds. */
const LATENCY = {
  operations: {
    createContainer: 14,
    startContainer: 350,
    connect: 145,
    disconnect: 120,
    removeContainer: 175,
    stopContainer: 60,
  },
};

interface Parts {
  readonly host: SimulatedHost;
  readonly source: Source;
  readonly reconciler: Reconciler;
}

/** Three Docker hosts in this process's memory, and the real agent on each. */
export async function openSimulatedStage(): Promise<Stage> {
  const manifests = await mkdtemp(join(tmpdir(), 'ovr-demo-manifests-'));
  const images = ['nginx:1.27', 'ssh:latest'];
  const world = new SimulatedWorld({
    clock: systemClock,
    topology: 'cluster-store',
    hosts: 3,
    images,
    latency: LATENCY,
  });
  const parts = await Promise.all(world.hosts.map((host) => startAgent(host, manifests)));
  return {
    kind: 'three simulated Docker hosts',
    hosts: parts.map((part) => simulatedHost(world, part)),
    manifests,
    hints: ['the simulated hosts end with this process'],
    close: async () => {
      for (const { source, reconciler } of parts) {
        await source.stop();
        await reconciler.stop();
      }
      await rm(manifests, { recursive: true, force: true });
    },
  };
}

async function startAgent(host: SimulatedHost, manifests: string): Promise<Parts> {
  const source = createDirSource({ dirs: [manifests], clock: systemClock, logger: silentLogger });
  const reconciler = new Reconciler(
    {
      engine: host.engine,
      source,
      secrets: { read: () => Promise.resolve('') },
      store: { load: () => Promise.resolve(undefined), save: () => Promise.resolve() },
      clock: systemClock,
      logger: silentLogger,
      observer: silentObserver,
      random: Math.random,
      coordination: alone,
      hostRoutes: () => Promise.resolve([]),
    },
    {
      version: 'demo',
      cluster: 'default',
      mode: 'enforce',
      subnetPool: '10.64.0.0/10',
      settleMs: 500,
      resyncMs: 60_000,
      concurrency: 8,
    },
  );
  await source.start(() => reconciler.sourceChanged());
  await reconciler.start();
  return { host, source, reconciler };
}

function simulatedHost(world: SimulatedWorld, { host, reconciler }: Parts): StageHost {
  const { hand } = host;
  const done = (act: () => unknown): Promise<void> => Promise.resolve().then(() => void act());
  const find = (name: string) => host.observe().containers.find((container) => container.name === name);
  return {
    name: host.name,
    hand: {
      disconnect: (container, network) => done(() => hand.disconnect(container, network)),
      connect: (container, network) => done(() => hand.connect(container, network)),
      remove: (container) => done(() => hand.remove(container)),
      stop: (container) => done(() => hand.stop(container)),
    },
    // Simulated hands are done before any event is told.
    unseen: (deed) => deed(),
    status: () => Promise.resolve(reconciler.status()),
    events: (afterId) => Promise.resolve(reconciler.events(afterId)),
    networkIds: (name) =>
      Promise.resolve(
        host
          .observe()
          .networks.filter((network) => network.name === name)
          .map(({ id }) => id),
      ),
    running: () =>
      Promise.resolve(
        host
          .observe()
          .containers.filter(({ state }) => state === 'running')
          .map(({ name }) => name)
          .sort(),
      ),
    resolve: (container, name) =>
      Promise.resolve(find(container)?.state === 'running' ? world.resolve(host.name, container, name) : []),
    ping: (container, name) => Promise.resolve(world.resolve(host.name, container, name).length > 0),
    answers: (port) => {
      const publishing = [...host.containers.values()].filter(({ ports }) =>
        ports.some(({ hostPort }) => hostPort === port),
      );
      return Promise.resolve(publishing.some(({ state }) => state === 'running'));
    },
  };
}
