import { fieldClass, splitKey, type Cause, type ObjectKey } from '../api/index.ts';
import type { Verdict } from '../plan/index.ts';
import type { Observer } from './observer.ts';

interface DriftNews {
  /** Differences seen for the first time. */
  readonly detected: readonly { readonly key: ObjectKey; readonly cause: Cause }[];
  /** Objects without drift again, and how long that took from the first sight. */
  readonly repaired: readonly { readonly key: ObjectKey; readonly durationMs: number }[];
}

/** Follows each object's drift from the first sight to the repair. */
export class DriftTracker {
  readonly #open = new Map<ObjectKey, { sinceMs: number; repairedMs?: number; fields: Set<string> }>();
  readonly #observer: Observer;

  constructor(observer: Observer) {
    this.#observer = observer;
  }

  /** The steps against the drift have ended well at `nowMs`; the next round has yet to confirm it. */
  recordRepair(key: ObjectKey, nowMs: number): void {
    const open = this.#open.get(key);
    if (open) open.repairedMs = nowMs;
  }

  /**
   * Takes the verdicts of a round.
   * @param seenMs monotonic time of the first event that led to what the round saw
   * @param busy objects being changed right now: of them the round says nothing
   */
  update(verdicts: readonly Verdict[], seenMs: number, busy: ReadonlySet<ObjectKey>): DriftNews {
    const detected: { key: ObjectKey; cause: Cause }[] = [];
    const drifting = new Set<ObjectKey>();
    for (const { condition, causes } of verdicts) {
      if (busy.has(condition.key)) continue;
      for (const cause of causes) {
        if (!cause.drift) continue;
        drifting.add(condition.key);
        if (this.#remember(condition.key, cause, seenMs)) detected.push({ key: condition.key, cause });
      }
    }
    return { detected, repaired: this.#close(new Set([...drifting, ...busy]), seenMs) };
  }

  #remember(key: ObjectKey, cause: Cause, seenMs: number): boolean {
    const open = this.#open.get(key) ?? { sinceMs: seenMs, fields: new Set<string>() };
    this.#open.set(key, open);
    if (open.fields.has(cause.field)) return false;
    open.fields.add(cause.field);
    this.#observer.driftDetected(splitKey(key).kind, fieldClass(cause.field));
    return true;
  }

  #close(staying: ReadonlySet<ObjectKey>, nowMs: number): { key: ObjectKey; durationMs: number }[] {
    const repaired: { key: ObjectKey; durationMs: number }[] = [];
    for (const [key, { sinceMs, repairedMs }] of this.#open) {
      if (staying.has(key)) continue;
      this.#open.delete(key);
      const durationMs = (repairedMs ?? nowMs) - sinceMs;
      this.#observer.repaired(key, durationMs);
      repaired.push({ key, durationMs });
    }
    return repaired;
  }
}
