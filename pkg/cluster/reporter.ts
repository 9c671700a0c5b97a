import { Loop } from './loop.ts';
import { reportPath } from './paths.ts';
import type { Parts } from './parts.ts';
import { ownDocumentWrites } from './own-document.ts';

/** Others want news of this node, but not at the price of a busy coordinator. */
const MIN_INTERVAL_MS = 1_000;

/** Keeps `reports/<node>` as the newest report says: at most one write in a second, none where nothing changed. */
export class Reporter {
  readonly #parts: Parts;
  readonly #mayWrite: () => boolean;
  readonly #loop: Loop;
  #wanted: string | undefined;
  /** What stands in the coordinator, as far as this connection knows. */
  #written: { readonly text: string; readonly connection: number } | undefined;
  #nextMs = 0;

  constructor(parts: Parts, mayWrite: () => boolean) {
    this.#parts = parts;
    this.#mayWrite = mayWrite;
    this.#loop = new Loop(parts.loop('report'), () => this.#round());
  }

  report(text: string): void {
    this.#wanted = text;
    if (text !== this.#written?.text) this.ring();
  }

  ring(): void {
    this.#loop.ring(Math.max(0, this.#nextMs - this.#parts.clock.monotonic()));
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #round(): Promise<void> {
    const { contact, store, node } = this.#parts;
    const { connection } = contact;
    const text = this.#wanted;
    if (connection === 0 || text === undefined || !this.#mayWrite()) return;
    const isKnown = this.#written?.connection === connection;
    if (isKnown && this.#written?.text === text) return;
    const path = reportPath(node);
    this.#written = undefined;
    // Told when it goes: somebody who cleans the tree must not leave others without news of this node.
    const znode = await store.get(path, isKnown ? undefined : () => this.#look());
    const writes = ownDocumentWrites(path, text, znode);
    if (writes.length > 0) {
      this.#nextMs = this.#parts.clock.monotonic() + MIN_INTERVAL_MS;
      await store.commit(writes);
    }
    this.#written = { text, connection };
  }

  #look(): void {
    this.#written = undefined;
    this.ring();
  }
}
