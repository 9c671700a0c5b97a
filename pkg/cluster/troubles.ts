/** What is wrong now, by topic. Each message is told once; the same one again only after it was over. */
export class Troubles {
  readonly #tell: (message: string) => void;
  readonly #current = new Map<string, string>();

  constructor(tell: (message: string) => void) {
    this.#tell = tell;
  }

  set(topic: string, message: string): void {
    if (this.#current.get(topic) === message) return;
    this.#current.set(topic, message);
    this.#tell(message);
  }

  clear(topic: string): void {
    this.#current.delete(topic);
  }

  /** Sets or clears. */
  be(topic: string, message: string | undefined): void {
    if (message === undefined) this.clear(topic);
    else this.set(topic, message);
  }

  /** All of them, those there longest first. */
  list(): readonly string[] {
    return [...this.#current.values()];
  }
}
