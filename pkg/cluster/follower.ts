import { readBindings, type Bindings, type BindingsRead } from './bindings.ts';
import { readDecision, sameDecision, type Decision } from './decision.ts';
import type { DocumentRead } from './document.ts';
import { readEpoch } from './election.ts';
import { Loop } from './loop.ts';
import { DECISION_PATH, EPOCH_PATH, bindingsPath } from './paths.ts';
import type { Parts } from './parts.ts';
import { compareStamps, type Stamp } from './stamp.ts';

/** What this node has been told, as far as it may be believed. */
export interface Told {
  /** Names of the containers bound here: the newest that could be believed, also from disk. */
  readonly bound: ReadonlySet<string>;
  /** When those were written. */
  readonly stamp: Stamp;
  /** What was taken from this node, and it has not been seen to have given up. */
  readonly leaving: ReadonlySet<string>;
  /** Of those bound here, the ones that a lost node may have left endpoints of. */
  readonly inherited: ReadonlySet<string>;
  /** Present only while the decision and the own bindings were both read, whole and not older than what was seen before. */
  readonly decision?: Decision;
}

export interface FollowerDeps {
  readonly mayRead: () => boolean;
  /** What there is was read once; believed or not, there is nothing more to wait for. */
  readonly looked: () => void;
  /** The own bindings were read over the present connection, and believed. */
  readonly believed: () => void;
  /** The store has gone back: others must know what this node has seen. */
  readonly wentBack: () => void;
  /** Something that the leader had written is gone or cannot be believed. */
  readonly lostDocument: () => void;
  /** told() is another one now. */
  readonly changed: () => void;
}

/** Another look at something that is being written in parts. */
const TORN_RETRY_MS = 100;
/** Over this time agents ask again after a change that all of them hear of. */
const SPREAD_MS = 250;

/**
 * Reads what the leader has decided for this node. The decision is read first and the bindings after it: bindings may then be newer than the
 * decision, never older, so `decided on my revision, and not bound here` is evidence. What is absent, broken, from a newer ovr or older
 * than what was seen before is no evidence of anything: what was bound before stays bound, and nothing counts as bound elsewhere.
 */
export class Follower {
  readonly #parts: Parts;
  readonly #deps: FollowerDeps;
  readonly #loop: Loop;
  readonly #ringNow: () => void;
  /** For what every agent hears of at once: the one whose bindings changed with it should not have to wait for all others. */
  readonly #ringSoon: () => void;
  #told: Told;
  #leader: { readonly name: string; readonly epoch: number } | undefined;

  constructor(parts: Parts, deps: FollowerDeps) {
    this.#parts = parts;
    this.#deps = deps;
    const loopDeps = parts.loop('bindings');
    this.#loop = new Loop(loopDeps, () => this.#round());
    this.#ringNow = () => this.#loop.ring();
    this.#ringSoon = () => this.#loop.ring(loopDeps.random() * SPREAD_MS);
    this.#told = { bound: new Set(), stamp: { epoch: 0, turn: 0 }, leaving: new Set(), inherited: new Set() };
  }

  /** Takes what is on disk, for as long as there is nothing newer. */
  restore(): void {
    const { bound, leaving, bindings } = this.#parts.memory.kept;
    this.#told = { bound: new Set(bound), stamp: bindings, leaving: new Set(leaving), inherited: new Set() };
  }

  get told(): Told {
    return this.#told;
  }

  /** As `epoch` says. */
  get leader(): { readonly name: string; readonly epoch: number } | undefined {
    return this.#leader;
  }

