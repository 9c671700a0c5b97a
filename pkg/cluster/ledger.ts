import { bindingsWrites, partsOf, readBindings, type Bindings } from './bindings.ts';
import { readDecision, type Decision } from './decision.ts';
import { inParallel } from './parallel.ts';
import { DECISION_PATH, FOLDERS, partsByNode } from './paths.ts';
import { NO_STAMP, type Stamp } from './stamp.ts';
import type { CoordinationStore, StoreWrite } from './store.ts';

/** Bindings that cannot be read. */
export interface Unreadable {
  readonly problem: string;
  /** From a newer ovr: never overwritten. */
  readonly newer: boolean;
}

/**
 * All bindings and the last decision, as a leader knows them: read once when it takes over or is in doubt, and then kept in step with its own
 * writes, since nobody else can write while it leads.
 */
export class Ledger {
  readonly #store: CoordinationStore;
  /** Rings when a znode came or went that is not in the ledger. */
  readonly #changed: () => void;
  readonly #nodes = new Map<string, Bindings>();
  readonly #unreadable = new Map<string, Unreadable>();
  /** Numbers of the znodes that each node's bindings are in; the head is 0. */
  #parts = new Map<string, Set<number>>();
  /** Writes that were asked for, while neither they nor others for the node are done: encoding is what writing costs here. */
  readonly #encoded = new Map<
    string,
    { readonly bindings: Bindings; readonly writes: readonly StoreWrite[] }
  >();
  #decision: Decision | undefined;
  #isDecisionThere = false;
  #decisionProblem: Unreadable | undefined;
  #isLoaded = false;
  #isListStale = true;

  constructor(store: CoordinationStore, changed: () => void) {
    this.#store = store;
    this.#changed = changed;
  }

  /** Bindings by node, of all that could be read. */
  get nodes(): ReadonlyMap<string, Bindings> {
    return this.#nodes;
  }

  get unreadable(): ReadonlyMap<string, Unreadable> {
    return this.#unreadable;
  }

  /** Absent also where it cannot be read. */
  get decision(): Decision | undefined {
    return this.#decision;
  }

  get decisionProblem(): Unreadable | undefined {
    return this.#decisionProblem;
  }

  /** Whether there is nothing at all: a new cluster, or one whose coordinator lost its memory. */
  get isBlank(): boolean {
    return !this.#isDecisionThere && this.#nodes.size === 0 && this.#unreadable.size === 0;
  }

  stampOf(node: string): Stamp {
    return this.#nodes.get(node) ?? NO_STAMP;
  }

  /** The newest turn of that epoch in anything that was written; 0 where there is none. */
  lastTurn(epoch: number): number {
    let last = this.#decision?.epoch === epoch ? this.#decision.turn : 0;
    for (const bindings of this.#nodes.values()) {
      if (bindings.epoch === epoch) last = Math.max(last, bindings.turn);
    }
    return last;
  }

  /** What is known may be wrong: read it again. */
  doubt(): void {
    this.#isLoaded = false;
  }

  /** Reads everything if it is in doubt, and otherwise looks for znodes that went or came behind our back. */
  async refresh(): Promise<void> {
    if (this.#isLoaded && this.#isListStale) await this.#compareList();
    if (this.#isLoaded) return;
    this.#parts = await this.#readList();
    this.#nodes.clear();
    this.#encoded.clear();
    this.#unreadable.clear();
    await this.#readDecision();
    await inParallel(this.#parts.keys(), (node) => this.#readNode(node));
    this.#isLoaded = true;
  }

  /** The writes that turn what is there into this. */
  writes(node: string, bindings: Bindings): readonly StoreWrite[] {
    const known = this.#encoded.get(node);
    if (known?.bindings === bindings) return known.writes;
    const writes = bindingsWrites(node, bindings, this.#parts.get(node) ?? new Set());
    this.#encoded.set(node, { bindings, writes });
    return writes;
  }

  decisionWrite(data: string): StoreWrite {
    const path = DECISION_PATH;
    return this.#isDecisionThere
      ? { type: 'set', path, data }
      : { type: 'create', path, data, ephemeral: false };
  }

  /** The writes for this were done. */
  wrote(node: string, bindings: Bindings): void {
    // A folder that is not there yet cannot be watched.
    if (this.#parts.size === 0) this.#isListStale = true;
    this.#parts.set(node, new Set(Array.from({ length: partsOf(bindings) }, (_, part) => part)));
    this.#encoded.delete(node);
    this.#nodes.set(node, bindings);
    this.#unreadable.delete(node);
  }

  /** Whether there is something to refresh. */
  get isStale(): boolean {
    return this.#isListStale || !this.#isLoaded;
  }

  wroteDecision(decision: Decision): void {
    this.#decision = decision;
    this.#decisionProblem = undefined;
    this.#isDecisionThere = true;
  }

  async #compareList(): Promise<void> {
    const found = await this.#readList();
    const shown = (parts: ReadonlyMap<string, ReadonlySet<number>>): string =>
      JSON.stringify([...parts].map(([node, numbers]) => [node, [...numbers].sort((a, b) => a - b)]).sort());
    if (shown(found) !== shown(this.#parts)) this.#isLoaded = false;
  }

  async #readList(): Promise<Map<string, Set<number>>> {
    this.#isListStale = false;
    try {
      const names = await this.#store.children(FOLDERS.bindings, () => {
        this.#isListStale = true;
        this.#changed();
      });
      return partsByNode(names);
    } catch (error) {
      this.#isListStale = true;
      throw error;
    }
  }

  async #readNode(node: string): Promise<void> {
    const read = await readBindings(this.#store, node);
    if (!read) return;
    if (read.ok) this.#nodes.set(node, read.value.bindings);
    else this.#unreadable.set(node, { problem: read.problem, newer: 'newer' in read && read.newer });
  }

  async #readDecision(): Promise<void> {
    const znode = await this.#store.get(DECISION_PATH);
    const read = znode && readDecision(znode.data);
    this.#isDecisionThere = znode !== undefined;
    this.#decision = read?.ok ? read.value : undefined;
    this.#decisionProblem = read?.ok === false ? read : undefined;
  }
}
