import { createHash } from 'node:crypto';
import { FakeClock, silentLogger } from '../../pkg/api/index.ts';
import {
  Cluster,
  type ClusterDeps,
  type ClusterOptions,
  type CoordinationStore,
} from '../../pkg/cluster/index.ts';
import { SimulatedCoordinator } from '../../pkg/cluster/simulated/index.ts';
import type { ContainerObject, ContainerSpec, Revision } from '../../pkg/manifest/index.ts';
import { ALONE_STATUS, type AgentStatus, type ObjectStatus } from '../../pkg/reconcile/index.ts';
import type { EngineFacts } from '../../pkg/state/index.ts';
import { container, revision } from './objects.ts';

const SESSION_MS = 10_000;
export const LOST_AFTER_MS = 60_000;

/** A disk that outlives the agents that use it. */
export class FakeDisk {
  content: unknown;
  failure: Error | undefined;
  saves = 0;

  load(): Promise<unknown> {
    return Promise.resolve(this.content);
  }

  save(state: unknown): Promise<void> {
    this.saves += 1;
    if (this.failure) return Promise.reject(this.failure);
    this.content = structuredClone(state);
    return Promise.resolve();
  }
}

/** A simulated coordinator, manifests, and agents on it. */
export class ClusterStage {
  readonly clock = new FakeClock();
  readonly coordinator: SimulatedCoordinator;
  readonly agents: StagedAgent[] = [];
  revision: Revision = revision([]);
  /** What was written, `client: set bindings/n1`, since the list was last emptied; reports are left out. */
  readonly writes: string[] = [];

  constructor(latencyMs = 1) {
    const { clock } = this;
    this.coordinator = new SimulatedCoordinator({
      clock,
      sessionTimeoutMs: SESSION_MS,
      latency: () => latencyMs,
    });
    this.coordinator.committed = ({ client, request }) => {
      if (request.type !== 'commit') return;
      for (const { type, path } of request.writes) {
        if (type !== 'check' && !path.startsWith('reports/')) this.writes.push(`${client}: ${type} ${path}`);
      }
    };
  }

  /** What is written while this lasts. */
  async written(ms: number): Promise<string[]> {
    this.writes.length = 0;
    await this.pass(ms);
    return [...this.writes];
  }

  /** Puts a text where a znode is or was, as a person with a shell would. */
  async put(path: string, data: string | undefined): Promise<void> {
    const store = this.coordinator.open('person');
    store.start(() => undefined);
    await this.pass(100);
    const isThere = (await this.during(store.get(path))) !== undefined;
    if (isThere) await this.during(store.commit([{ type: 'remove', path }]));
    if (data !== undefined)
      await this.during(store.commit([{ type: 'create', path, data, ephemeral: false }]));
    await this.during(store.stop());
  }

  /** Lets time pass for as long as something takes. */
  async during<T>(work: Promise<T>): Promise<T> {
    const progress = { isOver: false };
    const end = (): void => {
      progress.isOver = true;
    };
    work.then(end, end);
    while (!progress.isOver) await this.pass(1);
    return work;
  }

  /** An agent on the host of that name, not started. */
  add(name: string, given: StagedAgentOptions = {}): StagedAgent {
    const agent = new StagedAgent(this, name, given);
    this.agents.push(agent);
    return agent;
  }

  /** Agents that have been started, after a while. */
  async with(...names: string[]): Promise<StagedAgent[]> {
    const agents = names.map((name) => this.add(name));
    for (const agent of agents) agent.start();
    await this.pass(15_000);
    return agents;
  }

  declare(...containers: readonly ContainerObject[]): void {
    const { digest, ...rest } = revision(containers);
    this.revision = { ...rest, digest: createHash('sha256').update(digest).digest('hex') };
    for (const agent of this.agents) agent.sourceChanged();
  }

  pass(ms: number): Promise<void> {
    return this.clock.advanceAsync(ms);
  }

