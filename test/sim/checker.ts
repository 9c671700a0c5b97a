import type { ObjectKey } from '../../pkg/api/index.ts';
import type { Revision } from '../../pkg/manifest/index.ts';
import type { EngineCall } from '../../pkg/reconcile/simulated/index.ts';
import { Convergence } from './convergence.ts';
import { CopyCheck, mayMove } from './copies.ts';
import { Evidence } from './evidence.ts';
import { ForeignCheck } from './foreign.ts';
import type { Machine } from './machine.ts';
import type { Simulation } from './simulation.ts';
import { makeRevision } from './source.ts';
import { TreeCheck } from './tree.ts';

const READS: ReadonlySet<string> = new Set([
  'facts',
  'observe',
  'containerState',
  'containerSeat',
  'ensureImage',
]);
/** Between two looks at everything, when nothing asks for one. */
const LOOK_MS = 500;

/** Looks over everybody's shoulder: what must hold at every moment, and what must hold in the end. */
export class Checker {
  readonly tree: TreeCheck;
  newest: Revision | undefined;
  /** Calls that change something, since the start. */
  changes = 0;
  /** Told of each call that changes something, before it is done. */
  onCall: ((call: EngineCall, machine: Machine) => void) | undefined;
  readonly #sim: Simulation;
  readonly #evidence: Evidence;
  readonly #foreign: ForeignCheck;
  readonly #copies: CopyCheck;
  /** When manifests last kept a container where it is, by its name. */
  readonly #fixedUntilMs = new Map<string, number>();
  #isDirty = true;
  #lookedMs = 0;

  constructor(sim: Simulation) {
    this.#sim = sim;
    this.tree = new TreeCheck(sim);
    this.#evidence = new Evidence(sim, this.tree);
    this.#foreign = new ForeignCheck(sim);
    this.#copies = new CopyCheck(sim);
  }

  /** Puts foreign objects beside everything. */
  prepare(): void {
    this.#foreign.prepare();
  }

  published(revision: Revision): void {
    const nowMs = this.#sim.queue.nowMs;
    for (const { kind, key, name } of this.newest?.objects.values() ?? []) {
      const isFixed = kind === 'Container' && !mayMove(this.newest, name);
      if (isFixed && revision.objects.has(key)) this.#fixedUntilMs.set(name, nowMs);
    }
    this.newest = revision;
  }

  /** Whether all manifests of that long have let the cluster move a container. */
  hasBeenMovable(name: string, forMs: number): boolean {
    return this.#sim.queue.nowMs - (this.#fixedUntilMs.get(name) ?? -Infinity) > forMs;
  }

  emptyRevision(): Revision {
    return makeRevision([]);
  }

  /** The same with one manifest that cannot be read. */
  without(revision: Revision, key: ObjectKey): Revision {
    const rest = [...revision.objects.values()].filter((object) => object.key !== key);
    return makeRevision(rest, [key]);
  }

  /** Somebody else than an agent changes something. */
  byHand(act: () => void): void {
    this.#foreign.check();
    try {
      act();
    } finally {
      this.#foreign.take();
      this.#isDirty = true;
    }
  }

  /** The coordinator has another past now. */
  treeReplaced(): void {
    this.tree.replaced();
    this.#isDirty = true;
  }

  /** Each call of an agent, before and after its work. */
  engineCall(call: EngineCall, machine: Machine): void {
    if (READS.has(call.operation)) return;
    if (call.phase === 'before') {
      this.changes += 1;
      this.onCall?.(call, machine);
      this.#copies.track(machine);
      this.#sim.trace.tell(call.host, `engine: ${this.#evidence.describe(call, machine)}`);
      this.#evidence.check(call, machine);
      return;
    }
    this.#isDirty = true;
    this.#foreign.check(machine);
  }

  afterStep(): void {
    const { nowMs } = this.#sim.queue;
    if (!this.#isDirty && nowMs - this.#lookedMs < LOOK_MS) return;
    this.#isDirty = false;
    this.#lookedMs = nowMs;
    for (const machine of this.#sim.machines) this.#evidence.look(machine);
    this.#copies.check();
  }

  /** What must come about once nothing goes wrong any more. */
  convergence(pass: (ms: number) => Promise<void>): Promise<void> {
    return new Convergence(this.#sim, pass).run();
  }

  checkForeign(): void {
    this.#foreign.check();
  }
}
