import { OvrError } from '../api/index.ts';
import { readDocument, writeDocument, type DocumentRead } from './document.ts';
import { Loop } from './loop.ts';
import { inParallel } from './parallel.ts';
import { EPOCH_PATH, FOLDERS } from './paths.ts';
import type { Parts } from './parts.ts';
import type { StoreWrite, Znode } from './store.ts';

/** What `epoch` says. */
export interface Epoch {
  readonly epoch: number;
  /** Node name. */
  readonly leader: string;
}

/** The right to decide, and what each write must prove to be allowed. */
export interface Leadership {
  readonly epoch: number;
  /** Of the znode `epoch` since this leader wrote it. */
  readonly version: number;
  /** Path of the own election znode. */
  readonly candidate: string;
  readonly session: string;
}

/** The connection that a round runs over. */
interface Now {
  readonly connection: number;
  readonly session: string;
}

/**
 * A candidate bears the name of its session: after the store was put back to a backup, numbers begin again, and a leader's check that its
 * candidate is there must not find another one's of the same number.
 */
const CANDIDATE = /^[\w-]+-n-(\d{10,})$/;

/**
 * One leader at a time, and no herd: each candidate watches only the one before it.
 *
 * Being first is not enough, since a candidate may be frozen between finding that out and writing. So a leader first raises `epoch`, and each
 * of its writes is one commit with checks: its candidate is there, and `epoch` has the version it wrote. Who takes over raises `epoch`, so
 * of two that both believe to lead, the server lets only the newer one write.
 */
export class Election {
  readonly #parts: Parts;
  readonly #mayStand: () => boolean;
  readonly #changed: () => void;
  readonly #loop: Loop;
  #candidate: { readonly path: string; readonly session: string } | undefined;
  /** A candidate may have been made without our having heard of it: it would stand in the line for as long as we live. */
  #isInDoubt = false;
  #leadership: Leadership | undefined;
  /** The connection over which leadership was last seen to hold. */
  #heldOver = 0;
  /** The own epoch must be above this one. */
  #above = 0;

  /** `changed` is called after each change of `leadership`. */
  constructor(parts: Parts, deps: { mayStand: () => boolean; changed: () => void }) {
    this.#parts = parts;
    this.#mayStand = deps.mayStand;
    this.#changed = deps.changed;
    this.#loop = new Loop(parts.loop('election'), () => this.#round());
  }

  /** Present only while connected in the very session that won it; at once gone with the connection. */
  get leadership(): Leadership | undefined {
    const { contact } = this.#parts;
    const isCurrent = this.#heldOver !== 0 && this.#heldOver === contact.connection;
    return isCurrent && this.#leadership?.session === contact.session ? this.#leadership : undefined;
  }

  ring(): void {
    this.#loop.ring();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    this.#leadership = undefined;
  }

  /** Somebody has seen a higher epoch than the present leader's, which is this one: it has to go above that. */
  raiseAbove(epoch: number): void {
    this.#above = Math.max(this.#above, epoch);
    this.#stepDown();
    this.#loop.ring();
  }

  /** A write was against the checks. Looks whether this agent still leads. */
  doubt(): void {
    this.#heldOver = 0;
    this.#changed();
    this.#loop.ring();
  }

  /** The checks that every write of the leader carries. */
  static fence({ candidate, version }: Leadership): StoreWrite[] {
    return [
      { type: 'check', path: candidate },
      { type: 'check', path: EPOCH_PATH, version },
    ];
  }

  async #round(): Promise<void> {
    const { contact, store } = this.#parts;
    const { connection, session } = contact;
    if (connection === 0 || session === undefined) return;
    if (!this.#mayStand()) return this.#withdraw();
    const own = await this.#stand(session);
    if (own === undefined || contact.connection !== connection) return;
    const line = candidatesOf(await store.children(FOLDERS.leader));
    const place = line.indexOf(own.slice(FOLDERS.leader.length + 1));
    if (contact.connection !== connection) return;
    if (place < 0) {
      this.#lostCandidate();
      return;
    }
    const before = line[place - 1];
    if (before !== undefined) return this.#waitBehind(`${FOLDERS.leader}/${before}`, own);
    await this.#lead(own, { connection, session });
  }

  /** The own candidate's path in this session, made if there is none. */
  async #stand(session: string): Promise<string | undefined> {
    const { store, node } = this.#parts;
    if (this.#candidate?.session !== session) this.#candidate = undefined;
    if (!this.#candidate && this.#isInDoubt) {
      const found = await this.#findOwn();
      this.#isInDoubt = false;
      if (found !== undefined) this.#candidate = { path: found, session };
    }
    if (this.#candidate) return this.#candidate.path;
    try {
      const path = await store.createSequential(FOLDERS.leader, `${session}-n-`, node);
      this.#candidate = { path, session };
      return path;
    } catch (error) {
      if (!(error instanceof OvrError) || error.code !== 'coordinator-unreachable') this.#isInDoubt = true;
      throw error;
    }
  }

  /** Looks at every candidate; only after an answer was lost. */
  async #findOwn(): Promise<string | undefined> {
    const { store } = this.#parts;
    const names = candidatesOf(await store.children(FOLDERS.leader));
    const found: string[] = [];
    await inParallel(names, async (name) => {
      const path = `${FOLDERS.leader}/${name}`;
      if ((await store.get(path))?.mine) found.push(path);
    });
    const [first, ...rest] = candidatesOf(found.map((path) => path.slice(FOLDERS.leader.length + 1)));
    for (const name of rest) await this.#remove(`${FOLDERS.leader}/${name}`);
    return first === undefined ? undefined : `${FOLDERS.leader}/${first}`;
  }

