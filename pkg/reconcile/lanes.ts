import { compareStrings, type ObjectKey } from '../api/index.ts';
import type { ObjectPlan } from '../plan/index.ts';

/** Runs the two parts of an object's plan. Neither may throw: a failure is part of the result. */
export interface LaneRunner<Result extends { readonly ok: boolean }> {
  /** Slow work that needs no engine slot (pulling the image). Returns a result only when it failed. */
  prepare(plan: ObjectPlan): Promise<Result | undefined>;
  run(plan: ObjectPlan): Promise<Result>;
  /** What a plan gets whose dependency failed. */
  dependencyFailed(plan: ObjectPlan, dependency: ObjectKey): Result;
  finished(plan: ObjectPlan, result: Result): void;
}

type Phase = 'queued' | 'preparing' | 'prepared' | 'running';

interface Entry {
  plan: ObjectPlan;
  phase: Phase;
  isDropped: boolean;
}

/**
 * The work queue. It promises:
 * - one object is worked on by one lane at a time, and at most `concurrency` lanes run;
 * - a newer plan replaces one that has not started; one that has, runs to its end;
 * - an object starts only after the objects it waits for have succeeded, and not at all when one of them failed;
 * - repairs go before other work of the same rank, and slow preparation blocks nobody;
 * - after `close()` nothing new starts, and `idle()` resolves when what runs has ended.
 */
export class Lanes<Result extends { readonly ok: boolean }> {
  readonly #entries = new Map<ObjectKey, Entry>();
  readonly #failed = new Set<ObjectKey>();
  readonly #runner: LaneRunner<Result>;
  readonly #concurrency: number;
  #running = 0;
  #isClosed = false;
  #idleWaiters: (() => void)[] = [];

  constructor(runner: LaneRunner<Result>, concurrency: number) {
    this.#runner = runner;
    this.#concurrency = concurrency;
  }

  /** Takes the newest plans: what has not started and is not in them any more is dropped. */
  dispatch(plans: readonly ObjectPlan[]): void {
    if (this.#isClosed) return;
    const wanted = new Map(plans.map((plan) => [plan.key, plan]));
    for (const [key, entry] of this.#entries) {
      if (entry.phase === 'running' || wanted.has(key)) continue;
      if (entry.phase === 'preparing') entry.isDropped = true;
      else this.#entries.delete(key);
    }
    for (const plan of plans) this.#enqueue(plan);
    this.#pump();
  }

  /** Whether a lane is changing this object right now. */
  isRunning(key: ObjectKey): boolean {
    return this.#entries.get(key)?.phase === 'running';
  }

  /** The objects that lanes are changing right now. */
  running(): ReadonlySet<ObjectKey> {
    return new Set([...this.#entries].filter(([, { phase }]) => phase === 'running').map(([key]) => key));
  }

  /** Whether anything is queued or running. */
  get isBusy(): boolean {
    return this.#entries.size > 0;
  }

  /** Resolves when nothing is queued or running. */
  idle(): Promise<void> {
    if (this.#entries.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  close(): void {
    this.#isClosed = true;
    for (const [key, entry] of this.#entries) {
      if (entry.phase === 'preparing') entry.isDropped = true;
      else if (entry.phase !== 'running') this.#entries.delete(key);
    }
    this.#notifyIdle();
  }

  #enqueue(plan: ObjectPlan): void {
    const entry = this.#entries.get(plan.key);
    if (!entry) {
      this.#entries.set(plan.key, { plan, phase: 'queued', isDropped: false });
      return;
    }
    if (entry.phase === 'running') return;
    entry.plan = plan;
    entry.isDropped = false;
    if (entry.phase === 'prepared') entry.phase = 'queued';
  }

  #pump(): void {
    if (this.#isClosed) return;
    for (const entry of this.#inOrder()) {
      const dependency = entry.plan.waitsFor.find((key) => this.#entries.has(key) || this.#failed.has(key));
      if (dependency !== undefined) {
        if (!this.#entries.has(dependency))
          this.#end(entry, this.#runner.dependencyFailed(entry.plan, dependency));
        continue;
      }
      if (entry.phase === 'queued') void this.#prepare(entry);
      else if (entry.phase === 'prepared' && this.#running < this.#concurrency) void this.#run(entry);
    }
  }

  #inOrder(): Entry[] {
    return [...this.#entries.values()]
      .filter((entry) => entry.phase === 'queued' || entry.phase === 'prepared')
      .sort((a, b) => urgency(a.plan) - urgency(b.plan) || compareStrings(a.plan.key, b.plan.key));
  }

  async #prepare(entry: Entry): Promise<void> {
    entry.phase = 'preparing';
    const { plan } = entry;
    const failure = needsPreparation(plan) ? await this.#runner.prepare(plan) : undefined;
    if (entry.isDropped) this.#remove(plan.key);
    else if (entry.plan !== plan) entry.phase = 'queued';
    else if (failure) this.#end(entry, failure);
    else if (this.#running < this.#concurrency && !this.#isClosed) return this.#run(entry);
    else entry.phase = 'prepared';
    this.#pump();
  }

  async #run(entry: Entry): Promise<void> {
    entry.phase = 'running';
    this.#running += 1;
    const result = await this.#runner.run(entry.plan);
    this.#running -= 1;
    this.#end(entry, result);
    this.#pump();
  }

  #end(entry: Entry, result: Result): void {
    const { key } = entry.plan;
    if (result.ok) this.#failed.delete(key);
    else this.#failed.add(key);
    this.#entries.delete(key);
    this.#runner.finished(entry.plan, result);
    this.#notifyIdle();
  }

  #remove(key: ObjectKey): void {
    this.#entries.delete(key);
    this.#notifyIdle();
  }

  #notifyIdle(): void {
    if (this.#entries.size > 0) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }
}

function needsPreparation(plan: ObjectPlan): boolean {
  return plan.steps[0]?.type === 'EnsureImage';
}

/** What must not run first, then networks, then repairs of drift, then the rest by rank. */
function urgency(plan: ObjectPlan): number {
  if (plan.rank === 0) return 0;
  return plan.steps.some(({ cause }) => cause.drift) ? 1 : plan.rank + 1;
}
