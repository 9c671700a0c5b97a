import { compareStrings, type Condition, type ObjectKey } from '../api/index.ts';
import type { ObjectPlan, Plan, Verdict } from '../plan/index.ts';
import { Bell } from './bell.ts';
import {
  describeAgent,
  describeApplied,
  describeEngine,
  describeObjects,
  describePrune,
  describeSource,
} from './agent-status.ts';
import {
  confirmationOf,
  dependencyFailed,
  isAsDeclared,
  isRepair,
  movesName,
  notReadYet,
  type Confirmation,
} from './assess.ts';
import { Board } from './board.ts';
import { FlapBreaker } from './breaker.ts';
import { DriftTracker } from './drift-tracker.ts';
import { containersOf, keysTouched } from './event-keys.ts';
import { endsWithin } from './deadline.ts';
import { EngineHealth } from './engine-health.ts';
import { EventLog } from './event-log.ts';
import { Executor, type PlanResult } from './executor.ts';
import { HoldWatch } from './hold-watch.ts';
import { HealDesk } from './heal/heal-desk.ts';
import type { Finding, FindingAnswer } from './heal/republisher.ts';
import { Journal } from './journal.ts';
import { Lanes } from './lanes.ts';
import { failedUpdateOf, Memory } from './memory.ts';
import type { EngineEvent, SourceState, Stoppable } from './ports.ts';
import { plannedChanges } from './planned-change.ts';
import type { ReconcilerDeps, ReconcilerOptions } from './reconciler-deps.ts';
import { notAfter, RetryBook } from './retry-book.ts';
import { backoffMs } from './retry.ts';
import { isAllOf, type Declared, type Round } from './round.ts';
import { Saver } from './saver.ts';
import { SecretWatch } from './secret-watch.ts';
import { Settled } from './settled.ts';
import { shownCondition } from './shown-condition.ts';
import type {
  ActionRecord,
  AgentControl,
  AgentEvent,
  AgentStatus,
  AgentView,
  ClusterView,
  PlannedChange,
} from './status.ts';
import { forbiddenBy, refusalOf } from './tenure.ts';
import { think } from './think.ts';

/** While lanes run, rounds for what they finish come at this pace; anything urgent rings at once. */
const BUSY_ROUND_MS = 1_000;
/** While lanes run, most events are late echoes of their own steps, and each round makes the engine list everything. */
const BUSY_EVENT_MS = 250;
/** Changes of containers that no manifest names can wait: they matter only once a name is free again. */
const FOREIGN_EVENT_MS = 1_000;
/** Tries after which `whenSettled` gives an object up. */
const SETTLE_TRIES = 3;
const STOP_DEADLINE_MS = 10_000;

/**
 * The loop: bell → read everything → plan() → dispatch. Each round reads afresh, so lost, doubled or late events change
 * nothing. A read that fails ends the round without a single action.
 */
export class Reconciler implements AgentView, AgentControl {
  readonly #deps: ReconcilerDeps;
  readonly #options: ReconcilerOptions;
  readonly #bell: Bell;
  readonly #board = new Board();
  readonly #breaker = new FlapBreaker<ObjectKey>();
  readonly #drift: DriftTracker;
  readonly #events = new EventLog();
  readonly #executor: Executor;
  readonly #holds: HoldWatch;
  readonly #journal: Journal;
  readonly #lanes: Lanes<PlanResult>;
  readonly #memory = new Memory();
  readonly #heals: HealDesk;
  readonly #retries: RetryBook;
  readonly #saver: Saver;
  readonly #secrets: SecretWatch;
  /** Counts lane ends, so that an observation can be told from one made before an object's last lane ended. */
  #laneEndCount = 0;
  readonly #laneEnds = new Map<ObjectKey, number>();
  readonly #startedMs: number;
  #watch: Stoppable | undefined;
  #cancelResync: (() => void) | undefined;
  #last: Round | undefined;
  #lastRoundMs: number | undefined;
  readonly #health: EngineHealth;
  #confirmed: Confirmation | undefined;
  #isConverged = false;
  readonly #settled = new Settled();

