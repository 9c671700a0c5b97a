import { readMember, type Member } from './member.ts';
import { inParallel } from './parallel.ts';
import { decodeName, FOLDERS, memberPath } from './paths.ts';
import type { CoordinationStore } from './store.ts';
import type { Troubles } from './troubles.ts';

/** The members as a leader knows them: one watch on the list and one on each, so that a refresh reads only what has changed. */
export class Roster {
  readonly #store: Pick<CoordinationStore, 'get' | 'children'>;
  readonly #troubles: Troubles;
  readonly #changed: () => void;
  readonly #members = new Map<string, Member>();
  #present: ReadonlySet<string> = new Set();
  #isListStale = true;
  readonly #stale = new Set<string>();

  /** `changed` rings when there is something to refresh. */
  constructor(
    deps: { store: Pick<CoordinationStore, 'get' | 'children'>; troubles: Troubles },
    changed: () => void,
  ) {
    this.#store = deps.store;
    this.#troubles = deps.troubles;
    this.#changed = changed;
  }

  /** Names of all that are registered, also where what they say cannot be read. */
  get present(): ReadonlySet<string> {
    return this.#present;
  }

  get members(): ReadonlyMap<string, Member> {
    return this.#members;
  }

  /** Nothing that was read before counts: its watches are gone. */
  reset(): void {
    this.#isListStale = true;
    for (const node of this.#present) this.#stale.add(node);
  }

  /** Reads what has changed. Where it fails, the same is read again next time. */
  async refresh(): Promise<void> {
    if (this.#isListStale) await this.#readList();
    await inParallel([...this.#stale], (node) => this.#readMember(node));
  }

  /** Asks for these nodes by name; true when none of them is a member now. */
  async areAbsent(nodes: readonly string[]): Promise<boolean> {
    let areAbsent = true;
    await inParallel(nodes, async (node) => {
      if (!(await this.#store.get(memberPath(node)))) return;
      areAbsent = false;
      this.#isListStale = true;
    });
    return areAbsent;
  }

  async #readList(): Promise<void> {
    this.#isListStale = false;
    try {
      const names = await this.#store.children(FOLDERS.members, () => this.#ring(undefined));
      const present = new Set(names.map(decodeName).filter((node) => node !== undefined));
      for (const node of present) if (!this.#present.has(node)) this.#stale.add(node);
      for (const node of this.#present) if (!present.has(node)) this.#forget(node);
      this.#present = present;
    } catch (error) {
      this.#isListStale = true;
      throw error;
    }
  }

  async #readMember(node: string): Promise<void> {
    this.#stale.delete(node);
    try {
      const path = memberPath(node);
      const znode = await this.#store.get(path, () => this.#ring(node));
      if (!znode) {
        this.#isListStale = true;
        this.#changed();
        return;
      }
      const read = readMember(path, znode.data);
      this.#troubles.be(path, read.ok ? undefined : `${read.problem}; it gets nothing new`);
      if (read.ok) this.#members.set(node, read.value);
    } catch (error) {
      this.#stale.add(node);
      throw error;
    }
  }

  #forget(node: string): void {
    this.#members.delete(node);
    this.#stale.delete(node);
    this.#troubles.clear(memberPath(node));
  }

  #ring(node: string | undefined): void {
    if (node === undefined) this.#isListStale = true;
    else if (this.#present.has(node)) this.#stale.add(node);
    this.#changed();
  }
}
