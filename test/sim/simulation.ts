import { SimulatedCoordinator } from '../../pkg/cluster/simulated/index.ts';
import { SimulatedWorld, type EngineCall, type Topology } from '../../pkg/reconcile/simulated/index.ts';
import { OvrError } from '../../pkg/api/index.ts';
import { Checker } from './checker.ts';
import { Dice } from './dice.ts';
import { FaultPlan } from './faults.ts';
import { Machine } from './machine.ts';
import { AgentProcess } from './process.ts';
import { EventQueue, ProcessClock, trueClock } from './queue.ts';
import { DISKS, Script } from './script.ts';
import { makeRevision, ManifestFolder } from './source.ts';
import { Trace } from './trace.ts';

/** How one seed ended. */
export interface SeedResult {
  readonly seed: number;
  readonly digest: string;
  readonly simulatedMs: number;
  readonly steps: number;
  /** How often each kind of fault was put in. */
  readonly faults: Readonly<Record<string, number>>;
  readonly failure?: SeedFailure;
}

export interface SeedFailure {
  readonly invariant: string;
  readonly message: string;
  readonly story: readonly string[];
}

/** A promise that was broken. */
class Broken extends Error {
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(message);
    this.invariant = invariant;
  }
}

export interface SimulationOptions {
  readonly seed: number;
  readonly print?: (line: string) => void;
}

/** Steps after which a seed counts as running wild. */
const MAX_STEPS = 400_000;
const MAX_CALLS_AT_ONCE = 5_000;
const WAIT_MS = 5_000;

/** One cluster in one thread: machines, engines, coordinator, manifests, time and faults, all from one seed. */
export class Simulation {
  readonly seed: number;
  readonly queue = new EventQueue();
  readonly dice: Dice;
  readonly trace: Trace;
  readonly world: SimulatedWorld;
  readonly coordinator: SimulatedCoordinator;
  readonly machines: readonly Machine[];
  readonly script: Script;
  readonly faults: FaultPlan;
  readonly checker: Checker;
  readonly topology: Topology;
  readonly sessionTimeoutMs: number;
  readonly nodeLostAfterMs: number;
  /** Whether the agents know of each other. */
  readonly isCluster: boolean;
  readonly strategy: 'spread' | 'binpack';
  /** Events of engines: lost, doubled, or once each. */
  eventCopies: () => number = () => 1;
  #steps = 0;
  #calls = { atStep: 0, count: 0 };
  #broken: Broken | undefined;

  constructor(options: SimulationOptions) {
    this.seed = options.seed;
    this.dice = new Dice(options.seed);
    this.trace = new Trace(() => this.queue.nowMs, options.print);
    const { dice } = this;
    this.topology = dice.weighted([
      ['single', 3],
      ['cluster-store', 4],
      ['swarm', 2],
    ] as const);
    this.sessionTimeoutMs = dice.pick([4_000, 10_000, 20_000]);
    this.nodeLostAfterMs = dice.pick([30_000, 60_000]);
    this.isCluster = dice.chance(0.9);
    this.strategy = dice.pick(['spread', 'binpack'] as const);
    const names = Array.from({ length: dice.int(2, 5) }, (_, index) => `node${index + 1}`);
    this.world = this.#makeWorld(names);
    const latency = dice.fork();
    this.coordinator = new SimulatedCoordinator({
      clock: trueClock(this.queue),
      random: dice.fork().next,
      sessionTimeoutMs: this.sessionTimeoutMs,
      latency: () => latency.int(1, 4),
    });
    const now = (): number => this.queue.nowMs;
    this.machines = this.world.hosts.map(
      (host) => new Machine(host, new ManifestFolder(now), { labels: { disk: dice.pick(DISKS) }, now }),
    );
    this.script = new Script(dice.fork(), names, this.topology);
    this.checker = new Checker(this);
    this.faults = new FaultPlan(this, dice.fork());
  }

  /** Without contact for this long, a node's movable containers may be given away before long. */
  get fenceMs(): number {
    return Math.max(this.sessionTimeoutMs, (2 / 3) * this.nodeLostAfterMs);
  }

  machine(name: string): Machine {
    return this.machines.find((machine) => machine.name === name)!;
  }

  /** Notes a broken promise; the seed ends with the first one. */
  break(invariant: string, message: string): void {
    this.trace.tell('checker', `${invariant}: ${message}`);
    this.#broken ??= new Broken(invariant, message);
  }

  /** Runs the whole seed. */
  async run(): Promise<SeedResult> {
    try {
      await this.#play();
    } catch (error) {
      const broken =
        error instanceof Broken
          ? error
          : new Broken('crash', error instanceof Error ? String(error.stack) : String(error));
      const { invariant, message } = broken;
      return this.#result({ invariant, message, story: this.trace.story() });
    }
    return this.#result();
  }

