import type { ContainerRecord } from '../../pkg/reconcile/simulated/index.ts';
import { readOwnership } from '../../pkg/api/index.ts';
import type { Dice } from './dice.ts';
import type { Machine } from './machine.ts';
import { INHERITED } from './foreign.ts';
import { DISKS } from './script.ts';
import { makeRevision } from './source.ts';
import type { Simulation } from './simulation.ts';

/** Puts a fault in; returns what ends it again, where it lasts. */
type Fault = (
  sim: Simulation,
  dice: Dice,
) => { readonly told: string; readonly undo?: () => void } | undefined;

const SHORTEST_MS = 300;
const LONGEST_MS = 150_000;

function anyMachine(sim: Simulation, dice: Dice): Machine {
  return dice.pick(sim.machines);
}

function anyProcess(sim: Simulation, dice: Dice): Machine | undefined {
  const alive = sim.machines.filter(({ process }) => process);
  return alive.length === 0 ? undefined : dice.pick(alive);
}

/** Containers of a machine that the cluster owns. */
function owned(machine: Machine): ContainerRecord[] {
  return [...machine.host.containers.values()].filter(
    ({ labels, name }) => readOwnership(labels)?.cluster === 'sim' && name !== INHERITED,
  );
}

function restartLater(sim: Simulation, machine: Machine, dice: Dice): void {
  if (dice.chance(0.1)) loseDisk(machine);
  sim.queue.at(sim.queue.nowMs + dice.spread(200, 90_000), () => sim.boot(machine));
}

