import { errorMessage } from '../api/index.ts';
import type { Memory } from './memory.ts';
import type { StateStore } from './ports.ts';

/** Writes the memory down whenever it has changed: one write at a time, and never in the way of the loop. */
export class Saver {
  readonly #memory: Memory;
  readonly #store: StateStore;
  readonly #failed: (error: string) => void;
  #saving: Promise<void> | undefined;

  constructor(memory: Memory, store: StateStore, failed: (error: string) => void) {
    this.#memory = memory;
    this.#store = store;
    this.#failed = failed;
  }

  /** Begins to save; what changes while a write is under way is in the next one. */
  save(): void {
    this.#saving ??= this.#saveAll().finally(() => {
      this.#saving = undefined;
    });
  }

  /** Resolves when nothing is being written. */
  async done(): Promise<void> {
    await this.#saving;
  }

  async #saveAll(): Promise<void> {
    while (this.#memory.takeDirty()) {
      try {
        await this.#store.save(this.#memory.toJson());
      } catch (error) {
        this.#memory.markDirty();
        this.#failed(errorMessage(error));
        return;
      }
    }
  }
}
