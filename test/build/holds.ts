import { checkHold, type Hold, type HoldStore } from '../../pkg/reconcile/index.ts';

/** Holds in memory, for one test. */
export class MemoryHolds implements HoldStore {
  readonly #holds = new Map<string, Hold>();
  /** Told of each change. */
  changed: () => void = () => undefined;

  list(): readonly Hold[] {
    return [...this.#holds.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async put(hold: Hold): Promise<void> {
    checkHold(hold);
    await Promise.resolve();
    this.#holds.set(hold.id, hold);
    this.changed();
  }

  release(id: string): Promise<void> {
    this.#holds.delete(id);
    this.changed();
    return Promise.resolve();
  }
}
