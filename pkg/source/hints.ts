/** What the newest event says about a name: the entry appeared or went (`moved`), or the file behind it was written. */
export type HintKind = 'moved' | 'written';

export interface Hint {
  readonly kind: HintKind;
}

/** Fewer are not worth the effort; pruning may make a file wait that need not. */
const PRUNE_FROM = 1_000;

/**
 * The newest event of each name. Used for one thing only: a file that was renamed into place need not wait. A lost event must
 * not make a written file look renamed, so after a burst that may have overflowed the kernel's queue nothing is believed.
 */
export class Hints {
  readonly #hints = new Map<string, Hint>();

  note(name: string, kind: HintKind): void {
    this.#hints.set(name, { kind });
  }

  /** Compare by identity to see whether another event came since. */
  get(name: string): Hint | undefined {
    return this.#hints.get(name);
  }

  /** The version that the hint was about is dealt with; a newer hint stays. */
  forget(name: string, hint: Hint | undefined): void {
    if (hint !== undefined && this.#hints.get(name) === hint) this.#hints.delete(name);
  }

  /** Names that came and went between two looks would pile up. */
  prune(keep: (name: string) => boolean): void {
    if (this.#hints.size < PRUNE_FROM) return;
    for (const name of this.#hints.keys()) if (!keep(name)) this.#hints.delete(name);
  }

  clear(): void {
    this.#hints.clear();
  }
}
