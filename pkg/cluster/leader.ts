import { compareStrings, objectKey } from '../api/index.ts';
import type { Revision } from '../manifest/index.ts';
import type { PlacementNode, Strategy } from '../placement/index.ts';
import type { Change } from './batches.ts';
import type { Bindings, Share } from './bindings.ts';
import { decide, handOver, type Decided, type DecideInput } from './decide.ts';
import { boundUnplaced, sameDecision, type Decision } from './decision.ts';
import { DecisionWriter, type WriteCounts } from './decision-writer.ts';
import type { Election } from './election.ts';
import { Ledger } from './ledger.ts';
import { Loop } from './loop.ts';
import type { Member } from './member.ts';
import { newcomers } from './newcomers.ts';
import type { Parts } from './parts.ts';
import { ReportBook } from './report-book.ts';
import { Roster } from './roster.ts';
import { compareStamps, NO_STAMP, type Stamp } from './stamp.ts';
import { Term } from './term.ts';

export interface LeaderDeps {
  readonly election: Pick<Election, 'leadership' | 'doubt' | 'raiseAbove'>;
  readonly strategy: Strategy;
  readonly revision: () => { revision?: Revision; doubt?: string };
}

/** Several changes that come together are one decision. */
const COALESCE_MS = 3;
/** Ends what a node in trouble may delay: after this many session timeouts a recovery goes on without its report. */
const REPORT_PATIENCE = 3;

/**
 * Decides for the whole cluster while this agent leads. Each round looks at everything that counts (members, bindings, manifests) and writes
 * what differs; where nothing differs it writes nothing. Every write carries the checks of the election, so a leader that has been deposed
 * without knowing changes nothing.
 */
export class Leader {
  readonly #parts: Parts;
  readonly #deps: LeaderDeps;
  readonly #loop: Loop;
  readonly #roster: Roster;
  readonly #ledger: Ledger;
  readonly #reports: ReportBook;
  readonly #writer: DecisionWriter;
  #term: Term | undefined;

  constructor(parts: Parts, deps: LeaderDeps) {
    this.#parts = parts;
    this.#deps = deps;
    this.#loop = new Loop(parts.loop('leader'), () => this.#round());
    const changed = (): void => this.ring();
    this.#roster = new Roster(parts, changed);
    this.#ledger = new Ledger(parts.store, changed);
    this.#reports = new ReportBook(parts.store, changed);
    this.#writer = new DecisionWriter(parts, { ledger: this.#ledger, election: deps.election });
  }

  /** Commits as the leader, and those that were refused because another leads. */
  get writes(): WriteCounts {
    return this.#writer.counts;
  }

  /** Names of the members, for as long as this agent leads. */
  get members(): readonly string[] | undefined {
    return this.#ruling && [...this.#roster.present].sort(compareStrings);
  }

  /** Nodes that this leader has given up. */
  get lost(): ReadonlySet<string> {
    const { clock, options } = this.#parts;
    return this.#ruling?.lost(clock.monotonic(), options.nodeLostAfterMs) ?? new Set();
  }

