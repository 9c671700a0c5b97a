import { createHash } from 'node:crypto';
import { readDocument, writeDocument, type DocumentRead, type Fields } from './document.ts';
import { bindingsPath } from './paths.ts';
import { readStamp, type Stamp } from './stamp.ts';
import type { CoordinationStore, StoreWrite, Watch } from './store.ts';

/** What one node has of the containers, by name. */
export interface Share {
  /** Sorted names of the containers that it runs. */
  readonly names: readonly string[];
  /**
   * Sorted names that were taken from it and that it may still be running. None of them that moves on node failure runs elsewhere before
   * this node has shown that it has given it up, or is lost.
   */
  readonly leaving: readonly string[];
  /**
   * Sorted; those of `names` that came from a lost node and are not known to run here yet: what that node left in a cluster store may be in
   * their way.
   */
  readonly inherited: readonly string[];
}

/** What the leader has given to one node, as it writes it down. */
export interface Bindings extends Share, Stamp {}

/** As read, with the number of its znodes. */
export interface StoredBindings {
  readonly bindings: Bindings;
  readonly parts: number;
}

/** Bytes of names in one znode; servers refuse 1 MiB, and a batch must have room beside it. */
const PART_BYTES = 400_000;
/** The few that one node gets of a lost one; were there more, the rest would only wait for the lost node's endpoints to go. */
const MAX_INHERITED = 1_000;

interface Head extends Bindings {
  readonly parts: number;
  readonly digest: string;
}

/**
 * The znodes of one node's bindings, the head last: whoever reads a new head with old parts, or the other way round, finds that the digest
 * does not fit and reads again.
 */
export function bindingsZnodes(node: string, bindings: Bindings): { path: string; data: string }[] {
  const { epoch, turn, names, leaving, inherited } = bindings;
  const [first = { names: [], leaving: [] }, ...rest] = divide(names, leaving);
  const parts = rest.map((part, index) => ({
    path: bindingsPath(node, index + 1),
    data: writeDocument({ epoch, turn, ...part }),
  }));
  const digest = contentDigest(names, leaving);
  const few = inherited.slice(0, MAX_INHERITED);
  const head = { epoch, turn, parts: rest.length + 1, digest, ...first, inherited: few };
  return [...parts, { path: bindingsPath(node), data: writeDocument(head) }];
}

/** How many znodes these bindings take. */
export function partsOf({ names, leaving }: Bindings): number {
  return Math.max(1, divide(names, leaving).length);
}

/** The writes that make these bindings out of what is there; `existing`: numbers of the parts that are, with or without a head. */
export function bindingsWrites(
  node: string,
  bindings: Bindings,
  existing: ReadonlySet<number>,
): StoreWrite[] {
  const znodes = bindingsZnodes(node, bindings);
  const writes = znodes.map(({ path, data }, index): StoreWrite => {
    // The head comes last, but it is part 0.
    const part = (index + 1) % znodes.length;
    return existing.has(part)
      ? { type: 'set', path, data }
      : { type: 'create', path, data, ephemeral: false };
  });
  for (const part of existing) {
    if (part >= znodes.length) writes.push({ type: 'remove', path: bindingsPath(node, part) });
  }
  return writes;
}

export type BindingsRead =
  DocumentRead<StoredBindings> | { readonly ok: false; readonly problem: string; readonly torn: true };

/** Reads one node's bindings; undefined where it has none. `torn`: they are being written right now, or a part was lost. */
export async function readBindings(
  store: Pick<CoordinationStore, 'get'>,
  node: string,
  watch?: Watch,
): Promise<BindingsRead | undefined> {
  const path = bindingsPath(node);
  const znode = await store.get(path, watch);
  if (znode === undefined) return undefined;
  const head = readDocument(path, znode.data, decodeHead);
  if (!head.ok) return head;
  const { epoch, turn, parts, digest, inherited } = head.value;
  const names = [...head.value.names];
  const leaving = [...head.value.leaving];
  for (let part = 1; part < parts; part += 1) {
    const found = await store.get(bindingsPath(node, part));
    if (found === undefined) return tornRead(path);
    const read = readDocument(bindingsPath(node, part), found.data, decodePart);
    if (!read.ok) return read;
    names.push(...read.value.names);
    leaving.push(...read.value.leaving);
  }
  if (contentDigest(names, leaving) !== digest) return tornRead(path);
  return { ok: true, value: { bindings: { epoch, turn, names, leaving, inherited }, parts } };
}

function tornRead(path: string): BindingsRead {
  return { ok: false, problem: `the parts of znode ${path} do not fit together`, torn: true };
}

function decodeHead(fields: Fields): Head {
  return {
    ...readStamp(fields),
    ...decodePart(fields),
    parts: fields.number('parts'),
    digest: fields.text('digest'),
    inherited: fields.has('inherited') ? fields.texts('inherited') : [],
  };
}

function decodePart(fields: Fields): {
  names: readonly string[];
  leaving: readonly string[];
} {
  return { names: fields.texts('names'), leaving: fields.texts('leaving') };
}

function contentDigest(names: readonly string[], leaving: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([names, leaving]))
    .digest('hex')
    .slice(0, 32);
}

interface Part {
  readonly names: string[];
  readonly leaving: string[];
}

function divide(names: readonly string[], leaving: readonly string[]): Part[] {
  let last: Part = { names: [], leaving: [] };
  let bytes = 0;
  const parts = [last];
  const add = (list: keyof Part, name: string): void => {
    const size = jsonBytes(name);
    if (bytes > 0 && bytes + size > PART_BYTES) {
      last = { names: [], leaving: [] };
      parts.push(last);
      bytes = 0;
    }
    bytes += size;
    last[list].push(name);
  };
  for (const name of names) add('names', name);
  for (const name of leaving) add('leaving', name);
  return parts;
}

/** An upper bound that needs no encoding: three bytes for each UTF-16 unit, quotes and comma. */
function jsonBytes(name: string): number {
  return name.length * 3 + 3;
}