  constructor(deps: ReconcilerDeps, options: ReconcilerOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#startedMs = deps.clock.now();
    this.#bell = new Bell(deps.clock, (seenMs) => this.#round(seenMs));
    this.#holds = new HoldWatch(deps, {
      tell: (news) => this.#journal.hold(news),
      endsIn: (ms) => this.#bell.ring(ms),
    });
    this.#drift = new DriftTracker(deps.observer);
    this.#journal = new Journal(deps.clock, deps.logger, this.#events);
    this.#heals = new HealDesk({ ...deps, board: this.#board, journal: this.#journal });
    this.#health = new EngineHealth(this.#journal);
    this.#retries = new RetryBook(deps.random);
    this.#saver = new Saver(this.#memory, deps.store, (error) =>
      this.#journal.failed('cannot save the state; going on from memory', error),
    );
    this.#secrets = new SecretWatch(deps, { cluster: options.cluster, changed: () => this.#bell.ring() });
    this.#executor = new Executor({
      ...deps,
      recorded: (record) => this.#recorded(record),
      healed: this.#heals.healed,
      inquire: deps.coordination.inquire?.bind(deps.coordination),
      seen: this.#memory.seenEndpoints,
      engineKind: () => this.#last?.observed.engine.kind,
      containerMade: (id) => this.#containerMade(id),
      addressGivenUp: (...address) => this.#memory.recordGivenUp(...address),
      secretLabels: this.#secrets.labelsFor,
      forbidden: (plan) => forbiddenBy(deps.coordination.state(), plan),
    });
    this.#lanes = new Lanes<PlanResult>(
      {
        prepare: (plan) => this.#executor.prepare(plan),
        run: (plan) => this.#executor.run(plan),
        dependencyFailed: (plan, dependency) => dependencyFailed(plan, dependency),
        finished: (plan, result) => this.#laneFinished(plan, result),
      },
      options.concurrency,
    );
  }

  /** Restores the memory, starts watching and rings for the first round. The source is started by whoever made it. */
  async start(): Promise<void> {
    this.#memory.restore(await this.#deps.store.load());
    this.#watch = this.#deps.engine.watch((event) => this.#engineEvent(event));
    this.#scheduleResync();
    this.#bell.ring();
  }

  /** Ends the loop and lets running lanes end, for 10 s at most. Containers stay as they are. */
  async stop(): Promise<void> {
    this.#bell.stop();
    this.#secrets.stop();
    this.#cancelResync?.();
    this.#watch?.stop();
    this.#lanes.close();
    await endsWithin(this.#lanes.idle(), STOP_DEADLINE_MS, this.#deps.clock);
    this.#saver.save();
    await this.#saver.done();
  }

  /** To be called when the source, or what the cluster has decided, is new. Before start() nothing comes of it. */
  sourceChanged(): void {
    if (this.#watch) this.#bell.ring();
  }

  resync(): void {
    this.sourceChanged();
  }

  /** Takes a line for the log and the events from whoever shares this node's cluster with others. */
  tellCluster(severity: AgentEvent['severity'], message: string): void {
    this.#journal.cluster(severity, message);
  }

  /** Takes why something that could be healed is left alone, for the log and the events. */
  readonly tellRefused = (key: ObjectKey, why: string): void => this.#journal.healingRefused(key, why);

  /** Takes what a probe found: an endpoint that is as declared and not served is made again, at most five times in 300 s. */
  republish(finding: Finding): FindingAnswer {
    const answer = this.#heals.take(finding);
    this.sourceChanged();
    return answer;
  }

  cluster(): Promise<ClusterView> {
    return this.#deps.coordination.view(this.status());
  }

  /** Resolves once nothing more can be done by itself: true when all is as declared, false when something failed for good. */
  whenSettled(): Promise<boolean> {
    return this.#settled.wait();
  }

  status(): AgentStatus {
    const { source } = this.#deps;
    const state = source.state();
    const holds = this.#holds.status({ revision: state.revision, isHere: this.#last && this.#board.has });
    return {
      ...describeAgent(this.#options, { startedMs: this.#startedMs, lastRoundMs: this.#lastRoundMs }),
      ...describeEngine(this.#health.facts, this.#health.problem),
      ...describeSource(source.name, state),
      ...describePrune(this.#last?.plan.held),
      ...describeApplied(this.#memory.converged),
      coordinator: this.#deps.coordination.status(),
      holds,
      working: [...this.#lanes.running()].sort(compareStrings),
      converged: this.#isDone(state),
      ...describeObjects(
        this.#board.statuses(this.#last?.revision.objects ?? new Map(), this.#last?.observed),
        this.#last?.plan,
        holds,
      ),
    };
  }

  /** Whether everything is as the newest manifests declare, and they are without errors. */
  #isDone(state: SourceState): boolean {
    return this.#isConverged && !this.#lanes.isBusy && isAllOf(state, this.#last?.revision);
  }

  events(afterId: number): readonly AgentEvent[] {
    return this.#events.after(afterId);
  }

  onEvent(listener: (event: AgentEvent) => void): Stoppable {
    return this.#events.subscribe(listener);
  }

  async diff(): Promise<readonly PlannedChange[]> {
    const { revision, doubt } = this.#deps.source.state();
    if (!revision) throw notReadYet();
    const { plan } = await this.#think({ revision, doubt });
    return plannedChanges(plan);
  }

  confirmPrune(): Promise<readonly ObjectKey[]> {
    return new Promise((resolve) => resolve(this.#confirmHeld()));
  }

  #confirmHeld(): readonly ObjectKey[] {
    const confirmed = confirmationOf(this.#last, this.#deps.source.state().doubt);
    if (!confirmed) return [];
    this.#confirmed = confirmed;
    this.#journal.pruneConfirmed([...confirmed.keys]);
    this.#bell.ring();
    return [...confirmed.keys];
  }

  async #round(seenMs: number): Promise<void> {
    const { clock, observer, source } = this.#deps;
    const began = clock.monotonic();
    const laneEnds = this.#laneEndCount;
    this.#holds.look();
    const state = source.state();
    const { revision, diagnostics, doubt, pin } = state;
    this.#journal.pin(pin);
    this.#journal.problems(diagnostics, doubt);
    if (!revision) {
      await this.#askEngine();
      observer.statusChanged(this.status());
      this.#settled.tell(false);
      return;
    }
    try {
      const round = await this.#think({ revision, doubt });
      this.#health.answered(round.observed.engine);
      if (this.#last?.revision.digest !== revision.digest) {
        this.#journal.revision(revision);
        this.#deps.applied?.(revision, state);
      }
      this.#last = round;
      this.#lastRoundMs = clock.now();
      this.#settle(round, { laneEnds, seenMs });
      observer.roundFinished(clock.monotonic() - began, 'ok');
    } catch (error) {
      this.#engineFailed(error);
      observer.roundFinished(clock.monotonic() - began, 'failed');
    }
    observer.statusChanged(this.status());
    this.#saver.save();
    this.#tellSettled();
  }

  /** Without manifests there is nothing to plan, but whether the engine answers is still worth knowing. */
  async #askEngine(): Promise<void> {
    try {
      this.#health.answered(await this.#deps.engine.facts());
    } catch (error) {
      this.#engineFailed(error);
    }
  }

  #think(declared: Declared): Promise<Round> {
    return think(declared, {
      deps: this.#deps,
      options: this.#options,
      memory: this.#memory,
      unpublished: this.#heals.unpublished,
      busy: containersOf(this.#lanes.running()),
      confirmed: this.#confirmed,
      secretsNow: this.#secrets.now,
    });
  }

  /** Takes a round's plan: reports, dispatches what may be done now, and remembers while that is on its way. */
  #settle(round: Round, times: { laneEnds: number; seenMs: number }): void {
    const { plan, revision } = round;
    const nowMs = this.#deps.clock.monotonic();
    const busy = this.#lanes.running();
    // A ring during the round is nearer to what the round saw than the one that began it.
    const seenMs = this.#bell.waitingSinceMs ?? times.seenMs;
    this.#journal.drift(this.#drift.update(plan.verdicts, seenMs, busy));
    this.#journal.held(plan.held);
    const plans = new Map(plan.objects.map((object) => [object.key, object]));
    this.#retries.forgetExcept(new Set(plans.keys()));
    const refused = refusalOf(this.#deps.coordination.state());
    for (const verdict of plan.verdicts) {
      if (!busy.has(verdict.condition.key))
        this.#judge(verdict, plans.get(verdict.condition.key), { nowMs, refused });
    }
    this.#board.retain(new Set(plan.verdicts.map(({ condition }) => condition.key)));
    this.#heals.planned(plan.objects, busy);
    const isFresh = (object: ObjectPlan): boolean => (this.#laneEnds.get(object.key) ?? 0) <= times.laneEnds;
    const paused = plan.objects.filter((object) => this.#pauseMs(object, nowMs) > 0);
    const due = notAfter(plan.objects, paused).filter(
      (object) => isFresh(object) && this.#mayTry(object, nowMs),
    );
    if (plan.objects.some((object) => !isFresh(object))) this.#bell.ring();
    if (refused === undefined) this.#memory.recordFailures(due);
    this.#lanes.dispatch(refused === undefined ? due : []);
    this.#memory.learn({ ...round, nowMs: this.#deps.clock.now() });
    this.#scheduleNext(plan, nowMs);
    this.#isConverged =
      refused === undefined && plan.objects.length === 0 && isAsDeclared(plan.verdicts, revision);
    if (this.#isConverged) this.#memory.recordConverged(revision.digest, this.#deps.clock.now());
  }

  #mayTry(object: ObjectPlan, nowMs: number): boolean {
    if (this.#retries.blocking(object, nowMs)) return false;
    return this.#pauseMs(object, nowMs) === 0;
  }

  /** How long the flap breaker still holds what is planned. */
  #pauseMs(object: ObjectPlan, nowMs: number): number {
    return isRepair(object) ? this.#breaker.pauseMs(object.key, nowMs) : 0;
  }

  /** The condition an object shows: the plan's, or what its last try ran into. */
  #judge(
    verdict: Verdict,
    object: ObjectPlan | undefined,
    { nowMs, refused }: { nowMs: number; refused: string | undefined },
  ): void {
    const wallMs = this.#deps.clock.now();
    const isRefused = object !== undefined && refused !== undefined;
    const planned: Condition = isRefused
      ? { ...verdict.condition, type: 'Waiting', message: refused }
      : verdict.condition;
    const { condition, nextTryInMs } = shownCondition(planned, {
      failure: object && this.#retries.failureOf(object.key),
      pauseMs: object ? this.#pauseMs(object, nowMs) : 0,
      nowMs,
    });
    const nextTry = nextTryInMs === undefined ? {} : { nextTryMs: wallMs + nextTryInMs };
    if (this.#board.update(verdict, condition, { nowMs: wallMs, ...nextTry }))
      this.#journal.condition(condition, verdict);
  }

  #scheduleNext(plan: Plan, nowMs: number): void {
    if (plan.recheckAfterMs !== undefined) this.#bell.ring(Math.max(1, plan.recheckAfterMs));
    for (const object of plan.objects) {
      const nextTryMs = this.#retries.blocking(object, nowMs)?.nextTryMs;
      if (nextTryMs !== undefined) this.#bell.ring(Math.max(1, nextTryMs - nowMs));
      const pauseMs = this.#pauseMs(object, nowMs);
      if (pauseMs > 0) this.#bell.ring(pauseMs);
    }
  }

  #recorded(record: ActionRecord): void {
    this.#board.record(record);
    this.#journal.action(record);
    this.#deps.observer.actionFinished(record);
  }

  /** Saved at once: an ID that a crash lets us forget could not be told from a foreign container with inherited labels. */
  #containerMade(id: string): void {
    this.#memory.recordCreated(id);
    this.#saver.save();
  }

  #laneFinished(object: ObjectPlan, result: PlanResult): void {
    const nowMs = this.#deps.clock.monotonic();
    this.#laneEndCount += 1;
    this.#laneEnds.set(object.key, this.#laneEndCount);
    this.#heals.ran(object);
    if (!result.ok) this.#failed(object, result);
    else {
      this.#retries.recordSuccess(object.key);
      if (isRepair(object)) {
        this.#breaker.recordRepair(object.key, nowMs);
        this.#drift.recordRepair(object.key, nowMs);
      }
    }
    this.#bell.ring(this.#lanes.isBusy && !movesName(object) ? BUSY_ROUND_MS : 0);
  }

  #failed(object: ObjectPlan, result: Extract<PlanResult, { ok: false }>): void {
    this.#retries.recordFailure(object, result.error, this.#deps.clock.monotonic());
    const declared = this.#last?.revision.objects.get(object.key);
    const failure = declared && result.fellBack ? failedUpdateOf(object, declared, result.error) : undefined;
    if (failure) this.#memory.recordFailedUpdate(object.key, failure);
  }

  #engineEvent(event: EngineEvent): void {
    if (event.type === 'down') {
      if (this.#health.down(event.message)) this.#engineDown();
      return;
    }
    if (event.type === 'up') {
      this.#retries.forgetAll();
      this.#bell.ring();
      return;
    }
    const keys = keysTouched(event);
    if (keys.some((key) => this.#lanes.isRunning(key))) return;
    const objects = this.#last?.revision.objects;
    const isKnown =
      keys.length === 0 || keys.some((key) => objects?.has(key) || this.#memory.applied.has(key));
    const delayMs = isKnown ? 0 : FOREIGN_EVENT_MS;
    this.#bell.ring(this.#lanes.isBusy ? Math.max(BUSY_EVENT_MS, delayMs) : delayMs);
  }

  #engineFailed(error: unknown): void {
    if (this.#health.failed(error)) this.#engineDown();
    this.#bell.ring(Math.min(5_000, backoffMs(this.#health.failures, this.#deps.random())));
  }

  #engineDown(): void {
    this.#isConverged = false;
    this.#deps.observer.statusChanged(this.status());
  }

  #scheduleResync(): void {
    this.#cancelResync = this.#deps.clock.after(this.#options.resyncMs, () => {
      this.#bell.ring();
      this.#scheduleResync();
    });
  }

  #tellSettled(): void {
    if (this.#health.failures >= SETTLE_TRIES) this.#settled.tell(false);
    if (this.#health.failures > 0 || this.#lanes.isBusy || this.#secrets.isPending || !this.#last) return;
    const { plan } = this.#last;
    const isStuck = ({ key }: ObjectPlan): boolean => this.#retries.isGivenUp(key, SETTLE_TRIES);
    if (plan.recheckAfterMs === undefined && plan.objects.every(isStuck))
      this.#settled.tell(this.#isDone(this.#deps.source.state()));
  }
}
