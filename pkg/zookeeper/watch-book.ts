import type { Watch } from '../cluster/index.ts';

/** What happened to a znode, by ZooKeeper's numbers. */
const CREATED = 1;
const DELETED = 2;
const DATA_CHANGED = 3;
const CHILDREN_CHANGED = 4;

/**
 * The watches of one connection, in place of the library's: kept once for each path and function, never sent again on another
 * connection, and deaf to events it does not know.
 */
export class WatchBook {
  readonly #ofData = new Map<string, Set<Watch>>();
  readonly #ofChildren = new Map<string, Set<Watch>>();
  readonly #failed: (error: unknown) => void;

  /** `failed` is told what a watch has thrown. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  registerDataWatcher(path: string, watch: Watch): void {
    add(this.#ofData, path, watch);
  }

  registerExistenceWatcher(path: string, watch: Watch): void {
    add(this.#ofData, path, watch);
  }

  registerChildWatcher(path: string, watch: Watch): void {
    add(this.#ofChildren, path, watch);
  }

  /** The library asks before it sends all watches again in one frame, which a server refuses when it is too long. */
  isEmpty(): boolean {
    return true;
  }

  /** Rings what waits for such an event, and forgets it. */
  emit({ type, path }: { readonly type: number; readonly path: string }): void {
    if (type === CREATED || type === DATA_CHANGED || type === DELETED) this.#ring(this.#ofData, path);
    if (type === CHILDREN_CHANGED || type === DELETED) this.#ring(this.#ofChildren, path);
  }

  #ring(book: Map<string, Set<Watch>>, path: string): void {
    const watches = book.get(path);
    book.delete(path);
    for (const watch of watches ?? []) {
      try {
        watch();
      } catch (error) {
        this.#failed(error);
      }
    }
  }
}

function add(book: Map<string, Set<Watch>>, path: string, watch: Watch): void {
  const watches = book.get(path);
  if (watches === undefined) book.set(path, new Set([watch]));
  else watches.add(watch);
}
