import { silentLogger } from '../../pkg/api/index.ts';
import { alone, Reconciler, silentObserver, type Engine, type Source } from '../../pkg/reconcile/index.ts';
import { Cluster, type CoordinationStore } from '../../pkg/cluster/index.ts';
import { guardDisk, guardEngine, guardStore, type Guard } from './boundary.ts';
import type { Machine } from './machine.ts';
import type { ProcessClock } from './queue.ts';
import type { Dice } from './dice.ts';
import type { Trace } from './trace.ts';

export interface ProcessSetup {
  readonly machine: Machine;
  readonly clock: ProcessClock;
  readonly dice: Dice;
  readonly trace: Trace;
  /** Absent: this agent knows of no others. */
  readonly store?: CoordinationStore;
  readonly nodeLostAfterMs: number;
  readonly strategy: 'spread' | 'binpack';
  /** False once there are so many calls at one moment that they would never end. */
  readonly mayCall: () => boolean;
  /** It is dead from now on: killed, or died at one of its calls. */
  readonly died: () => void;
}

const NEVER = (): Promise<never> => new Promise(() => undefined);

/** One life of an agent: the real reconciler and cluster, and nothing that outlives them. */
export class AgentProcess {
  readonly clock: ProcessClock;
  readonly reconciler: Reconciler;
  readonly cluster: Cluster | undefined;
  readonly #setup: ProcessSetup;
  #isDead = false;
  #isMember = false;
  #contactMs: number | undefined;
  #bindingsReadMs: number | undefined;
  #callCount = 0;
  #doom: { readonly atCall: number; readonly phase: 'before' | 'after' } | undefined;

  constructor(setup: ProcessSetup) {
    this.#setup = setup;
    this.clock = setup.clock;
    const { machine, clock, dice } = setup;
    const guard = this.#guard();
    const source = machine.folder.open({
      isDead: guard.isDead,
      later: (run) => guard.hear(() => void clock.after(1, run)),
      changed: () => {
        this.cluster?.sourceChanged();
        this.reconciler.sourceChanged();
      },
    });
    const engine = guardEngine(machine, guard);
    const store =
      setup.store &&
      guardStore(setup.store, guard, {
        member: (isMember) => {
          this.contactMs();
          this.#isMember = isMember;
        },
        read: (path, data) => this.#noteRead(path, data),
      });
    this.cluster = store && this.#makeCluster(store, { engine, source, guard });
    this.reconciler = new Reconciler(
      {
        engine,
        source,
        store: guardDisk(machine, 'state.json', guard),
        secrets: {
          read: (path) => Promise.resolve(`content of ${path}`),
          open: () => Promise.resolve(new Map()),
        },
        clock,
        logger: silentLogger,
        observer: { ...silentObserver, statusChanged: (status) => this.cluster?.report(status) },
        random: dice.fork().next,
        hostRoutes: () => Promise.resolve([]),
        coordination: this.cluster ?? alone,
      },
      {
        version: 'sim',
        cluster: 'sim',
        mode: 'enforce',
        subnetPool: '10.64.0.0/10',
        settleMs: 500,
        resyncMs: 60_000,
        concurrency: 4,
      },
    );
    void this.#start(source);
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Dies at one of its next calls. */
  doom(inCalls: number, phase: 'before' | 'after'): void {
    this.#doom = { atCall: this.#callCount + inCalls, phase };
  }

  /** Does not after all. */
  spare(): void {
    this.#doom = undefined;
  }

  /**
   * When the newest request was sent that was answered while the agent knew itself a member, by the simulation's time: before that no leader
   * can have counted on it.
   */
  contactMs(): number | undefined {
    if (this.#isMember) this.#contactMs = this.#setup.store?.lastContactMs() ?? this.#contactMs;
    return this.#contactMs === undefined ? undefined : this.clock.trueMs(this.#contactMs);
  }

  /** Since when, by the simulation's time, bindings that could be believed were known; absent while there were none. */
  get bindingsReadMs(): number | undefined {
    return this.#bindingsReadMs;
  }

  kill(how: string): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.clock.kill();
    this.#setup.trace.tell(this.#setup.machine.name, `agent dies ${how}`);
    this.#setup.died();
  }

  #noteRead(path: string, data: string): void {
    const { machine } = this.#setup;
    if (!this.#isMember || path !== `bindings/${machine.name}`) return;
    const { epoch, turn } = JSON.parse(data) as { readonly epoch: number; readonly turn: number };
    const known = machine.newestRead;
    if (epoch < known.epoch || (epoch === known.epoch && turn < known.turn)) return;
    machine.newestRead = { epoch, turn };
    machine.knowsBindings = true;
    this.#bindingsReadMs = this.clock.trueMs(this.clock.monotonic());
  }

  async #start(source: { start(changed: () => void): Promise<void> }): Promise<void> {
    await source.start(() => undefined);
    await this.cluster?.start();
    await this.reconciler.start();
  }

  #makeCluster(store: CoordinationStore, parts: { engine: Engine; source: Source; guard: Guard }): Cluster {
    const { machine, clock, dice, trace, nodeLostAfterMs, strategy } = this.#setup;
    const { engine, source, guard } = parts;
    return new Cluster(
      {
        store,
        clock,
        disk: guardDisk(machine, 'cluster.json', guard),
        logger: silentLogger,
        random: dice.fork().next,
        journal: (severity, message) => trace.tell(machine.name, `cluster: ${message} (${severity})`),
        changed: () => this.reconciler.sourceChanged(),
        revision: () => source.state(),
        facts: () => engine.facts(),
      },
      { kind: 'zookeeper', cluster: 'sim', version: 'sim', nodeLostAfterMs, strategy },
    );
  }

  #guard(): Guard {
    const { machine, clock, trace } = this.#setup;
    const isDead = (): boolean => this.#isDead;
    const hear = (run: () => void): void => {
      if (this.#isDead) return;
      if (clock.isFrozen) clock.after(0, run);
      else run();
    };
    const call = async <Result>(what: () => string, effect: () => Promise<Result>): Promise<Result> => {
      if (this.#isDead || !this.#setup.mayCall()) return NEVER();
      this.#callCount += 1;
      const text = what();
      const isLast = this.#doom?.atCall === this.#callCount ? this.#doom.phase : undefined;
      if (isLast === 'before') {
        this.kill(`before ${text}`);
        return NEVER();
      }
      trace.note(machine.name, text);
      const outcome = await effect().then(
        (value) => ({ ok: true, value }) as const,
        (error: unknown) => ({ ok: false, error }) as const,
      );
      if (isLast === 'after') this.kill(`after ${text}`);
      if (isDead()) return NEVER();
      if (clock.isFrozen) await new Promise<void>((resolve) => void clock.after(0, resolve));
      if (outcome.ok) return outcome.value;
      trace.note(machine.name, `${text} failed: ${String(outcome.error)}`);
      throw outcome.error;
    };
    return { isDead, call, hear };
  }

  /** What its status says about one object. */
  condition(key: string): string {
    return this.reconciler.status().objects.find((object) => object.key === key)?.condition.type ?? 'none';
  }
}
