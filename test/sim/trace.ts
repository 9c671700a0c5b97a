import { createHash } from 'node:crypto';

const STORY_LENGTH = 40;
const CHUNK_CHARS = 64 * 1024;

/** Everything that passed between an agent and the world, as text: a hash of all of it, and the end of it for people. */
export class Trace {
  readonly #now: () => number;
  readonly #print: ((line: string) => void) | undefined;
  readonly #hash = createHash('sha256');
  readonly #story: string[] = [];
  #pending: string[] = [];
  #pendingChars = 0;

  constructor(now: () => number, print?: (line: string) => void) {
    this.#now = now;
    this.#print = print;
  }

  /** Worth telling: what changes something, or breaks something. */
  tell(who: string, what: string): void {
    const line = `${(this.#now() / 1000).toFixed(3).padStart(9)}  ${who.padEnd(12)} ${what}`;
    this.#story.push(line);
    if (this.#story.length > STORY_LENGTH) this.#story.shift();
    this.#add(line);
    this.#print?.(line);
  }

  /** Only for the hash. */
  note(who: string, what: string): void {
    this.#add(`${this.#now()} ${who} ${what}`);
  }

  /** The last events, oldest first. */
  story(): string[] {
    return [...this.#story];
  }

  /** Of everything so far; ends the trace. */
  digest(): string {
    this.#flush();
    return this.#hash.digest('hex').slice(0, 32);
  }

  #add(line: string): void {
    this.#pending.push(line);
    this.#pendingChars += line.length;
    if (this.#pendingChars > CHUNK_CHARS) this.#flush();
  }

  #flush(): void {
    this.#hash.update(this.#pending.join('\n'));
    this.#pending = [];
    this.#pendingChars = 0;
  }
}
