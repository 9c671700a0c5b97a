import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../pkg/agent/index.ts';
import { silentLogger } from '../../pkg/api/index.ts';
import { Cluster } from '../../pkg/cluster/index.ts';
import { SimulatedCoordinator } from '../../pkg/cluster/simulated/index.ts';
import { Reconciler, silentObserver, type Source, type StateStore } from '../../pkg/reconcile/index.ts';
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

/** How long a host may be silent before it is given up. Short, so that the story does not wait. */
const SESSION_MS = 2_000;
const LOST_AFTER_MS = 4_000;

/** Three Docker hosts and a coordinator in this process's memory, and the real agent on each host. */
export async function openSimulatedStage(): Promise<Stage> {
  const manifests = await mkdtemp(join(tmpdir(), 'ovr-demo-manifests-'));
  const world = new SimulatedWorld({
    clock: systemClock,
    topology: 'cluster-store',
    hosts: 3,
    images: ['nginx:1.27', 'ssh:latest'],
    latency: LATENCY,
  });
  const coordinator = new SimulatedCoordinator({ clock: systemClock, sessionTimeoutMs: SESSION_MS });
  const machines = world.hosts.map((host) => new Machine({ host, coordinator, manifests }));
  await Promise.all(machines.map((machine) => machine.start()));
  return {
    kind: 'three simulated Docker hosts',
    lostAfter: `a node is given up after ${LOST_AFTER_MS / 1000} s, a session after ${SESSION_MS / 1000} s`,
    hosts: machines.map((machine) => simulatedHost(world, machine)),
    manifests,
    hints: ['the simulated hosts end with this process'],
    close: async () => {
      for (const machine of machines) await machine.stop();
      await rm(manifests, { recursive: true, force: true });
    },
  };
}

/** What survives a reboot. */
class Disk implements StateStore {
  #saved: unknown;

  load(): Promise<unknown> {
    return Promise.resolve(this.#saved);
  }

  save(state: unknown): Promise<void> {
    this.#saved = structuredClone(state);
    return Promise.resolve();
  }
}

interface MachineSetup {
  readonly host: SimulatedHost;
  readonly coordinator: SimulatedCoordinator;
  readonly manifests: string;
}

/** One simulated host with the real agent on it. */
class Machine {
  readonly host: SimulatedHost;
  readonly #setup: MachineSetup;
  readonly #disk = new Disk();
  readonly #clusterDisk = new Disk();
  #agent: { source: Source; cluster: Cluster; reconciler: Reconciler } | undefined;

  constructor(setup: MachineSetup) {
    this.host = setup.host;
    this.#setup = setup;
  }

  get reconciler(): Reconciler {
    if (!this.#agent) throw new Error(`${this.host.name} is down`);
    return this.#agent.reconciler;
  }

  async start(): Promise<void> {
    const source = createDirSource({
      dirs: [this.#setup.manifests],
      clock: systemClock,
      logger: silentLogger,
    });
    const cluster = this.#joinCluster(source, () => this.#agent?.reconciler.sourceChanged());
    const reconciler = this.#makeReconciler(source, cluster);
    this.#agent = { source, cluster, reconciler };
    await source.start(() => {
      cluster.sourceChanged();
      reconciler.sourceChanged();
    });
    await cluster.start();
    await reconciler.start();
  }

  #joinCluster(source: Source, changed: () => void): Cluster {
    const { host, coordinator } = this.#setup;
    return new Cluster(
      {
        store: coordinator.open(host.name),
        disk: this.#clusterDisk,
        clock: systemClock,
        logger: silentLogger,
        random: Math.random,
        journal: () => undefined,
        changed,
        revision: () => source.state(),
        facts: () => host.engine.facts(),
      },
      {
        kind: 'zookeeper',
        cluster: 'default',
        version: 'demo',
        nodeLostAfterMs: LOST_AFTER_MS,
        strategy: 'spread',
      },
    );
  }

  #makeReconciler(source: Source, cluster: Cluster): Reconciler {
    return new Reconciler(
      {
        engine: this.host.engine,
        source,
        secrets: { read: () => Promise.resolve('') },
        store: this.#disk,
        clock: systemClock,
        logger: silentLogger,
        observer: { ...silentObserver, statusChanged: (status) => cluster.report(status) },
        random: Math.random,
        coordination: cluster,
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
  }

  /** Everything on it ends, and nobody is told. */
  async die(): Promise<void> {
    const { host, coordinator } = this.#setup;
    coordinator.partition(host.name, 'both');
    host.setDown('no route to host');
    for (const { name, state } of host.observe().containers) if (state === 'running') host.hand.kill(name);
    await this.stop();
  }

  async revive(): Promise<void> {
    this.#setup.coordinator.partition(this.host.name, 'none');
    this.host.setUp();
    await this.start();
  }

  async stop(): Promise<void> {
    await this.#agent?.source.stop();
    await this.#agent?.reconciler.stop();
    await this.#agent?.cluster.stop();
    this.#agent = undefined;
  }
}

function simulatedHost(world: SimulatedWorld, machine: Machine): StageHost {
  const { host } = machine;
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
    status: () => Promise.resolve(machine.reconciler.status()),
    events: (afterId) => Promise.resolve(machine.reconciler.events(afterId)),
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
    containerIds: () =>
      Promise.resolve(
        new Map(
          host
            .observe()
            .containers.filter(({ state }) => state === 'running')
            .map(({ name, id }) => [name, id]),
        ),
      ),
    die: () => machine.die(),
    revive: () => machine.revive(),
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
