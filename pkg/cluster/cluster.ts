import { compareStrings, errorMessage, objectKey, OvrError, type Clock, type Logger } from '../api/index.ts';
import type { Revision } from '../manifest/index.ts';
import { literalNode } from '../constraint/index.ts';
import type { Questions } from '../check/index.ts';
import type { Strategy } from '../placement/index.ts';
import type {
  AgentStatus,
  ClusterView,
  Coordination,
  CoordinationState,
  CoordinatorStatus,
  HoldStore,
  EndpointQuestion,
  Inquiry,
  StateStore,
} from '../reconcile/index.ts';
import type { EngineFacts } from '../state/index.ts';
import { Contact } from './contact.ts';
import { Election } from './election.ts';
import { Follower } from './follower.ts';
import { Holds } from './holds.ts';
import { Inquiries, type Testify } from './inquiry.ts';
import { Leader } from './leader.ts';
import { Lease } from './lease.ts';
import { decodeName, FOLDERS } from './paths.ts';
import { Names } from './names.ts';
import { standingsOf } from './standings.ts';
import { Memory, type Kept } from './memory.ts';
import { Membership } from './membership.ts';
import type { Parts } from './parts.ts';
import { Poll } from './poll.ts';
import { makeReport, writeReport } from './report.ts';
import { Reporter } from './reporter.ts';
import { compareStamps } from './stamp.ts';
import type { CoordinationStore, StoreEvent } from './store.ts';
import type { SwarmDiscovery } from './swarm-discovery.ts';
import { Troubles } from './troubles.ts';
import { viewCluster } from './view.ts';
import { Witness } from './witness.ts';

export interface ClusterDeps {
  readonly store: CoordinationStore;
  /** For the newest bindings, and what must never go back; a file of its own. */
  readonly disk: StateStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Becomes a `Cluster` event. */
  readonly journal: (severity: 'normal' | 'warning', message: string) => void;
  /** Rings the reconciler: state() is another one. */
  readonly changed: () => void;
  /** The newest manifests, and why they may lack something. */
  readonly revision: () => { revision?: Revision; doubt?: string };
  readonly facts: () => Promise<EngineFacts>;
  /** This node's answer to what an agent asks all of them; absent: it never answers. */
  readonly answer?: (question: string) => Promise<string>;
  readonly discovery?: SwarmDiscovery;
  /** What this node's engine says to a question of another; absent: it cannot say. */
  readonly testify?: Testify;
}

export interface ClusterOptions {
  /** Of --cluster; all agents of one path have the same. */
  readonly cluster: string;
  /** Default: the engine's own name. */
  readonly nodeName?: string;
  /** Of ovr. */
  readonly version: string;
  /** How long a node may be away before what moves on node failure goes elsewhere. */
  readonly nodeLostAfterMs: number;
  readonly strategy: Strategy;
  readonly kind: 'zookeeper';
}

/** How often the newest contact is taken down, in session timeouts: a session that expires takes the knowledge with it. */
const SAMPLE_SHARE = 1 / 4;

/**
 * One agent's part in a cluster: it registers the node, learns what is bound to it, stands for leader, and decides for all while it leads.
 * Whatever happens to the coordinator, what runs here goes on running; only what may move on node failure stops when the lease is lost.
 */
export class Cluster implements Coordination {
  readonly #deps: ClusterDeps;
  readonly #options: ClusterOptions;
  readonly #parts: Parts;
  readonly #contact = new Contact();
  readonly #lease: Lease;
  readonly #membership: Membership;
  readonly #election: Election;
  readonly #follower: Follower;
  readonly #leader: Leader;
  readonly #reporter: Reporter;
  readonly #holds: Holds;
  readonly #names: Names;
  readonly #inquiries: Inquiries;
  readonly #poll: Poll;
  readonly #witness = new Witness();
  #members: readonly string[] = [];
  #otherRevisions: readonly string[] = [];
  #wasLeaseHeld = false;
  #hasLostLease = false;
  #cancelSample: () => void = () => undefined;
  readonly #unseen = new Set<'bindings' | 'holds'>(['bindings', 'holds']);
  #known: (() => void) | undefined;
  #isStopped = false;

