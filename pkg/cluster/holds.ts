import { compareStrings, OvrError } from '../api/index.ts';
import { checkHold, holdOf, isActive, type Hold, type HoldStore } from '../reconcile/index.ts';
import { readDocument, writeDocument } from './document.ts';
import { Loop } from './loop.ts';
import { inParallel } from './parallel.ts';
import { decodeName, FOLDERS, holdPath } from './paths.ts';
import type { Parts } from './parts.ts';
import type { StoreWrite } from './store.ts';

export interface HoldsDeps {
  readonly mayRead: () => boolean;
  /** Whoever leads takes away what is over. */
  readonly leads: () => boolean;
  /** What there is was read once over the present connection. */
  readonly looked: () => void;
  /** list() is another one now. */
  readonly changed: () => void;
}

/** Clocks differ a little, and each agent should see a hold end by its time rather than by its removal. */
const SWEEP_AFTER_MS = 60_000;

/** Keeps a copy of `holds/` up to date, in memory and on disk. */
export class Holds implements HoldStore {
  readonly #parts: Parts;
  readonly #deps: HoldsDeps;
  readonly #loop: Loop;
  #holds: readonly Hold[] = [];
  /** Names of znodes that were told to hold rubbish. */
  readonly #unreadable = new Set<string>();

  constructor(parts: Parts, deps: HoldsDeps) {
    this.#parts = parts;
    this.#deps = deps;
    this.#loop = new Loop(parts.loop('holds'), () => this.#round());
  }

  /** Takes what is on disk, for as long as there is nothing newer. */
  restore(): void {
    this.#holds = this.#parts.memory.kept.holds;
  }

  list(): readonly Hold[] {
    return this.#holds;
  }

  async put(hold: Hold): Promise<void> {
    checkHold(hold);
    const write = createOf(hold);
    const { path, data } = write;
    const { store } = this.#parts;
    const isThere = (await store.get(path)) !== undefined;
    await store.commit([isThere ? { type: 'set', path, data } : write]);
    this.#loop.ring();
  }

  async release(id: string): Promise<void> {
    await this.#commit({ type: 'remove', path: holdPath(id) });
    this.#loop.ring();
  }

  ring(): void {
    this.#loop.ring();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #round(): Promise<void> {
    const { contact, store } = this.#parts;
    const { connection } = contact;
    if (connection === 0 || !this.#deps.mayRead()) return;
    await this.#makeFolder();
    const names = await store.children(FOLDERS.holds, () => this.#loop.ring());
    const read: Found[] = [];
    await inParallel(names, async (name) => {
      const found = await this.#read(name);
      if (found) read.push(found);
    });
    if (contact.connection !== connection) return;
    this.#forgetTroubles(new Set(names));
    read.sort((a, b) => compareStrings(a.hold.id, b.hold.id));
    await this.#take(read.map(({ hold }) => hold));
    await this.#sweep(read);
  }

  /** What cannot be read leaves in force what was read before under its name. */
  async #read(name: string): Promise<Found | undefined> {
    const id = decodeName(name);
    if (id === undefined) return undefined;
    const { store, troubles } = this.#parts;
    const path = holdPath(id);
    const znode = await store.get(path, () => this.#loop.ring());
    if (!znode) return undefined;
    const read = readDocument(path, znode.data, (fields) => holdOf({ ...fields.plain(), id }));
    troubles.be(path, read.ok ? undefined : read.problem);
    if (!read.ok) this.#unreadable.add(name);
    if (read.ok) return { hold: read.value, version: znode.version };
    const before = this.#holds.find((hold) => hold.id === id);
    return before && { hold: before };
  }

  #forgetTroubles(names: ReadonlySet<string>): void {
    for (const name of this.#unreadable) {
      if (names.has(name)) continue;
      this.#unreadable.delete(name);
      this.#parts.troubles.clear(`${FOLDERS.holds}/${name}`);
    }
  }

  async #take(holds: readonly Hold[]): Promise<void> {
    const isNews = JSON.stringify(holds) !== JSON.stringify(this.#holds);
    this.#holds = holds;
    if (isNews) {
      // On disk at the latest when somebody acts on it: a restart must not forget what it has seen.
      await this.#parts.keep({ holds });
      this.#deps.changed();
    }
    this.#deps.looked();
  }

  /** One that was made anew meanwhile has another version, and stays. */
  async #sweep(read: readonly Found[]): Promise<void> {
    if (!this.#deps.leads()) return;
    const nowMs = this.#parts.clock.now();
    let nextMs = Infinity;
    for (const { hold, version } of read) {
      if (hold.untilMs === undefined || version === undefined) continue;
      const path = holdPath(hold.id);
      if (isActive({ ...hold, untilMs: hold.untilMs + SWEEP_AFTER_MS }, nowMs)) {
        nextMs = Math.min(nextMs, hold.untilMs + SWEEP_AFTER_MS - nowMs);
      } else {
        await this.#commit({ type: 'remove', path, version });
      }
    }
    if (nextMs < MAX_WAIT_MS) this.#loop.ring(nextMs);
  }

  /**
   * A folder that is not there cannot be watched. One that has gone takes no hold with it: only a store that forgot everything has none,
   * and an override ends by its time or by a person.
   */
  async #makeFolder(): Promise<void> {
    const { store, journal } = this.#parts;
    const path = FOLDERS.holds;
    if (await store.get(path, () => this.#loop.ring())) return;
    const holds = this.#holds.map(createOf);
    const isMine = await this.#commit({ type: 'create', path, data: '', ephemeral: false }, ...holds);
    if (isMine && holds.length > 0) {
      journal('warning', `the coordinator had forgotten the holds: ${holds.length} written again`);
    }
  }

  /** False where another agent was faster, which is as good. */
  async #commit(...writes: readonly StoreWrite[]): Promise<boolean> {
    try {
      await this.#parts.store.commit(writes);
      return true;
    } catch (error) {
      if (!(error instanceof OvrError) || error.code !== 'coordinator-conflict') throw error;
      return false;
    }
  }
}

/** A longer timer is not needed: the leader reads now and then. */
const MAX_WAIT_MS = 24 * 3_600_000;

/** One hold as it is in force; with the version of its znode where that could be read. */
interface Found {
  readonly hold: Hold;
  readonly version?: number;
}

function createOf({ id, ...rest }: Hold): Extract<StoreWrite, { type: 'create' }> {
  return { type: 'create', path: holdPath(id), data: writeDocument(rest), ephemeral: false };
}
