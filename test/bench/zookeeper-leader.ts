/** A process with one agent in it that leads a cluster of many simulated nodes. Its one argument: LeaderOptions as JSON. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { objectKey } from '../../pkg/api/index.ts';
import type { CoordinationStore, StoreWrite } from '../../pkg/cluster/index.ts';
import type { ContainerObject, ManifestObject, Revision } from '../../pkg/manifest/index.ts';
import { container } from '../build/objects.ts';
import { until } from '../lab/run.ts';
import { BenchAgent } from './zookeeper-agent.ts';
import { metered, openStore } from './zookeeper.ts';

const optionsShape = z.object({
  tree: z.object({ port: z.number(), root: z.string(), sessionTimeoutMs: z.number() }),
  node: z.string(),
  nodeLostAfterMs: z.number(),
  containers: z.number(),
  nodes: z.number(),
});
export type LeaderOptions = z.infer<typeof optionsShape>;

const waveShape = z.object({
  ms: z.number(),
  /** Of that, until the first commit was answered. */
  thoughtMs: z.number(),
  commits: z.number(),
  znodes: z.number(),
  bytes: z.number(),
});
export type Wave = z.infer<typeof waveShape>;

/** What it sends, in this order; `decided` waits for `go`. */
export const leaderNewsShape = z.union([
  z.object({ type: z.literal('leads') }),
  z.object({ type: z.literal('decided'), wave: waveShape }),
  z.object({ type: z.literal('replaced'), wave: waveShape, peakRssBytes: z.number() }),
]);
export type LeaderNews = z.infer<typeof leaderNewsShape>;

const PATIENCE_MS = 180_000;
/** As long as nothing is asked and the loop turns, nothing more comes. */
const QUIET_MS = 2_500;
const TURN_MS = 50;
const SETTLE_SLACK_MS = 1_000;
const LATE_MS = 40;
/** Each class in ten. */
const CONSTRAINTS = [['storage==ssd'], ['zone!=a'], ['zone==~b']];

const NO_WAVE: Wave = { ms: 0, thoughtMs: 0, commits: 0, znodes: 0, bytes: 0 };

