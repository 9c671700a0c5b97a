import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../pkg/agent/index.ts';
import { showSelector, silentLogger, type Playbook } from '../../pkg/api/index.ts';
import { Cluster } from '../../pkg/cluster/index.ts';
import { SimulatedCoordinator } from '../../pkg/cluster/simulated/index.ts';
import {
  holderOn,
  Reconciler,
  silentObserver,
  Switches,
  type Source,
  type StateStore,
} from '../../pkg/reconcile/index.ts';
import { SimulatedWorld, type SimulatedHost } from '../../pkg/reconcile/simulated/index.ts';
import { createDirSource } from '../../pkg/source/index.ts';
import { SimulatedLoad } from './simulated-load.ts';
import { until, type Stage, type StageHost } from './stage.ts';

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
    images: ['nginx:1.27', 'ssh:latest', 'busybox:latest'],
    latency: LATENCY,
  });
  const coordinator = new SimulatedCoordinator({ clock: systemClock, sessionTimeoutMs: SESSION_MS });
  const machines = world.hosts.map((host) => new Machine({ host, coordinator, manifests }));
  await Promise.all(machines.map((machine) => machine.start()));
  return {
    kind: 'three simulated Docker hosts',
    lostAfter: `a node is given up after ${LOST_AFTER_MS / 1000} s, a session after ${SESSION_MS / 1000} s`,
    load: 'a look-up in the simulated DNS every few milliseconds; whoever is found and runs has answered',
    server: () => ({}),
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

interface Agent {
  readonly source: Source;
  readonly cluster: Cluster;
  readonly reconciler: Reconciler;
  readonly switches: Switches;
}

/** One simulated host with the real agent on it. */
class Machine {
  readonly host: SimulatedHost;
  readonly #setup: MachineSetup;
  readonly #disk = new Disk();
  readonly #clusterDisk = new Disk();
  readonly #heals: Playbook[] = [];
  #agent: Agent | undefined;

  constructor(setup: MachineSetup) {
    this.host = setup.host;
    this.#setup = setup;
  }

  get agent(): Agent {
    if (!this.#agent) throw new Error(`${this.host.name} is down`);
    return this.#agent;
  }

  /** How often that playbook has healed something here. */
  heals(playbook: Playbook): number {
    return this.#heals.filter((each) => each === playbook).length;
  }

  async start(): Promise<void> {
    const source = createDirSource({
      dirs: [this.#setup.manifests],
      clock: systemClock,
      logger: silentLogger,
    });
    const cluster = this.#joinCluster(source, () => this.#agent?.reconciler.sourceChanged());
    const reconciler = this.#makeReconciler(source, cluster);
    const switches = new Switches({
      holds: cluster.holds,
      clock: systemClock,
      revision: () => source.state().revision,
      aliases: async () => (await reconciler.cluster()).aliases,
    });
    this.#agent = { source, cluster, reconciler, switches };
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
        testify: (question) => holderOn(host.engine, question),
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
        secrets: { read: () => Promise.resolve(''), open: () => Promise.resolve(new Map()) },
        store: this.#disk,
        clock: systemClock,
        logger: silentLogger,
        observer: {
          ...silentObserver,
          statusChanged: (status) => cluster.report(status),
          healed: (playbook) => void this.#heals.push(playbook),
        },
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
      // there are no files: what the healthcheck finds without or with it
      setReady: (container, isReady) =>
        done(() => hand.setHealth(container, isReady ? 'healthy' : 'unhealthy')),
      leaveEndpoint: (name, network) => done(() => hand.leaveStaleEndpoint(network, name)),
    },
    // Simulated hands are done before any event is told.
    unseen: (deed) => deed(),
    status: () => Promise.resolve(machine.agent.reconciler.status()),
    events: (afterId) => Promise.resolve(machine.agent.reconciler.events(afterId)),
    heals: (playbook) => Promise.resolve(machine.heals(playbook)),
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
    load: (container, name) =>
      Promise.resolve(new SimulatedLoad(world, { host: host.name, container, name })),
    switchAlias: (alias, labels) => switchAlias(machine.agent, alias, labels),
    ping: (container, name) => Promise.resolve(world.resolve(host.name, container, name).length > 0),
    answers: (port) => {
      const publishing = [...host.containers.values()].filter(({ ports }) =>
        ports.some(({ hostPort }) => hostPort === port),
      );
      return Promise.resolve(publishing.some(({ state }) => state === 'running'));
    },
  };
}

/** As `ovr switch` does: waits until the name leads there on all nodes. */
async function switchAlias(
  { reconciler, switches }: Agent,
  alias: string,
  labels?: Readonly<Record<string, string>>,
): Promise<string> {
  const result = labels
    ? await switches.switchAlias({ alias, labels, who: 'demo' })
    : await switches.switchBack(alias);
  const wanted = showSelector(result?.selector ?? {});
  let said = '';
  await until(`${alias} leads to ${wanted}`, async () => {
    const view = (await reconciler.cluster()).aliases.find(({ name }) => name === alias);
    said = view?.condition.message ?? '';
    return view !== undefined && view.isSettled && showSelector(view.selector) === wanted;
  });
  return said;
}
