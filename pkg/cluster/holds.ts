import { compareStrings, OvrError } from '../api/index.ts';
import { readDocument, writeDocument } from './document.ts';
import { Loop } from './loop.ts';
import { inParallel } from './parallel.ts';
import { decodeName, FOLDERS, holdPath } from './paths.ts';
import type { Parts } from './parts.ts';

/** A temporary override by a person, seen by all agents. */
export interface Hold {
  /** Unique in the cluster. */
  readonly id: string;
  readonly who: string;
  /** Milliseconds since the epoch. */
  readonly whenMs: number;
  /** Whoever reads it ignores it from then on; absent: until it is released. */
  readonly untilMs?: number;
  /** What it is about, as its owner writes it. */
  readonly what: string;
}

/** Holds of the whole cluster. */
export interface HoldStore {
  /** As last read, sorted by ID; also those whose time is over. */
  list(): readonly Hold[];
  /** Makes it, or puts it in the place of the one with that ID. Fails with an OvrError. */
  put(hold: Hold): Promise<void>;
  /** Removes it; one that is not there counts as removed. Fails with an OvrError. */
  release(id: string): Promise<void>;
}

/** Keeps a copy of `holds/` up to date. */
export class Holds implements HoldStore {
  readonly #parts: Parts;
  readonly #mayRead: () => boolean;
  readonly #changed: () => void;
  readonly #loop: Loop;
  #holds: readonly Hold[] = [];

  constructor(parts: Parts, deps: { mayRead: () => boolean; changed: () => void }) {
    this.#parts = parts;
    this.#mayRead = deps.mayRead;
    this.#changed = deps.changed;
    this.#loop = new Loop(parts.loop('holds'), () => this.#round());
  }

  list(): readonly Hold[] {
    return this.#holds;
  }

  async put({ id, ...rest }: Hold): Promise<void> {
    const path = holdPath(id);
    const data = writeDocument(rest);
    const { store } = this.#parts;
    const isThere = (await store.get(path)) !== undefined;
    await store.commit([
      isThere ? { type: 'set', path, data } : { type: 'create', path, data, ephemeral: false },
    ]);
    this.#loop.ring();
  }

  async release(id: string): Promise<void> {
    try {
      await this.#parts.store.commit([{ type: 'remove', path: holdPath(id) }]);
    } catch (error) {
      if (!(error instanceof OvrError) || error.code !== 'coordinator-conflict') throw error;
    }
    this.#loop.ring();
  }

  ring(): void {
    this.#loop.ring();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #round(): Promise<void> {
    const { contact, store, troubles } = this.#parts;
    const { connection } = contact;
    if (connection === 0 || !this.#mayRead()) return;
    const again = (): void => this.#loop.ring();
    await this.#makeFolder();
    const names = await store.children(FOLDERS.holds, again);
    const before = new Map(this.#holds.map((hold) => [hold.id, hold]));
    const found: Hold[] = [];
    await inParallel(names, async (name) => {
      const id = decodeName(name);
      if (id === undefined) return;
      const path = holdPath(id);
      const znode = await store.get(path, again);
      if (!znode) return;
      const read = readDocument(path, znode.data, (fields) => ({
        id,
        who: fields.text('who'),
        whenMs: fields.number('whenMs'),
        what: fields.text('what'),
        ...(fields.has('untilMs') ? { untilMs: fields.number('untilMs') } : {}),
      }));
      troubles.be(path, read.ok ? undefined : read.problem);
      const hold = read.ok ? read.value : before.get(id);
      if (hold) found.push(hold);
    });
    if (contact.connection !== connection) return;
    found.sort((a, b) => compareStrings(a.id, b.id));
    const isNews = JSON.stringify(found) !== JSON.stringify(this.#holds);
    this.#holds = found;
    if (isNews) this.#changed();
  }

  /** A folder that is not there cannot be watched. */
  async #makeFolder(): Promise<void> {
    const { store } = this.#parts;
    const path = FOLDERS.holds;
    if (await store.get(path, () => this.#loop.ring())) return;
    try {
      await store.commit([{ type: 'create', path, data: '', ephemeral: false }]);
    } catch (error) {
      if (!(error instanceof OvrError) || error.code !== 'coordinator-conflict') throw error;
    }
  }
}