  async #waitBehind(path: string, own: string): Promise<void> {
    const znode = await this.#parts.store.get(path, () => this.#loop.ring());
    this.#stepDown();
    if (znode === undefined) {
      this.#loop.ring();
      return;
    }
    if (!znode.mine) return;
    // An own candidate that we had not heard of. It is the older one, so it stays.
    this.#candidate = { path, session: this.#parts.contact.session ?? '' };
    await this.#remove(own);
    this.#loop.ring();
  }

  async #lead(own: string, now: Now): Promise<void> {
    const { store, contact, memory } = this.#parts;
    const znode = await store.get(EPOCH_PATH, () => this.#loop.ring());
    if (contact.connection !== now.connection) return;
    const found = this.#foundEpoch(znode);
    if (found === undefined) {
      this.#stepDown();
      return;
    }
    const held = this.#leadership;
    if (held && this.#stillHolds(held, { candidate: own, version: znode?.version, epoch: found })) {
      this.#won(held, now.connection);
      return;
    }
    this.#stepDown();
    const epoch = Math.max(found, this.#above, memory.kept.epoch) + 1;
    const version = await this.#raise(own, epoch, znode);
    if (contact.connection !== now.connection) return;
    this.#won({ epoch, version, candidate: own, session: now.session }, now.connection);
  }

  /** 0 where there is none; undefined where nobody can tell. */
  #foundEpoch(znode: Znode | undefined): number | undefined {
    const read = znode && readEpoch(znode.data);
    const problem = read?.ok === false ? `${read.problem}; until then nobody leads` : undefined;
    this.#parts.troubles.be('epoch', problem);
    if (problem !== undefined) return undefined;
    return read?.ok ? read.value.epoch : 0;
  }

  #stillHolds(
    held: Leadership,
    found: { candidate: string; version: number | undefined; epoch: number },
  ): boolean {
    const isSame =
      held.candidate === found.candidate && held.version === found.version && held.epoch === found.epoch;
    return isSame && held.epoch > this.#above;
  }

  /** Writes the epoch, if nobody else has meanwhile; the version that it has then. */
  async #raise(own: string, epoch: number, znode: Znode | undefined): Promise<number> {
    const data = writeDocument({ epoch, leader: this.#parts.node });
    const path = EPOCH_PATH;
    const check = { type: 'check', path: own } as const;
    if (znode) {
      await this.#parts.store.commit([check, { type: 'set', path, data, version: znode.version }]);
      return znode.version + 1;
    }
    // Made and set at once, so that its version is never 0: some clients cannot check for that one.
    await this.#parts.store.commit([
      check,
      { type: 'create', path, data, ephemeral: false },
      { type: 'set', path, data },
    ]);
    return 1;
  }

  #won(leadership: Leadership, connection: number): void {
    const isNews = this.leadership !== leadership;
    this.#leadership = leadership;
    this.#heldOver = connection;
    if (isNews) this.#changed();
  }

  #stepDown(): void {
    if (!this.#leadership) return;
    this.#leadership = undefined;
    this.#heldOver = 0;
    this.#changed();
  }

  #lostCandidate(): void {
    this.#candidate = undefined;
    this.#stepDown();
    this.#loop.ring();
  }

  async #withdraw(): Promise<void> {
    this.#stepDown();
    const candidate = this.#candidate;
    if (!candidate) return;
    if (candidate.session === this.#parts.contact.session) await this.#remove(candidate.path);
    this.#candidate = undefined;
  }

  async #remove(path: string): Promise<void> {
    try {
      await this.#parts.store.commit([{ type: 'remove', path }]);
    } catch (error) {
      if (!(error instanceof OvrError) || error.code !== 'coordinator-conflict') throw error;
    }
  }
}

/** Reads the text of `epoch`. */
export function readEpoch(text: string): DocumentRead<Epoch> {
  return readDocument(EPOCH_PATH, text, (fields) => ({
    epoch: fields.number('epoch'),
    leader: fields.text('leader'),
  }));
}

/** Names of candidates, those who came first at the start. */
function candidatesOf(names: readonly string[]): string[] {
  const number = (name: string): number => Number(CANDIDATE.exec(name)?.[1] ?? Infinity);
  return names.filter((name) => CANDIDATE.test(name)).sort((a, b) => number(a) - number(b));
}
