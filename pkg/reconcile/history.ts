import { errorMessage, OvrError, type Clock } from '../api/index.ts';
import type { Revision } from '../manifest/index.ts';
import type { SourceState } from './ports.ts';
import { enterRevision, type RevisionEntry } from './revision-entry.ts';

/** Where revisions are kept over restarts. */
export interface RevisionStore {
  /** All that can be read; what cannot is told and left out. */
  list(): Promise<readonly RevisionEntry[]>;
  /** Fails with an OvrError where it is not there, or not what it was. */
  read(digest: string): Promise<Revision>;
  write(entry: RevisionEntry, revision: Revision): Promise<void>;
  remove(digest: string): Promise<void>;
}

export interface HistoryDeps {
  readonly store: RevisionStore;
  readonly clock: Clock;
  readonly sourceName: string;
  /** A warning for the log and the events. */
  readonly tell: (message: string) => void;
  /** One that must not be forgotten, though it is old. */
  readonly pinned: () => string | undefined;
}

/** How many revisions are kept. */
export const HISTORY_LENGTH = 20;
/** Shorter prefixes of a digest are more likely a slip than a name. */
const SHORTEST_PREFIX = 4;
export const DIGEST_SHOWN = 12;

/** The revisions that were in force on this node, newest first. What a disk does not take is kept in memory. */
export class History {
  readonly #deps: HistoryDeps;
  #entries: readonly RevisionEntry[] = [];
  /** The revision in force, and those that are not on disk. */
  #current: Revision | undefined;
  readonly #unsaved = new Map<string, Revision>();
  #writing: Promise<void> = Promise.resolve();
  #isDiskBad = false;

  constructor(deps: HistoryDeps) {
    this.#deps = deps;
  }

  /** Reads what earlier runs left. Never fails. */
  async load(): Promise<void> {
    try {
      const found = await this.#deps.store.list();
      this.#entries = [...found].sort((a, b) => b.turn - a.turn);
      const [newest] = this.#entries;
      if (newest) this.#current = await this.#deps.store.read(newest.digest);
    } catch (error) {
      this.#deps.tell(`cannot read the history of revisions: ${errorMessage(error)}`);
    }
  }

  /** Newest first; the first one is in force, or was when the agent was stopped. */
  entries(): readonly RevisionEntry[] {
    return this.#entries;
  }

  /** The revision that is in force, or was when the agent was stopped. */
  current(): Revision | undefined {
    return this.#current;
  }

  /** To be called when a revision has come into force. Writing it down goes on in the background. */
  applied(revision: Revision, state: SourceState): void {
    const [newest] = this.#entries;
    if (newest?.digest === revision.digest) {
      this.#current = revision;
      return;
    }
    const { clock, sourceName } = this.#deps;
    const old = this.#entries.find(({ digest }) => digest === revision.digest);
    const known = {
      ...(old ? { entry: old } : {}),
      ...(this.#current ? { before: this.#current } : {}),
      turn: (newest?.turn ?? 0) + 1,
    };
    const entry = enterRevision({ revision, state, sourceName }, known, clock.now());
    this.#current = revision;
    this.#unsaved.set(revision.digest, revision);
    this.#entries = [entry, ...this.#entries.filter(({ digest }) => digest !== entry.digest)];
    this.#write(this.#dropOld());
  }

  /** The one entry whose digest begins so. Fails with `invalid-request` and the candidates where there is none, or several. */
  find(prefix: string): RevisionEntry {
    const wanted = prefix.toLowerCase();
    const found = this.#entries.filter(({ digest }) => digest.startsWith(wanted));
    const [only, another] = found;
    if (only && (!another || only.digest === wanted) && wanted.length >= SHORTEST_PREFIX) return only;
    const names = (found.length > 0 ? found : this.#entries).map(({ digest }) =>
      digest.slice(0, DIGEST_SHOWN),
    );
    const those = names.length === 0 ? 'none was applied yet' : `choose of ${names.join(', ')}`;
    const what = describeMiss(prefix, found.length);
    throw new OvrError('invalid-request', 'invalid', `${what}: ${those} (ovr history shows them)`);
  }

  /** The whole revision. Fails with an OvrError. */
  async read(digest: string): Promise<Revision> {
    if (this.#current?.digest === digest) return this.#current;
    return this.#unsaved.get(digest) ?? (await this.#deps.store.read(digest));
  }

  /** Resolves when nothing is being written. */
  async done(): Promise<void> {
    await this.#writing;
  }

  #dropOld(): readonly string[] {
    const pinned = this.#deps.pinned();
    const kept = this.#entries.filter(({ digest }, index) => index < HISTORY_LENGTH || digest === pinned);
    const dropped = this.#entries.filter((entry) => !kept.includes(entry)).map(({ digest }) => digest);
    this.#entries = kept;
    for (const digest of dropped) this.#unsaved.delete(digest);
    return dropped;
  }

  /** Also what an earlier try could not write. */
  #write(dropped: readonly string[]): void {
    this.#writing = this.#writing.then(async () => {
      const { store, tell } = this.#deps;
      try {
        for (const [digest, revision] of this.#unsaved) {
          const entry = this.#entries.find((known) => known.digest === digest);
          if (entry) await store.write(entry, revision);
          this.#unsaved.delete(digest);
        }
        for (const digest of dropped) await store.remove(digest);
        this.#isDiskBad = false;
      } catch (error) {
        if (!this.#isDiskBad) tell(`cannot save revisions: ${errorMessage(error)}; keeping them in memory`);
        this.#isDiskBad = true;
      }
    });
  }
}

function describeMiss(prefix: string, count: number): string {
  if (count > 1) return `"${prefix}" is the beginning of ${count} revisions`;
  if (count === 1) return `"${prefix}" is too short for a revision: write ${SHORTEST_PREFIX} digits or more`;
  return `this node has not applied a revision "${prefix}"`;
}
