/** A rollback over real agents' parts: three nodes on simulated engines and one simulated coordinator. */
import { beforeEach, describe, expect, it } from 'vitest';
import { containerText, networkText, parsedRevision } from '../../test/build/revisions.ts';
import { createTestAgent, TestSource, TestStore, type TestAgent } from '../../test/build/agent.ts';
import { FakeDisk } from '../../test/build/cluster.ts';
import { TestRevisionStore } from '../../test/build/revision-store.ts';
import { FakeClock, silentLogger } from '../api/index.ts';
import { Cluster } from '../cluster/index.ts';
import { SimulatedCoordinator } from '../cluster/simulated/index.ts';
import type { Revision } from '../manifest/index.ts';
import { History, PinnedSource, Rollbacks, silentObserver } from '../reconcile/index.ts';
import { SimulatedWorld, type SimulatedHost } from '../reconcile/simulated/index.ts';

const SESSION_MS = 10_000;

class Node {
  readonly host: SimulatedHost;
  readonly revisions = new TestRevisionStore();
  readonly source = new TestSource();
  rollbacks!: Rollbacks;
  pinned!: PinnedSource;
  cluster!: Cluster;
  agent!: TestAgent;
  readonly #stage: Stage;
  readonly #disk = new FakeDisk();
  readonly #store = new TestStore();
  #lives = 0;

  constructor(stage: Stage, host: SimulatedHost) {
    this.#stage = stage;
    this.host = host;
  }

  start(): void {
    const { clock, coordinator } = this.#stage;
    const { source, host } = this;
    this.#lives += 1;
    const history: History = new History({
      store: this.revisions,
      clock,
      sourceName: source.name,
      tell: () => undefined,
      pinned: () => this.rollbacks.history().pinned,
    });
    this.rollbacks = new Rollbacks({
      history,
      clock,
      holds: () => this.cluster.holds,
      sourceRevision: () => source.state().revision,
    });
    const pinned = new PinnedSource({ source, history, clock, holds: () => this.cluster.holds.list() });
    this.pinned = pinned;
    this.cluster = new Cluster(
      {
        store: coordinator.open(`${host.name} ${this.#lives}`),
        disk: this.#disk,
        clock,
        logger: silentLogger,
        random: () => 0.5,
        journal: () => undefined,
        changed: () => {
          pinned.holdsChanged();
          this.agent.reconciler.sourceChanged();
        },
        revision: () => pinned.state(),
        facts: () => host.engine.facts(),
      },
      { kind: 'zookeeper', cluster: 'default', version: 'test', nodeLostAfterMs: 60_000, strategy: 'spread' },
    );
    const { cluster } = this;
    this.agent = createTestAgent({
      engine: host.engine,
      clock,
      source,
      store: this.#store,
      pinned,
      applied: (revision, state) => history.applied(revision, state),
      observer: { ...silentObserver, statusChanged: (status) => cluster.report(status) },
      coordination: cluster,
    });
    void this.#begin();
  }

  async #begin(): Promise<void> {
    const { pinned, cluster, agent } = this;
    await pinned.start(() => {
      cluster.sourceChanged();
      agent.reconciler.sourceChanged();
    });
    await cluster.start();
    pinned.holdsChanged();
    await agent.reconciler.start();
  }

  async stop(): Promise<void> {
    const stopped = Promise.all([this.pinned.stop(), this.agent.reconciler.stop(), this.cluster.stop()]);
    await this.#stage.during(stopped);
  }
}

class Stage {
  readonly clock = new FakeClock();
  readonly coordinator = new SimulatedCoordinator({
    clock: this.clock,
    sessionTimeoutMs: SESSION_MS,
    latency: () => 1,
  });
  readonly world = new SimulatedWorld({
    clock: this.clock,
    topology: 'cluster-store',
    hosts: 3,
    images: ['v1', 'v2', 'v3'],
  });
  readonly nodes = this.world.hosts.map((host) => new Node(this, host));

  async declare(revision: Revision): Promise<void> {
    for (const { source } of this.nodes) source.set({ revision });
    await this.pass(20_000);
  }

  pass(ms: number): Promise<void> {
    return this.clock.advanceAsync(ms);
  }

