/** From a new container in the leader's manifests to its node, in a cluster of a thousand agents on a real ZooKeeper. */
import type { StoreWrite } from '../../../pkg/cluster/index.ts';
import type { ManifestObject } from '../../../pkg/manifest/index.ts';
import { container, revision } from '../../build/objects.ts';
import { until } from '../../lab/run.ts';
import { eachOf } from '../each.ts';
import { type Bench, type Outcome, type Row, verdict } from '../row.ts';
import { formatMs, percentile } from '../stats.ts';
import { BenchAgent } from '../zookeeper-agent.ts';
import { metered, openStore, withZooKeeper, type Tree } from '../zookeeper.ts';

const AGENTS = 1_000;
const CONTAINERS = 5_000;
const REPETITIONS = 100;
const SESSION_MS = 10_000;
const PATIENCE_MS = 120_000;
const LIMIT_MS = 100;
/** Reports of a thousand agents are written within this. */
const REST_MS = 1_500;

export const manifestToNode: Row = {
  name: 'manifest-to-node',
  measure: (bench) =>
    withZooKeeper(512, async ({ port }) => {
      const fleet = new Fleet({ port, root: '/ovr/manifest', sessionTimeoutMs: SESSION_MS });
      try {
        await fleet.open(bench.quick ? AGENTS / 5 : AGENTS);
        bench.progress(`${fleet.agents.length} agents`);
        return [await measure(bench, fleet)];
      } finally {
        await fleet.close();
      }
    }),
};

async function measure(bench: Bench, fleet: Fleet): Promise<Outcome> {
  const told: number[] = [];
  const everywhere: number[] = [];
  const writes: number[] = [];
  for (let run = 0; run < (bench.quick ? 10 : REPETITIONS); run += 1) {
    const found = await fleet.change(`new-${run}`);
    told.push(found.toldMs);
    everywhere.push(found.everywhereMs);
    writes.push(found.writes.length);
    if (run % 20 === 0) bench.progress(`${formatMs(found.toldMs)}; ${found.writes.join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
  }
  const [p50, p99] = [percentile(told, 50), percentile(told, 99)];
  const mostWrites = Math.max(...writes);
  return {
    what: `a container appears in the leader's manifests → its node knows that it is bound there, ${fleet.agents.length} agents in one process`,
    ovr: `p50 ${formatMs(p50)}, p99 ${formatMs(p99)}`,
    peer: '',
    found: `${mostWrites} znodes written; all agents know of the decision after p50 ${formatMs(percentile(everywhere, 50))}`,
    limit: `p50 and p99 ≤ ${LIMIT_MS} ms, 2 znodes`,
    verdict: verdict(p99 <= LIMIT_MS && mostWrites === 2),
    samples: { told, everywhere, writesCount: writes },
  };
}

interface Found {
  /** From the moment the leader has the new revision. */
  readonly toldMs: number;
  readonly everywhereMs: number;
  /** Paths that the leader wrote. */
  readonly writes: readonly string[];
}

/** Agents in one process, each with a session of its own. They have the same manifests, and run nothing. */
class Fleet {
  readonly agents: BenchAgent[] = [];
  readonly #tree: Tree;
  readonly #writes: string[] = [];
  #objects: ManifestObject[] = Array.from({ length: CONTAINERS }, (_, index) => container(`app-${index}`));
  #generation = 0;
  #changed: (agent: BenchAgent) => void = () => undefined;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  async open(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) this.#add(`node-${index}`);
    await eachOf(this.agents, count, ({ cluster }) => cluster.start());
    for (const agent of this.agents) agent.report();
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    await this.#declare();
  }

  /** Adds one container to everybody's manifests, and waits until every agent knows of the decision. */
  async change(name: string): Promise<Found> {
    this.#writes.length = 0;
    let toldMs = 0;
    this.#changed = (agent) => {
      if (toldMs === 0 && agent.isBound(name)) toldMs = performance.now();
    };
    this.#objects = [...this.#objects, container(name)];
    const beganMs = await this.#declare();
    const everywhereMs = performance.now();
    if (toldMs === 0) throw new Error(`${name} is bound nowhere`);
    return {
      toldMs: toldMs - beganMs,
      everywhereMs: everywhereMs - beganMs,
      writes: [...this.#writes],
    };
  }

  async close(): Promise<void> {
    this.#changed = () => undefined;
    await Promise.all(this.agents.map(({ cluster }) => cluster.stop()));
  }

  #add(node: string): void {
    const committed = (writes: readonly StoreWrite[]): void => {
      const bound = writes.filter(({ type, path }) => type !== 'check' && /^(bindings|decision)/.test(path));
      this.#writes.push(...bound.map(({ path }) => path));
    };
    const agent: BenchAgent = new BenchAgent({
      node,
      nodeLostAfterMs: 60_000,
      store: metered(openStore(this.#tree), { committed }),
      changed: () => this.#changed(agent),
    });
    this.agents.push(agent);
  }

  /** Returns when the leader was told; resolves once everybody knows of its decision, and has reported. */
  async #declare(): Promise<number> {
    this.#generation += 1;
    const digest = `generation-${this.#generation}`;
    const now = { ...revision(this.#objects), digest };
    for (const agent of this.agents) agent.revision = now;
    const beganMs = performance.now();
    for (const { cluster } of this.agents) cluster.sourceChanged();
    await until('all agents know the decision', PATIENCE_MS, () =>
      this.agents.every((agent) => agent.decidedOn === digest) ? true : undefined,
    );
    for (const agent of this.agents) agent.report();
    return beganMs;
  }
}
