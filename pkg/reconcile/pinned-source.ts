import { errorMessage, type Clock } from '../api/index.ts';
import type { Revision } from '../manifest/index.ts';
import { DIGEST_SHOWN, type History } from './history.ts';
import { isActive, readRollback, ROLLBACK_ID, type Hold } from './holds.ts';
import type { PinState, Source, SourcePart, SourceState } from './ports.ts';

export interface PinnedSourceDeps {
  readonly source: Source;
  readonly history: Pick<History, 'load' | 'current' | 'entries' | 'read'>;
  /** As last read; asked anew each time. */
  readonly holds: () => readonly Hold[];
  readonly clock: Clock;
}

/** The revision that a hold asks for, once it was looked for. */
interface Found {
  readonly digest: string;
  readonly revision?: Revision;
  readonly problem?: string;
}

const LONGEST_WAIT_MS = 24 * 3_600_000;

/**
 * A source that says what another one says, but for as long as a revision is pinned: then it says that revision, and the other one goes on
 * being read. Where this node does not have the revision, what was in force last stays, in doubt.
 */
export class PinnedSource implements Source {
  readonly #deps: PinnedSourceDeps;
  #changed: () => void = () => undefined;
  #found: Found | undefined;
  #seen = '';
  #cancelEnd: () => void = () => undefined;

  constructor(deps: PinnedSourceDeps) {
    this.#deps = deps;
  }

  get name(): string {
    return this.#deps.source.name;
  }

  /** What was applied before is known before anything is read. */
  async start(changed: () => void): Promise<void> {
    await this.#deps.history.load();
    this.#changed = changed;
    this.holdsChanged();
    await this.#deps.source.start(() => this.#changed());
  }

  async stop(): Promise<void> {
    this.#cancelEnd();
    this.#changed = () => undefined;
    await this.#deps.source.stop();
  }

  /** To be called when the holds may be others. */
  holdsChanged(): void {
    const hold = this.#hold();
    this.#cancelEnd();
    if (hold?.untilMs !== undefined) {
      const restMs = Math.min(hold.untilMs - this.#deps.clock.now(), LONGEST_WAIT_MS);
      this.#cancelEnd = this.#deps.clock.after(Math.max(1, restMs), () => this.holdsChanged());
    }
    const seen = hold ? JSON.stringify(hold) : '';
    if (seen === this.#seen) return;
    this.#seen = seen;
    if (hold) void this.#find(readRollback(hold));
    this.#changed();
  }

  state(): SourceState {
    const real = this.#deps.source.state();
    const hold = this.#hold();
    if (!hold) return real;
    const digest = readRollback(hold);
    const { revision, problem } = this.#revisionOf(digest, real);
    const pin: PinState = {
      revision: digest,
      who: hold.who,
      sinceMs: hold.whenMs,
      ...(hold.untilMs === undefined ? {} : { untilMs: hold.untilMs }),
      ...(hold.note === undefined ? {} : { note: hold.note }),
      ...(real.revision ? { sourceRevision: real.revision.digest } : {}),
      ...(problem === undefined ? {} : { problem }),
    };
    const doubt = problem ?? real.doubt ?? (real.revision ? undefined : UNREAD);
    const rest = omitRevision(this.#withCommitOf(digest, real));
    return {
      ...rest,
      ...(revision ? { revision } : {}),
      ...(doubt === undefined ? {} : { doubt }),
      pin,
    };
  }

  #hold(): Hold | undefined {
    const nowMs = this.#deps.clock.now();
    return this.#deps.holds().find((hold) => hold.id === ROLLBACK_ID && isActive(hold, nowMs));
  }

  #revisionOf(digest: string, real: SourceState): Omit<Found, 'digest'> {
    if (real.revision?.digest === digest) return { revision: real.revision };
    const inForce = this.#deps.history.current();
    if (inForce?.digest === digest) return { revision: inForce };
    const found = this.#found?.digest === digest ? this.#found : undefined;
    if (found?.revision) return { revision: found.revision };
    const problem = found?.problem ?? `reading the pinned revision ${digest.slice(0, DIGEST_SHOWN)}`;
    return { ...(inForce ? { revision: inForce } : {}), problem };
  }

  async #find(digest: string): Promise<void> {
    if (this.#found?.digest === digest && this.#found.revision) return;
    const { history } = this.#deps;
    try {
      this.#found = { digest, revision: await history.read(digest) };
    } catch (error) {
      const stays = history.current() ? 'what was in force last stays' : 'nothing is done';
      this.#found = {
        digest,
        problem: `pinned to revision ${digest.slice(0, DIGEST_SHOWN)}, which this node does not have (${errorMessage(error)}): ${stays} until ovr resume, ovr rollback --to one that it has, or its manifests are those again`,
      };
    }
    this.#changed();
  }

  /** The rest of a state: the commit that is applied is that of the pinned revision, and what the sources have is only what they tried. */
  #withCommitOf(digest: string, real: SourceState): SourceState {
    const entry = this.#deps.history.entries().find((known) => known.digest === digest);
    const applied = entry?.commit ? { commit: entry.commit } : {};
    const replace = (state: SourceState): SourceState => {
      const { commit, attempted, ...rest } = state;
      const tried = attempted ?? commit;
      return tried ? { ...rest, ...applied, attempted: tried } : state;
    };
    const parts = real.parts?.map((part): SourcePart => ({ ...part, state: replace(part.state) }));
    return { ...replace(real), ...(parts ? { parts } : {}) };
  }
}

function omitRevision(state: SourceState): SourceState {
  const copy: { revision?: Revision } & SourceState = { ...state };
  delete copy.revision;
  return copy;
}

const UNREAD = 'the source was not read since the start: nothing is removed before';
