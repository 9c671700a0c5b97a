import type { ObjectKey } from '../../api/index.ts';
import type { ObjectPlan, Unpublished } from '../../plan/index.ts';
import { FlapBreaker } from '../breaker.ts';

/** What a probe found about an endpoint of an object. */
export interface Finding extends Unpublished {
  readonly key: ObjectKey;
}

/** `too-often`: it was made again five times in 300 s, and that did not help. */
export type FindingAnswer = 'taken' | 'known' | 'too-often';

/** Findings that the next plan acts on, each once. */
export class Republisher {
  readonly #breaker = new FlapBreaker<string>();
  readonly #findings = new Map<ObjectKey, readonly Unpublished[]>();

  get findings(): ReadonlyMap<ObjectKey, readonly Unpublished[]> {
    return this.#findings;
  }

  take({ key, ...finding }: Finding, nowMs: number): FindingAnswer {
    const waiting = this.#findings.get(key) ?? [];
    if (waiting.some(({ network }) => network === finding.network)) return 'known';
    const endpoint = `${key} ${finding.network}`;
    if (this.#breaker.pauseMs(endpoint, nowMs) > 0) return 'too-often';
    this.#breaker.recordRepair(endpoint, nowMs);
    this.#findings.set(key, [...waiting, finding]);
    return 'taken';
  }

  /** An object's plan has run, and with it what was found about the object; what is left of it shows in the next observation. */
  ran({ key, steps }: ObjectPlan): void {
    if (steps.some(({ cause }) => cause.reason === 'Unpublished')) this.#findings.delete(key);
  }

  /** A finding that asks for nothing is answered: its container does not run here, or differs and is repaired for that. */
  planned(objects: readonly ObjectPlan[], working: ReadonlySet<ObjectKey>): void {
    const acting = new Set(
      objects
        .filter(({ steps }) => steps.some(({ cause }) => cause.reason === 'Unpublished'))
        .map(({ key }) => key),
    );
    for (const key of this.#findings.keys())
      if (!acting.has(key) && !working.has(key)) this.#findings.delete(key);
  }
}
