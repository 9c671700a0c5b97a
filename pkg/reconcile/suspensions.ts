import { OvrError, splitKey, type Clock, type ObjectKey } from '../api/index.ts';
import type { Revision } from '../manifest/index.ts';
import { didYouMean } from '../manifest/value/index.ts';
import type { Suspensions as PlanSuspensions } from '../plan/index.ts';
import { describeHold, describeHolds, resumeCommand, type HoldStatus } from './hold-status.ts';
import {
  activeHolds,
  suspendedTarget,
  suspendId,
  type Hold,
  type HoldStore,
  type SuspensionTarget,
} from './holds.ts';

export interface SuspendRequest {
  readonly target: SuspensionTarget;
  /** Absent: until it is resumed. */
  readonly forMs?: number | undefined;
  readonly note?: string | undefined;
  readonly who: string;
}

export interface SuspendResult {
  readonly hold: HoldStatus;
  /** It was suspended already. The same as `hold` where nothing has changed. */
  readonly before?: HoldStatus;
}

export interface ReleaseResult {
  /** Those that are over now; empty where nothing was suspended. */
  readonly released: readonly HoldStatus[];
  /** Suspends the object all the same. */
  readonly remaining?: HoldStatus;
}

/** Suspends and resumes objects by hand. Both fail with an OvrError that says why not. */
export interface SuspensionControl {
  suspend(request: SuspendRequest): Promise<SuspendResult>;
  /** Ends the suspension of one object, or every suspension there is. */
  release(target: SuspensionTarget): Promise<ReleaseResult>;
}

export interface SuspensionDeps {
  readonly holds: HoldStore;
  readonly clock: Clock;
  readonly revision: () => Revision | undefined;
  /** Keys of what the engine of this node has, also where no manifest declares it. */
  readonly here: () => readonly ObjectKey[];
}

/** The suspensions in force, as a plan wants them. */
export function suspensionsOf(holds: readonly Hold[], nowMs: number): PlanSuspensions {
  const active = suspensionsAmong(activeHolds(holds, nowMs));
  const all = active.find(({ target }) => target === 'all')?.hold.who;
  return {
    ...(all === undefined ? {} : { all }),
    objects: new Map(
      active.flatMap(({ target, hold }) => (target === 'all' ? [] : [[target, hold.who] as const])),
    ),
  };
}

function suspensionsAmong<T extends Hold>(holds: readonly T[]): { hold: T; target: SuspensionTarget }[] {
  return holds.flatMap((hold) => {
    const target = suspendedTarget(hold.id);
    return target === undefined ? [] : [{ hold, target }];
  });
}

/** Keeps a hold for each object that was suspended by hand, or one for all. */
export class Suspending implements SuspensionControl {
  readonly #deps: SuspensionDeps;

  constructor(deps: SuspensionDeps) {
    this.#deps = deps;
  }

  async suspend({ target, forMs, note, who }: SuspendRequest): Promise<SuspendResult> {
    const { holds, clock } = this.#deps;
    const before = this.#active().find(({ id }) => id === suspendId(target));
    const isSame = before?.untilMs === undefined && forMs === undefined && note === undefined;
    if (before && isSame) return { hold: before, before };
    if (!before) this.#mustBeKnown(target);
    const whenMs = clock.now();
    const hold: Hold = {
      id: suspendId(target),
      who,
      whenMs,
      ...(forMs === undefined ? {} : { untilMs: whenMs + forMs }),
      ...(note === undefined ? {} : { note }),
      what: '{}',
    };
    await holds.put(hold);
    return { hold: describeHold('suspend', hold), ...(before ? { before } : {}) };
  }

  async release(target: SuspensionTarget): Promise<ReleaseResult> {
    const suspended = suspensionsAmong(this.#active());
    const ending = suspended
      .filter((each) => target === 'all' || each.target === target)
      .map(({ hold }) => hold);
    if (ending.length === 0) this.#mustBeKnown(target);
    for (const { id } of ending) await this.#deps.holds.release(id);
    const remaining = suspended.find((each) => each.target === 'all')?.hold;
    return { released: ending, ...(remaining && target !== 'all' ? { remaining } : {}) };
  }

  #active(): readonly HoldStatus[] {
    return describeHolds(activeHolds(this.#deps.holds.list(), this.#deps.clock.now()));
  }

  #mustBeKnown(target: SuspensionTarget): void {
    if (target === 'all') return;
    const revision = this.#deps.revision();
    const known = new Set([...(revision?.objects.keys() ?? []), ...(revision?.undecided ?? [])]);
    for (const key of this.#deps.here()) known.add(key);
    if (known.has(target)) return;
    if (!revision) {
      throw new OvrError(
        'dependency-failed',
        'waiting',
        'the manifests have not been read yet; try again in a moment',
      );
    }
    const { kind, name } = splitKey(target);
    const names = [...known].map(splitKey).flatMap((other) => (other.kind === kind ? [other.name] : []));
    throw new OvrError(
      'invalid-request',
      'invalid',
      `there is no ${kind} ${name} in the manifests or on this node${didYouMean(name, names)}`,
    );
  }
}

/** Fails where an object cannot be changed because it is suspended. */
export function refuseSuspended(holds: readonly Hold[], key: ObjectKey): void {
  const found = suspensionsAmong(holds).find(({ target }) => target === key || target === 'all');
  if (!found) return;
  const { hold, target } = found;
  const { kind, name } = splitKey(key);
  throw new OvrError(
    'invalid-request',
    'invalid',
    `${kind} ${name} is suspended by ${hold.who}, so nothing would move: ${resumeCommand(target)} first`,
  );
}