  async during<T>(work: Promise<T>): Promise<T> {
    const progress = { isOver: false };
    const end = (): void => {
      progress.isOver = true;
    };
    work.then(end, end);
    while (!progress.isOver) await this.pass(10);
    return work;
  }

  /** `a:v1 b:v1`: what runs anywhere. */
  running(): string {
    return this.nodes
      .flatMap(({ host }) => [...host.containers.values()])
      .filter(({ state }) => state === 'running')
      .map(({ name, image }) => `${name}:${image}`)
      .sort()
      .join(' ');
  }
}

/** Three containers that the leader places. */
function declared(image: string, more: readonly string[] = []): Revision {
  const networks = [{ name: 'ovr0' }];
  return parsedRevision(
    networkText('ovr0', { ipam: { subnet: '10.0.9.0/24' } }),
    ...['aa', 'bb', 'cc', ...more].map((name) => containerText(name, { image, networks })),
  );
}

const [v1, v2, v3] = [declared('v1'), declared('v2'), declared('v3', ['dd'])];
const ALL_V1 = 'aa:v1 bb:v1 cc:v1';
const ALL_V2 = 'aa:v2 bb:v2 cc:v2';

let stage: Stage;
beforeEach(async () => {
  stage = new Stage();
  for (const node of stage.nodes) node.start();
  await stage.declare(v1);
  await stage.declare(v2);
  expect(stage.running()).toBe(ALL_V2);
});

describe('a rollback in a cluster', () => {
  it('is followed by all nodes, and so is its end', async () => {
    const [, second] = stage.nodes;
    await stage.during(second!.rollbacks.rollback({ who: 'ann' }));
    await stage.pass(20_000);
    expect(stage.running()).toBe(ALL_V1);
    for (const { agent } of stage.nodes) {
      const { converged, revision, pin, holds } = agent.reconciler.status();
      expect([converged, revision?.digest, pin?.sourceRevision]).toEqual([true, v1.digest, v2.digest]);
      expect(holds.map(({ says, who }) => `${says} by ${who}`)).toEqual([
        `revision ${v1.digest.slice(0, 12)} by ann`,
      ]);
    }
    await stage.declare(v3);
    expect(stage.running()).toBe(ALL_V1);
    await stage.during(stage.nodes[2]!.rollbacks.resume());
    await stage.pass(20_000);
    expect(stage.running()).toBe('aa:v3 bb:v3 cc:v3 dd:v3');
  });

  it('stays on a node that restarts while nobody answers', async () => {
    await stage.during(stage.nodes[0]!.rollbacks.rollback({ who: 'ann' }));
    await stage.pass(20_000);
    stage.coordinator.stop();
    await stage.pass(1_000);
    for (const node of stage.nodes) await node.stop();
    for (const node of stage.nodes) node.start();
    await stage.pass(30_000);
    expect(stage.running()).toBe(ALL_V1);
    for (const { pinned } of stage.nodes)
      expect(pinned.state()).toMatchObject({ revision: { digest: v1.digest } });
  });

  it('changes nothing on a node that does not have the revision, and it follows the source when that is over', async () => {
    const [, , third] = stage.nodes;
    await third!.stop();
    third!.revisions.kept.delete(v1.digest);
    third!.start();
    await stage.pass(20_000);
    const before = [...third!.host.containers.values()].map(({ id }) => id);
    await stage.during(stage.nodes[0]!.rollbacks.rollback({ who: 'ann' }));
    await stage.pass(20_000);
    expect([...third!.host.containers.values()].map(({ id }) => id)).toEqual(before);
    expect(third!.pinned.state()).toMatchObject({
      revision: { digest: v2.digest },
      doubt: expect.stringContaining('which this node does not have') as string,
    });
    expect(
      new Set(
        stage
          .running()
          .split(' ')
          .map((row) => row.split(':')[1]),
      ),
    ).toEqual(new Set(['v1', 'v2']));
    await stage.during(stage.nodes[0]!.rollbacks.resume());
    await stage.pass(20_000);
    expect(stage.running()).toBe(ALL_V2);
    expect(third!.pinned.state().doubt).toBeUndefined();
  });
});
