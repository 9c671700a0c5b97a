import { FakeClock, silentLogger } from '../../pkg/api/index.ts';
import { Cluster } from '../../pkg/cluster/index.ts';
import { SimulatedCoordinator } from '../../pkg/cluster/simulated/index.ts';
import type { ManifestObject } from '../../pkg/manifest/index.ts';
import { silentObserver, Suspending, Switches } from '../../pkg/reconcile/index.ts';
import { SimulatedWorld } from '../../pkg/reconcile/simulated/index.ts';
import { createTestAgent, TestSource, TestStore, type TestAgent } from './agent.ts';

/** One whole agent of a simulated cluster. */
interface Member extends TestAgent {
  readonly cluster: Cluster;
  readonly switches: Switches;
  readonly suspensions: Suspending;
}

/** Whole agents on simulated engines that share overlays and a simulated coordinator, all with the same manifests. */
export class WholeCluster {
  readonly clock = new FakeClock();
  readonly world: SimulatedWorld;
  readonly coordinator: SimulatedCoordinator;
  readonly members: Member[] = [];

  constructor(hosts: number, connectMs: number) {
    const operations = { connect: connectMs, disconnect: connectMs };
    this.world = new SimulatedWorld({
      clock: this.clock,
      topology: 'cluster-store',
      hosts,
      images: ['busybox'],
      latency: { operations },
    });
    this.coordinator = new SimulatedCoordinator({ clock: this.clock, sessionTimeoutMs: 10_000 });
  }

  async start(...objects: readonly ManifestObject[]): Promise<void> {
    for (const { name, engine } of this.world.hosts) {
      const source = new TestSource();
      const cluster = new Cluster(
        {
          store: this.coordinator.open(name),
          disk: new TestStore(),
          clock: this.clock,
          logger: silentLogger,
          random: () => 0.5,
          journal: () => undefined,
          changed: () => agent.reconciler.sourceChanged(),
          revision: () => source.state(),
          facts: () => engine.facts(),
        },
        {
          kind: 'zookeeper',
          cluster: 'default',
          version: 'test',
          nodeLostAfterMs: 60_000,
          strategy: 'spread',
        },
      );
      const observer = { ...silentObserver, statusChanged: cluster.report.bind(cluster) };
      const agent = createTestAgent({ engine, clock: this.clock, source, observer, coordination: cluster });
      const switches = new Switches({
        holds: cluster.holds,
        clock: this.clock,
        revision: () => source.state().revision,
        aliases: async () => (await agent.reconciler.cluster()).aliases,
      });
      const suspensions = new Suspending({
        holds: cluster.holds,
        clock: this.clock,
        revision: () => source.state().revision,
        here: () => agent.reconciler.status().objects.map(({ key }) => key),
      });
      await source.start(() => {
        cluster.sourceChanged();
        agent.reconciler.sourceChanged();
      });
      this.members.push({ ...agent, cluster, switches, suspensions });
      void cluster.start().then(() => agent.reconciler.start());
    }
    this.declare(...objects);
    await this.clock.advanceAsync(30_000);
  }

  /** The agent of that host. */
  at(index: number): Member {
    const member = this.members[index];
    if (!member) throw new Error(`no host ${index}`);
    return member;
  }

  declare(...objects: readonly ManifestObject[]): void {
    for (const { source } of this.members) source.declare(...objects);
  }

  /** Lets time pass for as long as something takes. */
  async during<T>(work: Promise<T>): Promise<T> {
    const progress = { isOver: false };
    const end = (): void => {
      progress.isOver = true;
    };
    work.then(end, end);
    while (!progress.isOver) await this.clock.advanceAsync(1);
    return work;
  }
}