/** What can go wrong, by name. Names are what the report counts. */
const FAULTS: Readonly<Record<string, Fault>> = {
  'agent killed': (sim, dice) => {
    const machine = anyProcess(sim, dice);
    if (!machine) return undefined;
    machine.process!.kill('of SIGKILL');
    restartLater(sim, machine, dice);
    return { told: machine.name };
  },
  'agent dies at a call': (sim, dice) => {
    const machine = anyProcess(sim, dice);
    if (!machine) return undefined;
    const phase = dice.pick(['before', 'after'] as const);
    machine.process!.doom(dice.spread(1, 60), phase);
    // Whenever it dies: a service manager starts it again.
    sim.faults.supervise(machine);
    return { told: `${machine.name}, soon` };
  },
  'agent frozen': (sim, dice) => {
    const machine = anyProcess(sim, dice);
    if (!machine) return undefined;
    machine.freeze();
    return { told: machine.name, undo: () => machine.thaw() };
  },
  'wall clock jumps': (sim, dice) => {
    const machine = anyProcess(sim, dice);
    if (!machine) return undefined;
    const jumpMs = dice.pick([-1, 1]) * dice.spread(1_000, 10 * 365 * 86_400_000);
    machine.process!.clock.skewMs += jumpMs;
    return { told: `${machine.name} by ${jumpMs} ms` };
  },
  'engine unreachable': (sim, dice) => {
    const machine = anyMachine(sim, dice);
    if (machine.isOff) return undefined;
    machine.isEngineDown = true;
    machine.host.setDown('no such socket');
    return { told: machine.name, undo: () => engineUp(machine) };
  },
  'engine restarts': (sim, dice) => {
    const machine = anyMachine(sim, dice);
    if (machine.isOff) return undefined;
    sim.checker.byHand(() => machine.host.hand.restartDaemon({ attachFails: dice.chance(0.3) }));
    machine.disturbed();
    return { told: machine.name };
  },
  'engine calls fail': (sim, dice) => {
    const machine = anyMachine(sim, dice);
    machine.trouble = { ...machine.trouble, before: 0.1 + 0.4 * dice.next() };
    return { told: machine.name, undo: () => (machine.trouble = { ...machine.trouble, before: 0 }) };
  },
  'engine answers lost': (sim, dice) => {
    const machine = anyMachine(sim, dice);
    machine.trouble = { ...machine.trouble, after: 0.1 + 0.4 * dice.next() };
    return { told: machine.name, undo: () => (machine.trouble = { ...machine.trouble, after: 0 }) };
  },
  'engine slow': (sim, dice) => {
    const machine = anyMachine(sim, dice);
    machine.trouble = { ...machine.trouble, delayMs: dice.spread(50, 5_000) };
    return { told: machine.name, undo: () => (machine.trouble = { ...machine.trouble, delayMs: 0 }) };
  },
  'engine events lost': (sim) => {
    sim.eventCopies = () => 0;
    return { told: 'all hosts', undo: () => (sim.eventCopies = () => 1) };
  },
  'engine events doubled': (sim) => {
    sim.eventCopies = () => 2;
    return { told: 'all hosts', undo: () => (sim.eventCopies = () => 1) };
  },
  'disk full': (sim, dice) => {
    const machine = anyMachine(sim, dice);
    machine.isDiskFull = true;
    return { told: machine.name, undo: () => (machine.isDiskFull = false) };
  },
  'host dies': (sim, dice) => {
    const machine = anyMachine(sim, dice);
    if (machine.isOff || sim.machines.filter(({ isOff }) => !isOff).length < 2) return undefined;
    machine.isOff = true;
    machine.host.setDown('no route to host');
    machine.process?.kill('with its host');
    return { told: machine.name, undo: () => powerOn(sim, machine, dice) };
  },
  'drift: container removed': (sim, dice) =>
    drift(sim, dice, (machine, { id }) => machine.host.hand.remove(id)),
  'drift: container stopped': (sim, dice) =>
    drift(sim, dice, (machine, { id }) => machine.host.hand.stop(id)),
  'drift: container killed': (sim, dice) => drift(sim, dice, (machine, { id }) => machine.host.hand.kill(id)),
  'drift: container crashes': (sim, dice) =>
    drift(sim, dice, (machine, { id }) => machine.host.hand.crash(id)),
  'drift: container paused': (sim, dice) =>
    drift(sim, dice, (machine, { id }) => machine.host.hand.pause(id)),
  'drift: container renamed': (sim, dice) =>
    drift(sim, dice, (machine, { id }) => {
      // Nobody can tell whose it is once both its name and the agent's memory of it are lost.
      const saved = JSON.parse(machine.disk.get('state.json') ?? '{}') as { createdIds?: readonly string[] };
      if (!saved.createdIds?.includes(id)) throw new Error('not remembered');
      machine.host.hand.rename(id, `lost-${sim.queue.nowMs}`);
    }),
  'drift: endpoint removed': (sim, dice) =>
    drift(sim, dice, (machine, { id, endpoints }) => {
      const name = [...endpoints.keys()][0];
      if (name !== undefined) machine.host.hand.disconnect(id, name);
    }),
  'manifests change': (sim) => {
    const told = sim.script.change();
    sim.publish(told);
    return { told };
  },
  'manifests change slowly': (sim) => {
    const told = sim.script.change();
    sim.publish(told, 60_000);
    return { told };
  },
  'manifests in doubt': (sim, dice) => {
    const machine = anyMachine(sim, dice);
    const { revision } = machine.folder.state;
    if (!revision) return undefined;
    // One of several folders is gone, and what was declared there with it.
    const rest = [...revision.objects.values()].filter(() => dice.chance(0.6));
    machine.folder.set({ revision: makeRevision(rest), diagnostics: [], doubt: 'a folder is gone' });
    return { told: machine.name, undo: () => restoreFolder(sim, machine) };
  },
  'manifests empty': (sim, dice) => {
    const machine = anyMachine(sim, dice);
    if (!machine.folder.state.revision) return undefined;
    machine.folder.set({ revision: sim.checker.emptyRevision(), diagnostics: [] });
    return { told: machine.name, undo: () => restoreFolder(sim, machine) };
  },
  'manifest unreadable': (sim, dice) => {
    const machine = anyMachine(sim, dice);
    const revision = machine.folder.state.revision;
    if (!revision || revision.objects.size === 0) return undefined;
    const key = dice.pick([...revision.objects.keys()]);
    machine.folder.set({ revision: sim.checker.without(revision, key), diagnostics: [] });
    return { told: `${key} on ${machine.name}`, undo: () => restoreFolder(sim, machine) };
  },
  'node label changes': (sim, dice) => {
    const machine = anyMachine(sim, dice);
    const disk = dice.pick(DISKS);
    machine.label({ disk });
    return { told: `${machine.name}: disk=${disk}` };
  },
  partition: (sim, dice) => {
    const machine = anyMachine(sim, dice);
    const way = dice.pick(['both', 'to-server', 'to-client'] as const);
    sim.coordinator.partition(machine.name, way);
    return {
      told: `${machine.name} from the coordinator, ${way}`,
      undo: () => sim.coordinator.partition(machine.name, 'none'),
    };
  },
  'slow link': (sim, dice) => {
    const machine = anyMachine(sim, dice);
    sim.coordinator.slow(machine.name, dice.spread(20, 2 * sim.sessionTimeoutMs));
    return { told: machine.name, undo: () => sim.coordinator.slow(machine.name, 0) };
  },
  'connection cut': (sim, dice) => {
    const machine = anyMachine(sim, dice);
    sim.coordinator.cut(machine.name);
    return { told: machine.name };
  },
  'session expired': (sim, dice) => {
    const machine = anyMachine(sim, dice);
    sim.coordinator.expire(machine.name);
    return { told: machine.name };
  },
  'coordinator frozen': (sim) => {
    sim.coordinator.freeze();
    return { told: 'all', undo: () => sim.coordinator.thaw() };
  },
  'coordinator down': (sim) => {
    sim.coordinator.stop();
    return { told: 'all', undo: () => sim.coordinator.start() };
  },
  'coordinator restarts': (sim) => {
    sim.coordinator.restart();
    return { told: 'all' };
  },
  'coordinator wiped': (sim) => {
    sim.coordinator.wipe();
    sim.checker.treeReplaced();
    return { told: 'all' };
  },
  'coordinator rolled back': (sim, dice) => {
    const snapshot = sim.coordinator.snapshot();
    const delayMs = dice.spread(1_000, 120_000);
    sim.queue.at(sim.queue.nowMs + delayMs, () => {
      if (sim.faults.isOver) return;
      sim.trace.tell('fault', `coordinator rolled back by ${delayMs} ms`);
      sim.coordinator.rollback(snapshot);
      sim.checker.treeReplaced();
    });
    return { told: `backup; restored in ${delayMs} ms` };
  },
  'store requests lost': (sim, dice) => loseRequests(sim, dice, 'before'),
  'store answers lost': (sim, dice) => loseRequests(sim, dice, 'after'),
  'credentials refused': (sim, dice) => {
    const machine = anyMachine(sim, dice);
    sim.coordinator.refuse(machine.name, true);
    return { told: machine.name, undo: () => sim.coordinator.refuse(machine.name, false) };
  },
};

