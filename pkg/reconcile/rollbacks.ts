import { OvrError, type Clock } from '../api/index.ts';
import { compareRevisions, type Revision, type RevisionDifference } from '../manifest/index.ts';
import { DIGEST_SHOWN, type History } from './history.ts';
import { isActive, readRollback, ROLLBACK_ID, writeRollback, type Hold, type HoldStore } from './holds.ts';
import type { RevisionEntry } from './revision-entry.ts';

export type { RevisionDifference } from '../manifest/index.ts';

/** What was applied here; the body of `GET /v1/history`. */
export interface RevisionHistory {
  /** Newest first. */
  readonly revisions: readonly RevisionEntry[];
  /** Digest of the one in force. */
  readonly current?: string;
  /** Digest of the one that somebody has pinned; this node may not have it. */
  readonly pinned?: string;
}

/** Two revisions beside each other; the body of `GET /v1/revisions/diff`. */
export interface RevisionDiff {
  readonly from: string;
  readonly to: string;
  readonly differences: readonly RevisionDifference[];
}

export interface RollbackRequest {
  /** The beginning of a digest; absent: the one applied before the one in force. */
  readonly to?: string | undefined;
  /** Absent: until it is released. */
  readonly forMs?: number | undefined;
  readonly note?: string | undefined;
  readonly who: string;
}

export interface RollbackResult {
  readonly hold: Hold;
  readonly revision: RevisionEntry;
  /** Digest of the one that was in force when it was asked for. */
  readonly instead?: string;
  /** Whose place it takes. */
  readonly replaced?: Hold;
}

export interface ResumeResult {
  /** Absent: nothing was pinned. */
  readonly released?: Hold;
  /** Digest of what the source has now, as far as it was read. */
  readonly source?: string;
}

/** What may be asked about revisions. Everything fails with an OvrError. */
export interface RevisionControl {
  history(): RevisionHistory;
  compare(from: string | undefined, to: string | undefined): Promise<RevisionDiff>;
  rollback(request: RollbackRequest): Promise<RollbackResult>;
  resume(): Promise<ResumeResult>;
}

export interface RollbacksDeps {
  readonly history: History;
  readonly holds: () => HoldStore;
  readonly clock: Clock;
  /** What the source itself has, pinned or not. */
  readonly sourceRevision: () => Revision | undefined;
}

/** A hundred years: a time further away is a slip, and dates end somewhere. */
const LONGEST_MS = 100 * 365 * 86_400_000;

/** Pins revisions that were applied on this node, for the whole cluster. */
export class Rollbacks implements RevisionControl {
  readonly #deps: RollbacksDeps;

  constructor(deps: RollbacksDeps) {
    this.#deps = deps;
  }

  history(): RevisionHistory {
    const { history } = this.#deps;
    const current = history.current()?.digest;
    const hold = this.#active();
    return {
      revisions: history.entries(),
      ...(current === undefined ? {} : { current }),
      ...(hold ? { pinned: readRollback(hold) } : {}),
    };
  }

  async compare(from: string | undefined, to: string | undefined): Promise<RevisionDiff> {
    const [before, after] = await Promise.all([
      this.#readOne(from, 'previous'),
      this.#readOne(to, 'current'),
    ]);
    return { from: before.digest, to: after.digest, differences: compareRevisions(before, after) };
  }

  async rollback({ to, forMs, note, who }: RollbackRequest): Promise<RollbackResult> {
    const { history, holds, clock } = this.#deps;
    if (forMs !== undefined && (forMs <= 0 || forMs > LONGEST_MS)) {
      throw new OvrError(
        'invalid-request',
        'invalid',
        'a rollback lasts longer than no time, and less than 100 years',
      );
    }
    const revision = to === undefined ? this.#previous() : history.find(to);
    // What cannot be read here must not be pinned for all.
    await history.read(revision.digest);
    const instead = history.current()?.digest;
    const replaced = this.#active();
    const whenMs = clock.now();
    const hold: Hold = {
      id: ROLLBACK_ID,
      who,
      whenMs,
      ...(forMs === undefined ? {} : { untilMs: whenMs + forMs }),
      ...(note === undefined ? {} : { note }),
      what: writeRollback(revision.digest),
    };
    await holds().put(hold);
    return {
      hold,
      revision,
      ...(instead === undefined ? {} : { instead }),
      ...(replaced ? { replaced } : {}),
    };
  }

  async resume(): Promise<ResumeResult> {
    const released = this.#active();
    await this.#deps.holds().release(ROLLBACK_ID);
    const source = this.#deps.sourceRevision()?.digest;
    return { ...(released ? { released } : {}), ...(source === undefined ? {} : { source }) };
  }

  #active(): Hold | undefined {
    const nowMs = this.#deps.clock.now();
    return this.#deps
      .holds()
      .list()
      .find((hold) => hold.id === ROLLBACK_ID && isActive(hold, nowMs));
  }

  /** The one applied before the one in force. */
  #previous(): RevisionEntry {
    const [current, previous] = this.#deps.history.entries();
    if (previous) return previous;
    const what = current
      ? `revision ${current.digest.slice(0, DIGEST_SHOWN)} is the only one that was applied here`
      : 'no revision was applied here yet';
    throw new OvrError('invalid-request', 'invalid', `there is nothing to go back to: ${what}`);
  }

  async #readOne(prefix: string | undefined, usual: 'previous' | 'current'): Promise<Revision> {
    const { history } = this.#deps;
    if (prefix !== undefined) return history.read(history.find(prefix).digest);
    if (usual === 'previous') return history.read(this.#previous().digest);
    const current = history.current();
    if (current) return current;
    throw new OvrError(
      'dependency-failed',
      'waiting',
      'no revision was applied here yet; try again in a moment',
    );
  }
}