  async #play(): Promise<void> {
    this.publish('the first manifests');
    for (const machine of this.machines) {
      this.queue.at(this.dice.int(0, 3_000), () => this.boot(machine));
    }
    this.checker.prepare();
    const faultsMs = this.faults.schedule();
    await this.pass(faultsMs);
    this.trace.tell('sim', 'all faults end');
    this.faults.end();
    this.publish('the last manifests');
    await this.checker.convergence((ms) => this.pass(ms));
  }

  /** Lets time pass, one event at a time, each with everything that follows from it at once. */
  async pass(ms: number): Promise<void> {
    const endMs = this.queue.nowMs + ms;
    this.#requireWhole();
    while (this.queue.step(endMs)) {
      await drained();
      this.#steps += 1;
      this.checker.afterStep();
      this.#requireWhole();
      if (this.#steps > MAX_STEPS) throw new Broken('bounded effort', `more than ${MAX_STEPS} steps`);
    }
  }

  /** Calls that fail at once and are tried again at once go on for ever, and no time passes. */
  #mayCall(): boolean {
    if (this.#calls.atStep !== this.#steps) this.#calls = { atStep: this.#steps, count: 0 };
    this.#calls.count += 1;
    if (this.#calls.count <= MAX_CALLS_AT_ONCE) return true;
    this.break('bounded effort', `${MAX_CALLS_AT_ONCE} calls at one moment: something runs in a circle`);
    return false;
  }

  #requireWhole(): void {
    if (this.#broken) throw this.#broken;
  }

  /** Starts the agent of a machine, if it can run and does not. */
  boot(machine: Machine): void {
    if (machine.isOff || machine.process) return;
    this.trace.tell(machine.name, 'agent starts');
    const { dice, trace, nodeLostAfterMs, strategy } = this;
    const clock = new ProcessClock(this.queue, {
      baseMs: dice.int(0, 1_000_000),
      skewMs: dice.int(-5_000, 5_000),
    });
    machine.bootedMs = this.queue.nowMs;
    machine.thaw();
    machine.process = new AgentProcess({
      ...{ machine, clock, dice, trace, nodeLostAfterMs, strategy },
      ...(this.isCluster ? { store: this.coordinator.open(machine.name, { clock }) } : {}),
      mayCall: () => this.#mayCall(),
      died: () => {
        machine.process = undefined;
        this.coordinator.cut(machine.name);
      },
    });
  }

  /** Hands the manifests out; each machine gets them a little later, one after the other. */
  publish(what: string, lagMs = 2_000): void {
    const revision = makeRevision(this.script.objects.values());
    this.trace.tell('manifests', `${what}: revision ${revision.digest.slice(0, 8)}`);
    this.checker.published(revision);
    for (const machine of this.machines) {
      this.queue.at(this.queue.nowMs + this.dice.int(0, lagMs), () => {
        // A slow machine may get an older revision after a newer one was published; the newest wins.
        if (revision === this.checker.newest) machine.folder.set({ revision, diagnostics: [] });
      });
    }
  }

  #makeWorld(names: string[]): SimulatedWorld {
    const { dice, topology } = this;
    const chance = dice.fork();
    const world = new SimulatedWorld({
      clock: trueClock(this.queue),
      topology,
      hosts: names,
      images: ['busybox'],
      seed: dice.int(0, 2 ** 30),
      latency: {
        operations: {
          observe: dice.int(2, 30),
          createNetwork: dice.int(5, 200),
          removeNetwork: dice.int(5, 100),
          ensureImage: dice.int(1, 2_000),
          createContainer: dice.int(5, 200),
          startContainer: dice.int(10, 800),
          stopContainer: dice.int(10, 3_000),
          removeContainer: dice.int(5, 100),
          connect: dice.int(5, 700),
          disconnect: dice.int(5, 60),
        },
        serialShare: 0.3,
      },
      bell: { delayMs: dice.int(1, 60), copies: () => this.eventCopies() },
    });
    world.faults = (call) => this.#engineCall(call, chance);
    return world;
  }

  #engineCall(call: EngineCall, chance: Dice): Promise<void> | undefined {
    const machine = this.machine(call.host);
    this.checker.engineCall(call, machine);
    const { before, after, delayMs } = machine.trouble;
    const fails = call.phase === 'before' ? before : after;
    if (fails > 0 && chance.chance(fails)) {
      this.trace.tell(call.host, `engine: ${call.operation} fails ${call.phase} its work`);
      const code = call.phase === 'before' ? 'engine-unreachable' : 'engine-timeout';
      return Promise.reject(new OvrError(code, 'transient', `fault ${call.phase} ${call.operation}`));
    }
    if (delayMs === 0 || call.phase === 'after') return undefined;
    const waitMs = Math.min(WAIT_MS, chance.int(0, delayMs));
    return new Promise((resolve) => void this.queue.at(this.queue.nowMs + waitMs, resolve));
  }

  #result(failure?: SeedFailure): SeedResult {
    return {
      seed: this.seed,
      digest: this.trace.digest(),
      simulatedMs: this.queue.nowMs,
      steps: this.#steps,
      faults: Object.fromEntries(this.faults.counts),
      ...(failure ? { failure } : {}),
    };
  }
}

/** Ends when all promise callbacks that are ready, and those that they make ready, have run. */
function drained(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