function loseRequests(sim: Simulation, dice: Dice, phase: 'before' | 'after'): ReturnType<Fault> {
  const chance = dice.fork();
  const probability = 0.05 + 0.3 * dice.next();
  sim.coordinator.faults = (call) =>
    call.phase === phase && call.request.type !== 'ping' && chance.chance(probability) ? 'lost' : undefined;
  return { told: `${Math.round(100 * probability)} %`, undo: () => (sim.coordinator.faults = undefined) };
}

function drift(
  sim: Simulation,
  dice: Dice,
  change: (machine: Machine, container: ContainerRecord) => void,
): ReturnType<Fault> {
  const machine = anyMachine(sim, dice);
  const containers = owned(machine);
  if (machine.isOff || containers.length === 0) return undefined;
  const container = dice.pick(containers);
  try {
    sim.checker.byHand(() => change(machine, container));
  } catch {
    // The engine refuses it in this state.
    return undefined;
  }
  return { told: `${container.name} on ${machine.name}` };
}

function loseDisk(machine: Machine): void {
  const isOneRenamed = [...machine.host.containers.values()].some(({ name }) => name.startsWith('lost-'));
  if (isOneRenamed) return;
  machine.disk.clear();
  machine.knowsBindings = false;
}

function engineUp(machine: Machine): void {
  machine.isEngineDown = false;
  if (!machine.isOff) machine.host.setUp();
}