  /** The term, while it lasts. */
  get #ruling(): Term | undefined {
    const epoch = this.#deps.election.leadership?.epoch;
    return epoch !== undefined && this.#term?.leadership.epoch === epoch ? this.#term : undefined;
  }

  ring(): void {
    this.#loop.ring(COALESCE_MS);
  }

  /** What the leader wrote may not be there any more. */
  doubt(): void {
    if (!this.#ruling) return;
    this.#ledger.doubt();
    this.ring();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #round(): Promise<void> {
    const term = this.#currentTerm();
    if (!term) return;
    await this.#roster.refresh();
    await this.#ledger.refresh();
    if (!this.#leads(term)) return;
    term.turn = Math.max(term.turn, this.#ledger.lastTurn(term.leadership.epoch));
    const higher = this.#higherEpoch(term);
    if (higher !== undefined) {
      this.#deps.election.raiseAbove(higher);
      return;
    }
    this.#look(term);
    const { revision, doubt } = this.#deps.revision();
    if (!revision || !this.#mayDecide(term)) return;
    const beganMs = this.#parts.clock.monotonic();
    const lost = this.lost;
    const fresh = newcomers(revision, this.#ledger);
    await this.#reports.refresh(this.#nodesToAsk(term, fresh));
    if (!(await this.#roster.areAbsent(this.#lostWithLeaving(lost)))) {
      this.ring();
      return;
    }
    if (!this.#leads(term) || this.#isWaitingForReports(term)) return;
    // As nodes do: nothing is given up because the sources declare nothing at all.
    const isInDoubt = doubt !== undefined || revision.objects.size === 0;
    const decided = decide(this.#input(term, { revision, isInDoubt, lost }, fresh));
    await this.#write(term, decided, revision.digest);
    if (decided.waiting.size > 0) await this.#handOver(term, decided, { lost, revision });
    this.#scheduleNext(term, beganMs);
  }

  /** Gives away what lost nodes had, if these are absent still now that their loss is written. The next round would; deciding takes long. */
  async #handOver(
    term: Term,
    decided: Decided,
    { lost, revision }: { lost: ReadonlySet<string>; revision: Revision },
  ): Promise<void> {
    const areAbsent = await this.#roster.areAbsent(this.#lostWithLeaving(lost));
    if (areAbsent && this.#leads(term)) await this.#write(term, handOver(decided), revision.digest);
  }

  /** The term of the present leadership; begun anew when the epoch is another one. */
  #currentTerm(): Term | undefined {
    const { election } = this.#deps;
    const { clock, contact, journal } = this.#parts;
    const { leadership } = election;
    if (!leadership) {
      // The term stays: over a lost connection the same one may go on, and its stamps must not begin again.
      for (const topic of ['ledger', 'leader']) this.#parts.troubles.clear(topic);
      return undefined;
    }
    if (this.#term?.leadership.epoch !== leadership.epoch) {
      this.#term = new Term(leadership, clock.monotonic());
      journal('normal', `leads the cluster, epoch ${leadership.epoch}`);
    }
    this.#term.leadership = leadership;
    if (this.#term.connection !== contact.connection) {
      // Watches of an earlier connection never ring, and the store may have been put back meanwhile.
      this.#term.connection = contact.connection;
      this.#roster.reset();
      this.#ledger.doubt();
      this.#reports.reset();
    }
    return this.#term;
  }

  #leads(term: Term): boolean {
    const { leadership } = this.#deps.election;
    return leadership !== undefined && leadership === term.leadership && term === this.#term;
  }

  /** An epoch that a member has seen and this leader's is not above; undefined where there is none. */
  #higherEpoch(term: Term): number | undefined {
    const newest: Stamp = { epoch: term.leadership.epoch, turn: term.turn };
    let higher: number | undefined;
    for (const { seen } of this.#roster.members.values()) {
      const isAbove =
        seen.epoch > newest.epoch ||
        compareStamps(seen.bindings, newest) > 0 ||
        compareStamps(seen.decision, newest) > 0;
      if (isAbove) higher = Math.max(higher ?? 0, seen.epoch, seen.bindings.epoch, seen.decision.epoch);
    }
    return higher;
  }

  /** Notes who is away, and whether the store has lost what nodes have seen. */
  #look(term: Term): void {
    const { clock, store, options, journal } = this.#parts;
    const nowMs = clock.monotonic();
    term.see([...this.#ledger.nodes.keys(), ...this.#ledger.unreadable.keys()], this.#roster.present, nowMs);
    this.#tellUnreadable();
    const settleMs = store.sessionTimeoutMs();
    const hasLost = [...this.#roster.members].some(([node, member]) => this.#hasLost(node, member));
    const isBroken = [...this.#ledger.unreadable.values()].some(({ newer }) => !newer);
    if (this.#ledger.isBlank) term.decideAfterMs ??= nowMs + settleMs;
    if ((hasLost || isBroken || this.#ledger.isBlank) && !term.isRecovering) {
      term.isRecovering = true;
      term.decideAfterMs ??= nowMs + settleMs;
      if (hasLost) {
        term.placeNewAfterMs = nowMs + settleMs + options.nodeLostAfterMs;
        journal('warning', 'the coordinator has lost bindings; they are made again from what runs');
      }
    }
    if (hasLost) term.placeNewAfterMs ??= nowMs + settleMs + options.nodeLostAfterMs;
  }

  #tellUnreadable(): void {
    const problems = [...this.#ledger.unreadable.values()].map(({ problem }) => problem);
    this.#parts.troubles.be('ledger', problems.length === 0 ? undefined : problems.sort().join('; '));
  }

  #hasLost(node: string, { seen }: Member): boolean {
    const isInLedger = !this.#ledger.unreadable.has(node);
    return isInLedger && compareStamps(seen.bindings, this.#ledger.stampOf(node)) > 0;
  }

  #mayDecide(term: Term): boolean {
    const { clock, troubles } = this.#parts;
    const { decisionProblem } = this.#ledger;
    troubles.be(
      'leader',
      decisionProblem?.newer ? `${decisionProblem.problem}; nothing is decided` : undefined,
    );
    if (decisionProblem?.newer) return false;
    const waitMs = (term.decideAfterMs ?? 0) - clock.monotonic();
    if (waitMs > 0) this.#loop.ring(waitMs);
    return waitMs <= 0;
  }

  /**
   * Members whose reports count now: all of them in a recovery and for newcomers, else those that are to give something up or have inherited
   * something.
   */
  #nodesToAsk(term: Term, fresh: ReadonlySet<string>): Set<string> {
    if (term.isRecovering || fresh.size > 0) return new Set(this.#roster.present);
    const moving = [...this.#ledger.nodes].filter(
      ([, { leaving, inherited }]) => leaving.length + inherited.length > 0,
    );
    return new Set(moving.map(([node]) => node).filter((node) => this.#roster.present.has(node)));
  }

  /** Lost nodes about which something is to be concluded from their being lost. */
  #lostWithLeaving(lost: ReadonlySet<string>): string[] {
    return [...lost].filter((node) => (this.#ledger.nodes.get(node)?.leaving.length ?? 0) > 0);
  }

  /** In a recovery each member is heard first, within reason. */
  #isWaitingForReports(term: Term): boolean {
    if (!term.isRecovering) return false;
    const { clock, store } = this.#parts;
    const isHeard = ([, report]: [string, ReturnType<ReportBook['of']>]): boolean =>
      report?.engineUp === true;
    if ([...this.#reports.all()].every(isHeard)) return false;
    const patienceMs = store.sessionTimeoutMs() * REPORT_PATIENCE;
    const restMs = (term.decideAfterMs ?? 0) + patienceMs - clock.monotonic();
    if (restMs > 0) this.#loop.ring(restMs);
    return restMs > 0;
  }

  #input(
    term: Term,
    now: { revision: Revision; isInDoubt: boolean; lost: ReadonlySet<string> },
    fresh: ReadonlySet<string>,
  ): DecideInput {
    const hold = this.#hold(term);
    return {
      ...now,
      shares: this.#ledger.nodes,
      nodes: [...this.#roster.members].map(([, member]) => placementNode(member)),
      reported: this.#reported((name) => term.isRecovering || fresh.has(name)),
      gaveUp: (container, node) => this.#gaveUp(container, node, now.lost),
      runs: (container, node) => this.#runs(container, node),
      strategy: this.#deps.strategy,
      ...(hold === undefined ? {} : { hold }),
    };
  }

  #hold(term: Term): string | undefined {
    const restMs = (term.placeNewAfterMs ?? 0) - this.#parts.clock.monotonic();
    if (restMs > 0) return 'waits for nodes that may have it: the coordinator had lost its bindings';
    const blocking = [...this.#ledger.unreadable].find(
      ([node, { newer }]) => newer || this.#reports.of(node)?.engineUp !== true,
    );
    return (
      blocking && `waits, because a node may have it whose bindings are not known: ${blocking[1].problem}`
    );
  }

  #reported(counts: (name: string) => boolean): Map<string, ReadonlySet<string>> {
    const reported = new Map<string, Set<string>>();
    for (const [node, report] of this.#reports.all()) {
      for (const name of report?.held ?? []) {
        if (counts(name)) reported.set(name, (reported.get(name) ?? new Set()).add(node));
      }
    }
    return reported;
  }

  /**
   * A lost node has stopped it by itself before it was lost. A member has when it says so, having looked at its engine with the bindings in
   * hand that took it away: what it said before may be about the time before it started it.
   */
  #gaveUp(container: string, node: string, lost: ReadonlySet<string>): boolean {
    if (!this.#roster.present.has(node)) return lost.has(node);
    const report = this.#reports.of(node);
    if (!report?.engineUp || report.heldOmitted > 0) return false;
    const isAfter = compareStamps(report.acting, this.#ledger.stampOf(node)) >= 0;
    return isAfter && !report.held.includes(container);
  }

  /** A node that has it and says nothing against it has it as declared. */
  #runs(container: string, node: string): boolean {
    const report = this.#reports.of(node);
    if (!report?.held.includes(container)) return false;
    const key = objectKey('Container', container);
    const isAfter = compareStamps(report.acting, this.#ledger.stampOf(node)) >= 0;
    return isAfter && report.conditions.every((condition) => condition.key !== key);
  }

  async #write(term: Term, decided: Decided, revision: string): Promise<void> {
    const stamp: Stamp = { epoch: term.leadership.epoch, turn: term.turn + 1 };
    const changes = this.#changes(decided, stamp);
    const content = { revision, ...boundUnplaced(decided.unplaced) };
    const { decision } = this.#ledger;
    const isSame =
      decision !== undefined && sameDecision(decision, content) && !this.#isDecisionOld(decision);
    const next: Decision | undefined = isSame ? undefined : { ...content, ...stamp };
    if (changes.length === 0 && !next) {
      this.#settled(term);
      return;
    }
    term.turn = stamp.turn;
    await this.#writer.write(term.leadership, changes, next);
    this.#tellUnreadable();
    // What leaves is followed up by looking again: at reports that are watched from then on, and at nodes that are lost.
    const hasMoves = changes.some(
      ({ bindings: { leaving, inherited } }) => leaving.length + inherited.length > 0,
    );
    if (this.#ledger.isStale || hasMoves) this.ring();
    this.#settled(term);
  }

  /** A recovery ends once everybody was heard and nothing waits for anybody any more. */
  #settled(term: Term): void {
    if (term.isRecovering && this.#hold(term) === undefined) {
      term.isRecovering = false;
      term.decideAfterMs = undefined;
      term.placeNewAfterMs = undefined;
    }
  }

  #isDecisionOld(decision: Decision): boolean {
    return [...this.#roster.members.values()].some(({ seen }) => compareStamps(seen.decision, decision) > 0);
  }

  /** What is not as decided, and what a node has not got yet or would not believe. */
  #changes({ shares }: Decided, stamp: Stamp): Change[] {
    const nodes = new Set([...shares.keys(), ...this.#roster.present]);
    return [...nodes]
      .filter((node) => this.#mayWrite(node))
      .sort(compareStrings)
      .flatMap((node) => {
        const share = shares.get(node) ?? { names: [], leaving: [], inherited: [] };
        return this.#isWritten(node, share) ? [] : [{ node, bindings: { ...share, ...stamp } }];
      });
  }

  /** Those of a newer ovr stay as they are; broken ones are written anew once the node has told what it has. */
  #mayWrite(node: string): boolean {
    const unreadable = this.#ledger.unreadable.get(node);
    if (!unreadable) return true;
    return !unreadable.newer && this.#reports.of(node)?.engineUp === true;
  }

  /** Whether a node's bindings say this already, in a way that the node believes. */
  #isWritten(node: string, share: Share): boolean {
    const known = this.#ledger.nodes.get(node);
    const seen = this.#roster.members.get(node)?.seen.bindings ?? NO_STAMP;
    return known !== undefined && sameShare(known, share) && compareStamps(seen, known) <= 0;
  }

  /** What falls due while a round lasts, after it has looked at the time, counts as well: hence `beganMs`. */
  #scheduleNext(term: Term, beganMs: number): void {
    const { clock, options } = this.#parts;
    const tookMs = clock.monotonic() - beganMs;
    const waits = [
      term.nextLostInMs(beganMs, options.nodeLostAfterMs),
      term.placeNewAfterMs === undefined ? undefined : term.placeNewAfterMs - beganMs,
    ].filter((ms) => ms !== undefined && ms > 0);
    for (const ms of waits) this.#loop.ring(Math.max(0, Math.ceil((ms ?? 0) - tookMs)));
  }
}

function placementNode({ facts, nanoCpus, memoryBytes, engine }: Member): PlacementNode {
  const base = { facts, nanoCpus, memoryBytes };
  return engine.up ? base : { ...base, unhealthy: `its engine does not answer: ${engine.message}` };
}

function sameShare(a: Bindings, b: Share): boolean {
  return a === b || sameLists(a, b);
}

function sameLists(a: Bindings, b: Share): boolean {
  return sameList(a.names, b.names) && sameList(a.leaving, b.leaving) && sameList(a.inherited, b.inherited);
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index]);
}