  constructor(deps: ClusterDeps, options: ClusterOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#parts = this.#makeParts();
    const { store, clock } = deps;
    this.#lease = new Lease({
      nowMs: () => clock.monotonic(),
      lastContactMs: () => store.lastContactMs(),
      sessionTimeoutMs: () => store.sessionTimeoutMs(),
      nodeLostAfterMs: options.nodeLostAfterMs,
    });
    const isJoined = (): boolean => this.#membership.isJoined;
    this.#membership = new Membership(this.#parts, () => this.#membershipChanged());
    this.#election = new Election(this.#parts, {
      mayStand: isJoined,
      changed: () => this.#leadershipChanged(),
    });
    this.#leader = new Leader(this.#parts, {
      election: this.#election,
      strategy: options.strategy,
      revision: deps.revision,
    });
    this.#follower = new Follower(this.#parts, {
      mayRead: isJoined,
      looked: () => this.#looked('bindings'),
      believed: () => this.#bindingsBelieved(),
      wentBack: () => this.#membership.ring(),
      lostDocument: () => this.#leader.doubt(),
      changed: () => deps.changed(),
    });
    this.#reporter = new Reporter(this.#parts, isJoined);
    this.#holds = new Holds(this.#parts, {
      mayRead: isJoined,
      leads: () => this.#election.leadership !== undefined,
      looked: () => this.#looked('holds'),
      changed: () => deps.changed(),
    });
    this.#names = new Names(this.#parts, { isJoined, changed: () => deps.changed() });
    const testify: Testify = deps.testify ?? (() => Promise.reject(new Error('its engine is not asked')));
    const { answer } = deps;
    this.#poll = new Poll(this.#parts, {
      isJoined,
      pinned: () => this.#pinnedNodes(),
      topics: {
        endpoint: (question) => this.#inquiries.answer(question),
        ...(answer ? { check: answer } : {}),
      },
    });
    this.#inquiries = new Inquiries(this.#parts, { isJoined, testify, poll: this.#poll });
  }

  get holds(): HoldStore {
    return this.#holds;
  }

  get questions(): Questions {
    return this.#poll;
  }

  /**
   * Begins, and resolves once it is known what to act on: registered, own bindings and holds read, or refused, or one session timeout over
   * without. Never fails.
   */
  async start(): Promise<void> {
    const { clock, store, discovery } = this.#deps;
    try {
      await this.#parts.memory.load();
    } catch (error) {
      this.#tell(`cannot read what this agent knew of its cluster: ${errorMessage(error)}`);
    }
    this.#follower.restore();
    this.#holds.restore();
    if (this.#options.nodeName !== undefined) this.#parts.node = this.#options.nodeName;
    this.#sample();
    discovery?.start();
    await new Promise<void>((resolve) => {
      const cancel = clock.after(store.sessionTimeoutMs(), resolve);
      this.#known = () => {
        cancel();
        resolve();
      };
      store.start((event) => this.#take(event));
    });
    this.#known = undefined;
  }

  /** Ends the session: others see at once that this agent is gone. Containers go on running. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelSample();
    this.#known?.();
    await Promise.all([this.#deps.store.stop(), this.#deps.discovery?.stop()]);
    await Promise.all([
      this.#membership.stop(),
      this.#election.stop(),
      this.#follower.stop(),
      this.#leader.stop(),
      this.#reporter.stop(),
      this.#holds.stop(),
      this.#names.stop(),
      this.#inquiries.stop(),
      this.#poll.stop(),
    ]);
  }

  /** Asks every node on the cluster store for its own word. */
  inquire(question: EndpointQuestion): Promise<Inquiry> {
    return this.#inquiries.inquire(question);
  }

  /** To be called when there are new manifests, or a doubt about them began or ended. */
  sourceChanged(): void {
    this.#leader.ring();
  }

  /** To be called after each round of the agent, with what it found. */
  report(status: AgentStatus): void {
    const { stamp, leaving } = this.#follower.told;
    const seen = this.#witness.see(status, stamp);
    this.#membership.report(status);
    this.#names.tell(status.aliases, standingsOf(status, this.#deps.revision().revision));
    this.#reporter.report(writeReport(makeReport(status, this.#deps.revision().revision, seen)));
    // Somebody waits for this node to show that it has given something up, and only the next round can show that. One that did not reach
    // the engine shows nothing, and would ring for the next at once, for ever: the loop tries again in its own time.
    const isWaitedFor = leaving.size > 0 && compareStamps(seen.acting, stamp) < 0;
    if (isWaitedFor && status.engine.up) this.#deps.changed();
  }

  state(): CoordinationState {
    const { state } = this.#membership;
    if (state.type === 'refused') return state;
    const { decision, inherited } = this.#follower.told;
    const isHeld = this.leaseHeld();
    const { elsewhere } = this.#names;
    return {
      type: 'member',
      cluster: {
        bound: isHeld ? this.#follower.told.bound : this.#fenced(),
        ...(decision ? { decidedOn: decision.revision } : {}),
        unplaced: decision?.unplaced ?? new Map<string, string>(),
        unplacedOmitted: decision?.omitted ?? 0,
        leaseHeld: isHeld,
        fenceGraceMs: this.#lease.graceMs(),
        inherited,
        makesOverlays: this.#election.leadership !== undefined,
        ...(elsewhere ? { holders: elsewhere } : {}),
      },
    };
  }

  /**
   * What is bound, and what was and may still run here though nobody has decided where it goes: once this node is lost, the leader takes it
   * for stopped, so it has to stop here like everything else that moves.
   */
  #fenced(): ReadonlySet<string> {
    const { bound, leaving } = this.#follower.told;
    if (leaving.size === 0) return bound;
    const { revision } = this.#deps.revision();
    const moving = [...leaving].filter((name) => {
      const object = revision?.objects.get(objectKey('Container', name));
      return object?.kind === 'Container' && object.spec.reschedule === 'on-node-failure';
    });
    return new Set([...bound, ...moving]);
  }

  /** Reckoned anew at each call, so that it is right also in a process that was frozen a moment ago. */
  leaseHeld(): boolean {
    return this.#membership.state.type !== 'refused' && this.#lease.held();
  }

  status(): CoordinatorStatus {
    const { leadership } = this.#election;
    const { leader, told } = this.#follower;
    return {
      kind: this.#options.kind,
      connected: this.#contact.session !== undefined,
      message: this.#message(),
      ...(leader ? { leader: leader.name } : {}),
      isLeader: leadership !== undefined,
      epoch: Math.max(leadership?.epoch ?? 0, leader?.epoch ?? 0),
      members: this.#leader.members ?? this.#members,
      bound: told.bound.size,
      unplaced: (told.decision?.unplaced.size ?? 0) + (told.decision?.omitted ?? 0),
      leaseHeld: this.leaseHeld(),
      sessions: this.#contact.lost,
      leaderWrites: this.#leader.writes,
      otherRevisions: this.#differing(),
    };
  }

  /** Reads everything that agents have written down; fails with an OvrError where the coordinator does not answer. */
  async view(here: AgentStatus): Promise<ClusterView> {
    const { store, discovery } = this.#deps;
    const { revision } = this.#deps.revision();
    const { view, otherRevisions } = await viewCluster({
      store,
      here,
      coordinator: this.status(),
      lost: this.#leader.lost,
      holders: await this.#names.ask(),
      ...(revision ? { revision } : {}),
      ...(discovery ? { discovery } : {}),
    });
    this.#otherRevisions = otherRevisions;
    this.#members = view.nodes.filter(({ state }) => state === 'up').map(({ name }) => name);
    return { ...view, coordinator: this.status() };
  }

  #take(event: StoreEvent): void {
    if (this.#isStopped) return;
    // Before the contact is another one: what was heard of the old session counts to its end.
    this.#lease.parted();
    this.#contact.take(event);
    if (event.type === 'connected') {
      this.#parts.troubles.clear('contact');
      this.#membership.ring();
    } else {
      this.#parts.troubles.set('contact', this.#contact.message);
    }
    this.#deps.changed();
  }

  #membershipChanged(): void {
    const { state, isJoined } = this.#membership;
    if (isJoined) this.#lease.joined();
    else this.#lease.parted();
    this.#election.ring();
    if (isJoined) {
      this.#follower.ring();
      this.#reporter.ring();
      this.#holds.ring();
      this.#names.ring();
      this.#inquiries.ring();
      this.#poll.ring();
      void this.#readMembers();
    }
    if (state.type === 'refused') this.#known?.();
    this.#deps.changed();
  }

  /** A start waits for both: who acts without the holds undoes what somebody has pinned. */
  #looked(at: 'bindings' | 'holds'): void {
    this.#unseen.delete(at);
    if (this.#unseen.size === 0) this.#known?.();
  }

  #leadershipChanged(): void {
    this.#leader.ring();
    this.#holds.ring();
    this.#deps.changed();
  }

  #bindingsBelieved(): void {
    this.#lease.bindingsRead();
    this.#watchLease();
  }

  #pinnedNodes(): string[] {
    const { revision } = this.#deps.revision();
    return [...(revision?.objects.values() ?? [])].flatMap((object) => {
      const node = object.kind === 'Container' ? literalNode(object.spec.nodeConstraint) : undefined;
      return node === undefined ? [] : [node];
    });
  }

  /** For status() only, so a failure is no trouble. */
  async #readMembers(): Promise<void> {
    try {
      const names = await this.#deps.store.children(FOLDERS.members);
      this.#members = names.map(decodeName).filter((name) => name !== undefined);
    } catch (error) {
      this.#deps.logger.debug({ error: errorMessage(error) }, 'cannot list the members');
    }
  }

  /** Takes down the newest contact now and then, and rings when the lease changes hands. */
  #sample(): void {
    if (this.#isStopped) return;
    this.#watchLease();
    const sampleMs = this.#deps.store.sessionTimeoutMs() * SAMPLE_SHARE;
    const restMs = this.#lease.remainingMs() ?? sampleMs;
    this.#cancelSample = this.#deps.clock.after(Math.max(1, Math.min(sampleMs, restMs)), () =>
      this.#sample(),
    );
  }

  #watchLease(): void {
    const isHeld = this.leaseHeld();
    if (isHeld === this.#wasLeaseHeld) return;
    this.#wasLeaseHeld = isHeld;
    if (!isHeld) {
      this.#hasLostLease = true;
      this.#tell('no session for too long: containers that move on node failure stop here until it is back');
      // It comes back with bindings that are read anew.
      this.#follower.ring();
    } else if (this.#hasLostLease) {
      this.#deps.journal('normal', 'in contact again: containers that move on node failure may run here');
    }
    this.#deps.changed();
  }

  #differing(): readonly string[] {
    const decision = this.#follower.told.decision;
    const own = this.#deps.revision().revision?.digest;
    const leader = this.#follower.leader?.name;
    const isOther = decision && own !== undefined && decision.revision !== own && leader !== undefined;
    if (!isOther || leader === this.#parts.node) return this.#otherRevisions;
    return [...new Set([...this.#otherRevisions, leader])].sort(compareStrings);
  }

  #message(): string {
    const { state } = this.#membership;
    if (state.type === 'refused') return state.reason;
    const troubles = this.#parts.troubles.list();
    return troubles.length === 0 ? this.#contact.message : troubles.join('; ');
  }

  #makeParts(): Parts {
    const { store, disk, clock, logger, random, journal, facts } = this.#deps;
    const memory = new Memory({ disk, clock, random }, this.#options.cluster);
    const troubles = new Troubles((message) => this.#tell(message));
    const keep = async (changes: Partial<Kept>): Promise<void> => {
      const problem = await memory.keep(changes);
      troubles.be(
        'disk',
        problem === undefined
          ? undefined
          : `cannot save what is bound here: ${problem}; going on from memory`,
      );
    };
    return {
      store,
      clock,
      logger,
      memory,
      troubles,
      contact: this.#contact,
      options: this.#options,
      journal,
      facts,
      keep,
      node: '',
      loop: (name) => ({ clock, random, failed: (error) => this.#failed(name, error) }),
    };
  }

  /** A part's round failed and is tried again. What a lost connection explains needs no word of its own. */
  #failed(part: string, error: unknown): void {
    const code = error instanceof OvrError ? error.code : undefined;
    this.#deps.logger.debug({ part, code, error: errorMessage(error) }, 'coordination round failed');
    const isUsual =
      code === 'coordinator-unreachable' || code === 'coordinator-timeout' || code === 'coordinator-conflict';
    if (!isUsual) this.#parts.troubles.set(part, errorMessage(error));
  }

  #tell(message: string): void {
    this.#deps.journal('warning', message);
  }
}