function powerOn(sim: Simulation, machine: Machine, dice: Dice): void {
  if (!machine.isOff) return;
  machine.isOff = false;
  if (dice.chance(0.1)) loseDisk(machine);
  if (!machine.isEngineDown) machine.host.setUp();
  sim.checker.byHand(() => machine.host.hand.restartDaemon());
  machine.disturbed();
  sim.trace.tell(machine.name, 'host is back');
  sim.queue.at(sim.queue.nowMs + dice.spread(100, 20_000), () => sim.boot(machine));
}

function restoreFolder(sim: Simulation, machine: Machine): void {
  const revision = sim.checker.newest;
  if (revision) machine.folder.set({ revision, diagnostics: [] });
}

/** The faults of one seed: a few kinds of all that there are, so that they meet in ever new company. */
export class FaultPlan {
  readonly counts = new Map<string, number>();
  readonly #sim: Simulation;
  readonly #dice: Dice;
  readonly #undos = new Set<() => void>();
  readonly #supervised = new Set<Machine>();
  #isOver = false;

  constructor(sim: Simulation, dice: Dice) {
    this.#sim = sim;
    this.#dice = dice;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Puts the faults on the time line; returns how long they go on, milliseconds. */
  schedule(): number {
    const dice = this.#dice;
    const kinds = Object.keys(FAULTS).filter(() => dice.chance(0.35));
    const count = kinds.length === 0 ? 0 : dice.int(4, 24);
    const firstMs = dice.pick([0, 20_000]);
    const lengthMs = dice.spread(60_000, 480_000);
    for (let index = 0; index < count; index += 1) {
      const kind = dice.pick(kinds);
      this.#sim.queue.at(firstMs + dice.int(0, lengthMs), () => this.#inject(kind));
    }
    return firstMs + lengthMs + 1;
  }

  /** Ends everything that lasts; whoever is dead starts again. */
  end(): void {
    this.#isOver = true;
    for (const undo of [...this.#undos]) undo();
    for (const machine of this.#sim.machines) {
      machine.process?.spare();
      this.#sim.queue.at(this.#sim.queue.nowMs + this.#dice.int(0, 2_000), () => this.#sim.boot(machine));
    }
  }

  /** Starts the machine's agent again whenever it has died. */
  supervise(machine: Machine): void {
    if (this.#supervised.has(machine)) return;
    this.#supervised.add(machine);
    const look = (): void => {
      if (!machine.process && !this.#isOver) this.#sim.boot(machine);
      if (!this.#isOver) this.#sim.queue.at(this.#sim.queue.nowMs + 5_000, look);
    };
    this.#sim.queue.at(this.#sim.queue.nowMs + 5_000, look);
  }

  #inject(kind: string): void {
    if (this.#isOver) return;
    const sim = this.#sim;
    const done = FAULTS[kind]?.(sim, this.#dice);
    if (!done) return;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    sim.trace.tell('fault', `${kind}: ${done.told}`);
    const { undo } = done;
    if (!undo) return;
    const end = (): void => {
      if (!this.#undos.delete(end)) return;
      sim.trace.tell('fault', `ends: ${kind}: ${done.told}`);
      undo();
    };
    this.#undos.add(end);
    sim.queue.at(sim.queue.nowMs + this.#dice.spread(SHORTEST_MS, LONGEST_MS), end);
  }
}
