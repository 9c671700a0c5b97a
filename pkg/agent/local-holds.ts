import { readFile, rename } from 'node:fs/promises';
import { compareStrings, errorMessage, type Clock } from '../api/index.ts';
import { checkHold, holdOf, isActive, type Hold, type HoldStore } from '../reconcile/index.ts';
import { createFileStore } from './file-store.ts';

export interface LocalHoldsDeps {
  readonly clock: Clock;
  /** list() is another one now. */
  readonly changed: () => void;
  /** A warning for the log and the events. */
  readonly tell: (message: string) => void;
}

const FORMAT = 1;

/** Holds of a node that is the whole cluster, in one file. Those whose time is over go with the next write. */
export class LocalHolds implements HoldStore {
  readonly #path: string;
  readonly #deps: LocalHoldsDeps;
  readonly #file: ReturnType<typeof createFileStore>;
  #holds: readonly Hold[] = [];
  /** The file has something that could not be read, and that a person may still want. */
  #isDamaged = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(path: string, deps: LocalHoldsDeps) {
    this.#path = path;
    this.#deps = deps;
    this.#file = createFileStore(path);
  }

  /** Reads what an earlier run left. What cannot be read counts as nothing, and is told. */
  async load(): Promise<void> {
    try {
      this.#holds = decode(await readFile(this.#path, 'utf8'));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
      this.#isDamaged = true;
      this.#deps.tell(
        `cannot read the holds in ${this.#path} (${errorMessage(error)}): none is in force; put the file right and restart, or make them again`,
      );
    }
  }

  list(): readonly Hold[] {
    return this.#holds;
  }

  put(hold: Hold): Promise<void> {
    return this.#change((holds) => {
      checkHold(hold);
      return [...holds.filter(({ id }) => id !== hold.id), hold];
    });
  }

  release(id: string): Promise<void> {
    return this.#change((holds) => holds.filter((hold) => hold.id !== id));
  }

  /** One after the other; what could not be written does not come into force. */
  #change(make: (holds: readonly Hold[]) => readonly Hold[]): Promise<void> {
    const done = this.#writing.then(async () => {
      const nowMs = this.#deps.clock.now();
      const holds = make(this.#holds.filter((hold) => isActive(hold, nowMs)));
      const sorted = [...holds].sort((a, b) => compareStrings(a.id, b.id));
      if (JSON.stringify(sorted) === JSON.stringify(this.#holds)) return;
      await this.#setAside();
      await this.#file.save({ format: FORMAT, holds: sorted });
      this.#holds = sorted;
      this.#deps.changed();
    });
    this.#writing = done.catch(() => undefined);
    return done;
  }

  async #setAside(): Promise<void> {
    if (!this.#isDamaged) return;
    const aside = `${this.#path}.damaged`;
    await rename(this.#path, aside).then(
      () => this.#deps.tell(`the holds that could not be read are in ${aside} now`),
      // Gone meanwhile, or the write that follows fails and says why.
      () => undefined,
    );
    this.#isDamaged = false;
  }
}

function decode(text: string): readonly Hold[] {
  const saved: unknown = JSON.parse(text);
  if (typeof saved !== 'object' || saved === null) throw new Error('no JSON object');
  const { format, holds } = saved as Record<string, unknown>;
  if (format !== FORMAT) throw new Error(`format ${String(format)}, and this ovr knows ${FORMAT}`);
  if (!Array.isArray(holds)) throw new Error('holds is no list');
  return holds.map(holdOf);
}
