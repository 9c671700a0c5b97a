import type { ObjectKey, OvrError } from '../api/index.ts';
import type { ObjectPlan } from '../plan/index.ts';
import { backoffMs, retryRule } from './retry.ts';

export interface FailureRecord {
  readonly error: OvrError;
  /** How many in a row. */
  readonly failures: number;
  /** Monotonic time of the next try; absent: only after the plan changes. */
  readonly nextTryMs?: number;
  readonly signature: string;
}

/** Remembers which objects failed and when each may be tried again. */
export class RetryBook {
  readonly #records = new Map<ObjectKey, FailureRecord>();
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  recordFailure(plan: ObjectPlan, error: OvrError, nowMs: number): FailureRecord {
    const failures = (this.#records.get(plan.key)?.failures ?? 0) + 1;
    const rule = retryRule(error.kind);
    const base = { error, failures, signature: signatureOf(plan) };
    const record = ((): FailureRecord => {
      switch (rule.retry) {
        case 'on-change':
          return base;
        case 'after':
          return { ...base, nextTryMs: nowMs + rule.delayMs };
        case 'back-off':
          return { ...base, nextTryMs: nowMs + backoffMs(failures, this.#random()) };
      }
    })();
    this.#records.set(plan.key, record);
    return record;
  }

  recordSuccess(key: ObjectKey): void {
    this.#records.delete(key);
  }

  /** What still keeps this plan from being tried; undefined when nothing does. A changed plan may always be tried. */
  blocking(plan: ObjectPlan, nowMs: number): FailureRecord | undefined {
    const record = this.#records.get(plan.key);
    if (record?.signature !== signatureOf(plan)) return undefined;
    return record.nextTryMs !== undefined && record.nextTryMs <= nowMs ? undefined : record;
  }

  failureOf(key: ObjectKey): FailureRecord | undefined {
    return this.#records.get(key);
  }

  /** Whether an object is given up: nothing tries it again by itself, or that many tries did not help. */
  isGivenUp(key: ObjectKey, tries: number): boolean {
    const failure = this.#records.get(key);
    return failure !== undefined && (failure.nextTryMs === undefined || failure.failures >= tries);
  }

  /** Keeps only the failures of objects that are still planned. */
  forgetExcept(keys: ReadonlySet<ObjectKey>): void {
    for (const key of this.#records.keys()) if (!keys.has(key)) this.#records.delete(key);
  }

  /** The engine has come back, perhaps another one: everything may be tried again. */
  forgetAll(): void {
    this.#records.clear();
  }
}

/** Equal for plans that would do the same for the same reason. */
function signatureOf(plan: ObjectPlan): string {
  return JSON.stringify([plan.steps, plan.secrets]);
}

/** Without what waits for one of those that are paused: nothing else keeps it from going ahead of them. */
export function notAfter(plans: readonly ObjectPlan[], paused: readonly ObjectPlan[]): readonly ObjectPlan[] {
  const keys = new Set(paused.map(({ key }) => key));
  return keys.size === 0 ? plans : plans.filter(({ waitsFor }) => !waitsFor.some((key) => keys.has(key)));
}
