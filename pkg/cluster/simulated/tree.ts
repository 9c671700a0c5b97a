import { compareStrings, OvrError } from '../../api/index.ts';
import type { StoreWrite, Znode } from '../store.ts';

interface TreeNode {
  data: string;
  version: number;
  /** Session that it goes with; absent where it stays. */
  readonly owner?: string;
  readonly children: Set<string>;
  /** How many children were ever made here: the next sequential name. */
  made: number;
}

/** One change as watches see it. */
export interface Change {
  readonly type: 'created' | 'changed' | 'removed';
  readonly path: string;
}

const SEQUENCE_DIGITS = 10;

/** The znodes of a simulated ensemble. Writes are all or nothing; nothing here knows of time or connections. */
export class Tree {
  readonly #nodes = new Map<string, TreeNode>([['', emptyNode('')]]);

  get(path: string, session: string): Znode | undefined {
    const node = this.#nodes.get(path);
    if (node === undefined) return undefined;
    const { data, version, owner } = node;
    return { data, version, mine: owner === session, ephemeral: owner !== undefined };
  }

  /** Sorted; undefined where there is no such folder. */
  children(path: string): readonly string[] | undefined {
    const node = this.#nodes.get(path);
    return node && [...node.children].sort(compareStrings);
  }

  /** The session that an ephemeral znode goes with. */
  owner(path: string): string | undefined {
    return this.#nodes.get(path)?.owner;
  }

  /** All paths with their data, sorted. */
  entries(): [path: string, data: string][] {
    return [...this.#nodes]
      .filter(([path]) => path !== '')
      .map(([path, { data }]): [string, string] => [path, data])
      .sort(([a], [b]) => compareStrings(a, b));
  }

  /** Does all writes, or none and fails with an OvrError. */
  commit(writes: readonly StoreWrite[], session: string): Change[] {
    const undos: (() => void)[] = [];
    const changes: Change[] = [];
    try {
      for (const write of writes) this.#write(write, session, { undos, changes });
    } catch (error) {
      for (const undo of undos.reverse()) undo();
      throw error;
    }
    return changes;
  }

  createSequential(
    base: { folder: string; prefix: string; data: string },
    session: string,
  ): { path: string; changes: Change[] } {
    const number = this.#nodes.get(base.folder)?.made ?? 0;
    const path = `${base.folder}/${base.prefix}${String(number).padStart(SEQUENCE_DIGITS, '0')}`;
    const write: StoreWrite = { type: 'create', path, data: base.data, ephemeral: true };
    return { path, changes: this.commit([write], session) };
  }

  /** Removes what goes with a session. */
  removeOwnedBy(session: string): Change[] {
    const owned = [...this.#nodes].filter(([, { owner }]) => owner === session).map(([path]) => path);
    return this.commit(
      owned.sort(compareStrings).map((path) => ({ type: 'remove', path })),
      session,
    );
  }

  copy(): Tree {
    const copy = new Tree();
    for (const [path, node] of this.#nodes) {
      copy.#nodes.set(path, { ...node, children: new Set(node.children) });
    }
    return copy;
  }

  #write(write: StoreWrite, session: string, log: { undos: (() => void)[]; changes: Change[] }): void {
    if (write.type === 'create') {
      this.#makeFolders(parentOf(write.path), log);
      if (this.#nodes.has(write.path)) throw conflict(`${write.path} exists`);
      this.#add(write.path, { data: write.data, ...(write.ephemeral ? { owner: session } : {}) }, log);
      return;
    }
    const node = this.#require(write.path, write.version);
    if (write.type === 'set') {
      const { data, version } = node;
      log.undos.push(() => Object.assign(node, { data, version }));
      Object.assign(node, { data: write.data, version: version + 1 });
      log.changes.push({ type: 'changed', path: write.path });
    }
    if (write.type === 'remove') this.#remove(write.path, node, log);
  }

  #makeFolders(path: string, log: { undos: (() => void)[]; changes: Change[] }): void {
    if (this.#nodes.has(path)) return;
    this.#makeFolders(parentOf(path), log);
    this.#add(path, { data: '' }, log);
  }

  #add(
    path: string,
    what: { data: string; owner?: string },
    log: { undos: (() => void)[]; changes: Change[] },
  ): void {
    const parent = this.#nodes.get(parentOf(path));
    if (parent === undefined || parent.owner !== undefined) {
      throw new OvrError('coordinator-error', 'transient', `${parentOf(path)} is ephemeral: no children`);
    }
    const name = nameOf(path);
    this.#nodes.set(path, { ...emptyNode(what.data), ...what });
    parent.children.add(name);
    parent.made += 1;
    log.undos.push(() => {
      this.#nodes.delete(path);
      parent.children.delete(name);
      parent.made -= 1;
    });
    log.changes.push({ type: 'created', path });
  }

  #remove(path: string, node: TreeNode, log: { undos: (() => void)[]; changes: Change[] }): void {
    if (node.children.size > 0) throw conflict(`${path} is not empty`);
    const parent = this.#nodes.get(parentOf(path));
    this.#nodes.delete(path);
    parent?.children.delete(nameOf(path));
    log.undos.push(() => {
      this.#nodes.set(path, node);
      parent?.children.add(nameOf(path));
    });
    log.changes.push({ type: 'removed', path });
  }

  #require(path: string, version: number | undefined): TreeNode {
    const node = this.#nodes.get(path);
    if (node === undefined) throw conflict(`${path} does not exist`);
    if (version !== undefined && version !== node.version) {
      throw conflict(`${path} has version ${node.version}, not ${version}`);
    }
    return node;
  }
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function emptyNode(data: string): TreeNode {
  return { data, version: 0, children: new Set(), made: 0 };
}

function conflict(message: string): OvrError {
  return new OvrError('coordinator-conflict', 'waiting', message);
}