  /** The JSON of a znode. */
  read(path: string): Record<string, unknown> | undefined {
    const text = new Map(this.coordinator.entries()).get(path);
    return text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>);
  }

  /** `a@n1 b@n2`, and `a-n1` for what is leaving, from the bindings in the coordinator. */
  bound(): string {
    const paths = this.coordinator.entries().filter(([path]) => path.startsWith('bindings/'));
    return paths
      .flatMap(([path, text]) => {
        const node = path.slice('bindings/'.length);
        const { names, leaving } = JSON.parse(text) as { names: string[]; leaving: string[] };
        return [...names.map((name) => `${name}@${node}`), ...leaving.map((name) => `${name}-${node}`)];
      })
      .sort()
      .join(' ');
  }

  /** `a@n1 b@n2`: what runs. */
  running(): string {
    const all = this.agents.flatMap(({ host, name }) => [...host.running].map((what) => `${what}@${name}`));
    return [...new Set(all)].sort().join(' ');
  }

  leaders(): string {
    return this.agents
      .filter((agent) => agent.isStarted && agent.cluster.status().isLeader)
      .map(({ name }) => name)
      .join(' ');
  }
}

export interface StagedAgentOptions {
  readonly cluster?: string;
  readonly nodeName?: string;
  readonly disk?: FakeDisk;
  readonly host?: FakeHost;
  readonly labels?: Readonly<Record<string, string>>;
  /** Name of its connection; the agent's own unless told. */
  readonly client?: string;
  readonly clock?: FakeClock;
  readonly engineKind?: EngineFacts['kind'];
  readonly testify?: NonNullable<ClusterDeps['testify']>;
  /** How much later than anything else the answers to its commits come. */
  readonly lateMs?: number;
}

/** What runs on a host, with or without an agent. */
export class FakeHost {
  readonly running = new Set<string>();
}

/** The cluster part of an agent, and a very small agent that does at once what it is told. */
export class StagedAgent {
  readonly name: string;
  readonly disk: FakeDisk;
  readonly host: FakeHost;
  readonly cluster: Cluster;
  readonly journal: string[] = [];
  labels: Readonly<Record<string, string>>;
  revision: Revision | undefined;
  doubt: string | undefined;
  engineUp = true;
  /** Whether it acts on what it is told. */
  isActing = true;
  isStarted = false;
  /** Which of several processes on its host it is. */
  run = 0;
  isReady = false;
  aliases: AgentStatus['aliases'] = [];
  /** What it answers to what is asked of all agents. */
  answers: (question: string) => Promise<string> = (question) => Promise.resolve(`${this.name}: ${question}`);
  readonly #stage: ClusterStage;
  readonly #engineKind: EngineFacts['kind'];
  #isRung = false;

  constructor(stage: ClusterStage, name: string, given: StagedAgentOptions) {
    this.#stage = stage;
    this.name = name;
    this.disk = given.disk ?? new FakeDisk();
    this.host = given.host ?? new FakeHost();
    this.labels = given.labels ?? {};
    this.#engineKind = given.engineKind ?? 'plain';
    const clock = given.clock ?? stage.clock;
    const deps: ClusterDeps = {
      store: openStore(stage, name, given),
      disk: this.disk,
      clock,
      logger: silentLogger,
      random: seededRandom(given.client ?? name),
      journal: (severity, message) => this.journal.push(`${severity}: ${message}`),
      changed: () => this.#ring(),
      revision: () => {
        const now = this.revision ?? stage.revision;
        return this.doubt === undefined ? { revision: now } : { revision: now, doubt: this.doubt };
      },
      answer: (question) => this.answers(question),
      facts: () => (this.engineUp ? Promise.resolve(this.facts()) : Promise.reject(new Error('no engine'))),
      ...(given.testify ? { testify: given.testify } : {}),
    };
    const options: ClusterOptions = {
      cluster: given.cluster ?? 'default',
      version: '0.1.0',
      nodeLostAfterMs: LOST_AFTER_MS,
      strategy: 'spread',
      kind: 'zookeeper',
      nodeName: given.nodeName ?? name,
    };
    this.cluster = new Cluster(deps, options);
  }

  start(): void {
    this.isStarted = true;
    void this.cluster.start().then(() => {
      this.isReady = true;
      this.#ring();
    });
  }

  /** As a killed process: its session ends in its time, and nothing of it acts any more. */
  kill(): void {
    this.isStarted = false;
    this.isReady = false;
    this.#stage.coordinator.partition(this.name, 'both');
  }

  sourceChanged(): void {
    if (!this.isStarted) return;
    this.cluster.sourceChanged();
    this.#ring();
  }