class LeaderProcess {
  readonly #options: LeaderOptions;
  readonly #store: CoordinationStore;
  readonly #agent: BenchAgent;
  #beganMs = 0;
  #wave = NO_WAVE;
  #touchedMs = 0;
  #members = 0;
  /** When the list of members was first shorter than before. */
  #awayMs = 0;
  #leadsMs = 0;

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.#store = metered(openStore(options.tree), {
      touched: () => (this.#touchedMs = performance.now()),
      listed: (path, names, atMs) => this.#listed(path, names.length, atMs),
      committed: (writes, atMs) => this.#committed(writes, atMs),
    });
    this.#agent = new BenchAgent({
      node: options.node,
      nodeLostAfterMs: options.nodeLostAfterMs,
      store: this.#store,
      labels: { storage: 'ssd', zone: 'a' },
      changed: () => undefined,
    });
  }

  async lead(): Promise<void> {
    const { cluster } = this.#agent;
    await cluster.start();
    await until('to lead', PATIENCE_MS, () => (this.#agent.isLeader ? true : undefined));
    this.#leadsMs = performance.now();
    this.#agent.report();
    await until('the report', PATIENCE_MS, () => this.#store.get(`reports/${this.#options.node}`));
  }

  /** From the moment that the revision is known, until bindings and decision are committed. */
  async decide(): Promise<Wave> {
    const revision = manyContainers(this.#options.containers);
    const { cluster } = this.#agent;
    const { nodes, tree } = this.#options;
    // A leader that finds an empty tree waits for one session timeout for those who may know more.
    await sleep(Math.max(0, this.#leadsMs + tree.sessionTimeoutMs + SETTLE_SLACK_MS - performance.now()));
    await until('all members', PATIENCE_MS, () =>
      cluster.status().members.length === nodes ? true : undefined,
    );
    this.#agent.revision = revision;
    this.#begin(performance.now());
    cluster.sourceChanged();
    await until('the decision', PATIENCE_MS, () =>
      this.#agent.decidedOn === revision.digest ? true : undefined,
    );
    const wave = this.#wave;
    await this.#quiet();
    return wave;
  }

  /** From the moment that the nodes which go away count as lost, until the last binding is committed. */
  async replace(): Promise<Wave> {
    this.#awayMs = 0;
    await until('nodes to go away', PATIENCE_MS, () => (this.#awayMs > 0 ? true : undefined));
    await sleep(this.#awayMs + this.#options.nodeLostAfterMs - performance.now() - TURN_MS);
    this.#begin(this.#awayMs + this.#options.nodeLostAfterMs);
    await until('bindings', PATIENCE_MS, () => (this.#wave.znodes > 0 ? true : undefined));
    await this.#quiet();
    return this.#wave;
  }

  async stop(): Promise<void> {
    await this.#agent.cluster.stop();
  }

  #begin(atMs: number): void {
    this.#beganMs = atMs;
    this.#wave = NO_WAVE;
  }

  #listed(path: string, count: number, atMs: number): void {
    if (path !== 'members') return;
    if (count < this.#members && this.#awayMs === 0) this.#awayMs = atMs;
    this.#members = count;
  }

  #committed(writes: readonly StoreWrite[], atMs: number): void {
    const ours = writes.filter(({ path }) => /^(bindings|decision)/.test(path));
    if (ours.length === 0) return;
    const wave = this.#wave;
    const bytes = ours.reduce((sum, write) => sum + ('data' in write ? write.data.length : 0), 0);
    this.#wave = {
      ms: atMs - this.#beganMs,
      thoughtMs: wave.commits === 0 ? atMs - this.#beganMs : wave.thoughtMs,
      commits: wave.commits + 1,
      znodes: wave.znodes + ours.length,
      bytes: wave.bytes + bytes,
    };
  }

  async #quiet(): Promise<void> {
    for (let beforeMs = performance.now(); ;) {
      await sleep(TURN_MS);
      const nowMs = performance.now();
      if (nowMs - beforeMs > TURN_MS + LATE_MS) this.#touchedMs = nowMs;
      beforeMs = nowMs;
      if (nowMs - this.#touchedMs > QUIET_MS) return;
    }
  }
}

/** Containers that share their specs: three in ten have a constraint, all small requests, and all move on node failure. */
function manyContainers(count: number): Revision {
  const templates = Array.from({ length: 10 }, (_, index) =>
    container(`template-${index}`, {
      nodeConstraint: CONSTRAINTS[index] ?? [],
      reschedule: 'on-node-failure',
      resources: { limits: {}, requests: { nanoCpus: 1e7 * (1 + (index % 5)), memoryBytes: 1 << 24 } },
    }),
  );
  const objects = Array.from({ length: count }, (_, index): [ManifestObject['key'], ManifestObject] => {
    const name = `app-${String(index).padStart(7, '0')}`;
    const template = templates[index % templates.length];
    if (!template) throw new Error('no template');
    const object: ContainerObject = { ...template, key: objectKey('Container', name), name };
    return [object.key, object];
  });
  return { digest: `many-${count}`, objects: new Map(objects), undecided: new Set() };
}

function tell(news: LeaderNews): void {
  process.send?.(news);
}

async function main(): Promise<void> {
  process.on('disconnect', () => process.exit());
  const leader = new LeaderProcess(optionsShape.parse(JSON.parse(process.argv[2] ?? '')));
  await leader.lead();
  const went = new Promise((resolve) => process.once('message', resolve));
  tell({ type: 'leads' });
  await went;
  tell({ type: 'decided', wave: await leader.decide() });
  const wave = await leader.replace();
  tell({ type: 'replaced', wave, peakRssBytes: process.resourceUsage().maxRSS * 1024 });
  await leader.stop();
  process.exit();
}

if (process.send !== undefined) await main();
