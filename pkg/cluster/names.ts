import { STANDINGS, standingName, type AliasView, type HolderFact } from '../plan/index.ts';
import { Fields, readDocument, writeDocument, type DocumentRead } from './document.ts';
import { Loop } from './loop.ts';
import { ownDocumentWrites } from './own-document.ts';
import { inParallel } from './parallel.ts';
import { decodeName, FOLDERS, namesPath } from './paths.ts';
import type { Parts } from './parts.ts';

type FactsByAlias = ReadonlyMap<string, readonly HolderFact[]>;

/** More than any node runs; what is left out is not known to others, and so nothing is given up for it. */
const MAX_FACTS = 5_000;

/**
 * Tells the other nodes at once which containers of this node hold which alias, and how those stand that depend on others or others on
 * them, in `names/<node>`, and learns the same of them. Only nodes that have such containers write, and only they watch.
 */
export class Names {
  readonly #parts: Parts;
  readonly #isJoined: () => boolean;
  readonly #changed: () => void;
  readonly #writing: Loop;
  readonly #reading: Loop;
  #own: readonly Fact[] = [];
  #written: { readonly text: string; readonly connection: number } | undefined;
  /** The connection over which this node has something written: then there is a folder to watch. 0: none. */
  #tellsIn = 0;
  #known: { readonly facts: FactsByAlias; readonly connection: number; readonly text: string } | undefined;

  constructor(parts: Parts, deps: { isJoined: () => boolean; changed: () => void }) {
    this.#parts = parts;
    this.#isJoined = deps.isJoined;
    this.#changed = deps.changed;
    this.#writing = new Loop(parts.loop('names'), () => this.#write());
    this.#reading = new Loop(parts.loop('names of others'), () => this.#read());
  }

  /** What other nodes say, by alias; undefined while it is not known. */
  get elsewhere(): FactsByAlias | undefined {
    const { connection } = this.#parts.contact;
    return connection !== 0 && this.#known?.connection === connection ? this.#known.facts : undefined;
  }

  /** Takes what this node's newest round found: who holds which alias, and how containers stand that depend on each other. */
  tell(views: readonly AliasView[], standings: readonly Omit<HolderFact, 'node'>[]): void {
    const { node } = this.#parts;
    const own = views.flatMap(({ name, holders }) =>
      holders.filter((fact) => fact.node === node).map((fact): Fact => ({ alias: name, ...fact })),
    );
    const others = standings.map((fact): Fact => ({ alias: standingName(fact.container), node, ...fact }));
    this.#own = [...own, ...others].slice(0, MAX_FACTS);
    this.#writing.ring();
  }

  ring(): void {
    this.#writing.ring();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#writing.stop(), this.#reading.stop()]);
  }

  /** Reads what all nodes say now, this one too; for whoever does not watch. Fails with an OvrError. */
  async ask(): Promise<FactsByAlias> {
    return (await this.#readAll(undefined)).facts;
  }

  async #write(): Promise<void> {
    const { contact, store, node } = this.#parts;
    const { connection } = contact;
    if (connection === 0 || !this.#isJoined()) return;
    const text = this.#own.length > 0 ? writeDocument({ holders: this.#own.map(encode) }) : '';
    const isKnown = this.#written?.connection === connection;
    if (isKnown ? this.#written?.text === text : text === '' && this.#written === undefined) return;
    const path = namesPath(node);
    this.#written = undefined;
    const writes = ownDocumentWrites(path, text, await store.get(path));
    if (writes.length > 0) await store.commit(writes);
    this.#written = { text, connection };
    this.#tells(text === '' ? 0 : connection);
  }

  /** A folder that is not there cannot be watched: others are read once this node has written, and known no more when it has not. */
  #tells(connection: number): void {
    const isFirst = connection !== this.#tellsIn;
    this.#tellsIn = connection;
    if (connection === 0) this.#known = undefined;
    else if (isFirst) this.#reading.ring();
  }

  async #read(): Promise<void> {
    const { contact } = this.#parts;
    const { connection } = contact;
    // Whoever returns here has no watch any more: `#write` rings when there is something to watch again.
    if (connection === 0 || this.#tellsIn !== connection) return;
    const { facts, text, nodes } = await this.#readAll(() => this.#reading.ring());
    if (contact.connection !== connection || this.#tellsIn !== connection) return;
    if (!nodes.includes(this.#parts.node)) this.#writeAgain();
    const isNews = this.elsewhere === undefined || this.#known?.text !== text;
    this.#known = { facts, connection, text };
    if (isNews) this.#changed();
  }

  /** Somebody has cleaned the tree. */
  #writeAgain(): void {
    this.#written = undefined;
    this.#writing.ring();
  }

  async #readAll(
    again: (() => void) | undefined,
  ): Promise<{ facts: FactsByAlias; text: string; nodes: readonly string[] }> {
    const { store, troubles } = this.#parts;
    const folder = await store.children(FOLDERS.names, again);
    const nodes = folder.map(decodeName).filter((node) => node !== undefined);
    const found: Fact[] = [];
    await inParallel(nodes, async (node) => {
      const path = namesPath(node);
      const znode = await store.get(path, again);
      if (!znode) return;
      const read = readNames(path, node, znode.data);
      troubles.be(path, read.ok ? undefined : read.problem);
      if (read.ok) found.push(...read.value);
    });
    found.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
    return { facts: Map.groupBy(found, ({ alias }) => alias), text: JSON.stringify(found), nodes };
  }
}

interface Fact extends HolderFact {
  readonly alias: string;
}

function sortKey({ alias, container, node }: Fact): string {
  return `${alias} ${container} ${node}`;
}

function encode({ alias, container, has, standing }: Fact): object {
  return { alias, container, has, standing };
}

function readNames(path: string, node: string, text: string): DocumentRead<Fact[]> {
  return readDocument(path, text, (fields) =>
    fields
      .list('holders')
      .slice(0, MAX_FACTS)
      .map((value): Fact => {
        const fact = Fields.of(value);
        return {
          alias: fact.text('alias'),
          container: fact.text('container'),
          node,
          has: fact.flag('has'),
          standing: fact.oneOf('standing', STANDINGS),
        };
      }),
  );
}