  facts(): EngineFacts {
    return {
      kind: this.#engineKind,
      node: {
        id: `id-of-${this.name}`,
        name: this.name,
        ip: `10.0.0.${this.name.replaceAll(/\D/g, '') || '9'}`,
        role: 'worker',
        os: 'linux',
        arch: 'x86_64',
        labels: {},
        engineLabels: this.labels,
      },
      version: '20.10.24',
      apiVersion: '1.41',
      cpus: 2,
      memoryBytes: 1e9,
    };
  }

  /** What it knows of itself. */
  status(): AgentStatus {
    const now = this.revision ?? this.#stage.revision;
    return {
      version: '0.1.0',
      cluster: 'default',
      node: this.name,
      mode: 'enforce',
      startedMs: 0,
      engine: { up: this.engineUp, message: this.engineUp ? 'answers' : 'does not answer' },
      revision: { digest: now.digest, objects: now.objects.size },
      coordinator: ALONE_STATUS,
      sources: [],
      diagnostics: [],
      prune: { held: false, reason: '', keys: [] },
      holds: [],
      aliases: this.aliases,
      converged: true,
      working: [],
      lastRoundMs: this.#stage.clock.now(),
      host: {
        address: '',
        role: 'worker',
        os: 'linux',
        arch: 'x86_64',
        labels: {},
        engineLabels: this.labels,
        nanoCpus: 0,
        memoryBytes: 0,
      },
      objects: [...this.host.running].map(running),
    };
  }

  /** Rings the small agent, as a change on its engine would. */
  look(): void {
    this.#ring();
  }

  #ring(): void {
    if (this.#isRung) return;
    this.#isRung = true;
    this.#stage.clock.after(5, () => {
      this.#isRung = false;
      if (this.isReady && this.isStarted) this.#round();
    });
  }

  #round(): void {
    const now = this.revision ?? this.#stage.revision;
    const state = this.cluster.state();
    if (this.isActing && this.engineUp && state.type === 'member') {
      for (const object of now.objects.values()) {
        if (object.kind === 'Container') this.#act(object, state.cluster, now.digest);
      }
      for (const name of this.host.running) {
        if (!now.objects.has(`Container/${name}`)) this.host.running.delete(name);
      }
    }
    this.cluster.report(this.status());
  }

  #act(
    { name, spec }: ContainerObject,
    shared: Extract<ReturnType<Cluster['state']>, { type: 'member' }>['cluster'],
    digest: string,
  ): void {
    const { running: mine } = this.host;
    if (shared.bound.has(name)) {
      if (spec.reschedule === 'never' || shared.leaseHeld) mine.add(name);
      else mine.delete(name);
    } else if (shared.decidedOn === digest && !shared.unplaced.has(name) && shared.unplacedOmitted === 0) {
      mine.delete(name);
    }
  }
}

/** Containers that move on node failure, by name. */
export function movable(names: string, spec: Partial<ContainerSpec> = {}): ContainerObject[] {
  return names.split(' ').map((name) => container(name, { reschedule: 'on-node-failure', ...spec }));
}

/** Containers that stay with their node, by name. */
export function staying(names: string, spec: Partial<ContainerSpec> = {}): ContainerObject[] {
  return names.split(' ').map((name) => container(name, spec));
}

function running(name: string): ObjectStatus {
  return {
    key: `Container/${name}`,
    kind: 'Container',
    name,
    mode: 'enforce',
    condition: { type: 'Ready', message: 'runs as declared', sinceMs: 0 },
    causes: [],
    history: [],
    observed: { id: name, createdAtMs: 0, state: 'running' },
  };
}

/** The same numbers for the same name, always. */
function seededRandom(name: string): () => number {
  let state = Buffer.from(name).reduce((sum, byte) => (sum * 31 + byte) >>> 0, 7);
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function openStore(
  { coordinator, clock }: ClusterStage,
  name: string,
  given: StagedAgentOptions,
): CoordinationStore {
  const store = coordinator.open(given.client ?? name, given.clock ? { clock: given.clock } : {});
  return given.lateMs === undefined ? store : withLateCommits(store, clock, given.lateMs);
}

/** Watches ring before a commit that set them off is answered, as over a slow line. */
function withLateCommits(store: CoordinationStore, clock: FakeClock, lateMs: number): CoordinationStore {
  const commit: CoordinationStore['commit'] = async (writes) => {
    await store.commit(writes);
    await new Promise<void>((resolve) => void clock.after(lateMs, resolve));
  };
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'commit') return commit;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