  ring(): void {
    this.#loop.ring();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #round(): Promise<void> {
    const { contact, store, node } = this.#parts;
    const { connection } = contact;
    if (connection === 0 || !this.#deps.mayRead()) return;
    // Asked together, for each agent of a large cluster waits for all others at every question. The store answers in this order.
    const [, decisionZnode, bindingsRead] = await Promise.all([
      this.#readLeader(this.#ringSoon),
      store.get(DECISION_PATH, this.#ringSoon),
      readBindings(store, node, this.#ringNow),
    ]);
    const decisionRead = decisionZnode && readDecision(decisionZnode.data);
    if (contact.connection !== connection || !this.#deps.mayRead()) return;
    if (decisionRead?.ok !== true || bindingsRead?.ok !== true) this.#deps.lostDocument();
    await this.#take(this.#judgeDecision(decisionRead), this.#judgeBindings(bindingsRead), connection);
  }

  /** Both are present only where they are believed. */
  async #take(
    decision: Decision | undefined,
    bindings: Bindings | undefined,
    connection: number,
  ): Promise<void> {
    const { bound, stamp, leaving, inherited } = this.#told;
    const told: Told = bindings
      ? {
          bound: new Set(bindings.names),
          stamp: { epoch: bindings.epoch, turn: bindings.turn },
          leaving: new Set(bindings.leaving),
          inherited: new Set(bindings.inherited),
          ...(decision ? { decision } : {}),
        }
      : { bound, stamp, leaving, inherited };
    // Kept before it is acted on: what has moved away must not be started again by an agent that restarts without a coordinator.
    await this.#keep(decision, told);
    const isNews = !sameTold(told, this.#told);
    this.#told = told;
    if (bindings && this.#parts.contact.connection === connection) this.#deps.believed();
    this.#deps.looked();
    if (isNews) this.#deps.changed();
  }

  #keep(decision: Decision | undefined, { stamp, bound, leaving }: Told): Promise<void> {
    const { kept } = this.#parts.memory;
    const epochs = [kept.epoch, decision?.epoch ?? 0, stamp.epoch, this.#leader?.epoch ?? 0];
    return this.#parts.keep({
      ...(decision ? { decision: { epoch: decision.epoch, turn: decision.turn } } : {}),
      bindings: stamp,
      bound: [...bound],
      leaving: [...leaving],
      epoch: Math.max(...epochs),
    });
  }

  async #readLeader(again: () => void): Promise<void> {
    const { store, troubles, memory } = this.#parts;
    const znode = await store.get(EPOCH_PATH, again);
    const read = znode && readEpoch(znode.data);
    if (read?.ok === false) {
      troubles.set('epoch', `${read.problem}; until then nobody leads`);
      return;
    }
    this.#leader = read && { name: read.value.leader, epoch: read.value.epoch };
    const isBack = read !== undefined && read.value.epoch < memory.kept.epoch;
    troubles.be(
      'epoch',
      isBack
        ? `the coordinator's epoch went back from ${memory.kept.epoch} to ${read.value.epoch}: what it says is not believed until the leader has gone above`
        : undefined,
    );
    if (isBack) this.#deps.wentBack();
  }

  #judgeDecision(read: DocumentRead<Decision> | undefined): Decision | undefined {
    const { troubles, memory } = this.#parts;
    if (read?.ok !== true) {
      troubles.be('decision', read?.problem);
      return undefined;
    }
    const isOld =
      compareStamps(read.value, memory.kept.decision) < 0 ||
      (this.#leader !== undefined && this.#leader.epoch < memory.kept.epoch);
    troubles.be(
      'decision',
      isOld ? 'the decision in the coordinator is older than one seen before' : undefined,
    );
    if (!isOld) return read.value;
    this.#deps.wentBack();
    return undefined;
  }

  #judgeBindings(read: BindingsRead | undefined): Bindings | undefined {
    const { troubles, memory, node } = this.#parts;
    if (read?.ok !== true) {
      troubles.be('bindings', read?.problem);
      if (read && 'torn' in read) this.#loop.ring(TORN_RETRY_MS);
      return undefined;
    }
    const { bindings } = read.value;
    const isOld = compareStamps(bindings, memory.kept.bindings) < 0;
    troubles.be(
      'bindings',
      isOld ? `znode ${bindingsPath(node)} is older than what was bound here before` : undefined,
    );
    if (!isOld) return bindings;
    this.#deps.wentBack();
    return undefined;
  }
}

function sameTold(a: Told, b: Told): boolean {
  const isSame = a.decision && b.decision ? sameDecision(a.decision, b.decision) : a.decision === b.decision;
  return (
    isSame &&
    compareStamps(a.stamp, b.stamp) === 0 &&
    sameNames(a.bound, b.bound) &&
    sameNames(a.leaving, b.leaving)
  );
}

function sameNames(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((name) => b.has(name));
}
