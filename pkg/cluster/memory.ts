import { errorMessage, type Clock } from '../api/index.ts';
import { holdOf, type Hold, type StateStore } from '../reconcile/index.ts';
import { type Fields, readDocument, writeDocument } from './document.ts';
import { NO_STAMP, readStamp, type Stamp } from './stamp.ts';

/** What an agent keeps of its cluster over restarts. */
export interface Kept {
  /** Name of the cluster it is about: another one's memory is worth nothing. */
  readonly cluster: string;
  readonly clusterId: string;
  readonly instance: string;
  /** The highest epoch of anything believed. */
  readonly epoch: number;
  /** Of the newest decision that was believed. */
  readonly decision: Stamp;
  /** Of the newest own bindings that were believed, and their names. */
  readonly bindings: Stamp;
  readonly bound: readonly string[];
  /** Names that were taken away and may still run here. */
  readonly leaving: readonly string[];
  /** As last read: a restart without a coordinator goes on with them. */
  readonly holds: readonly Hold[];
}

/** A disk that does not answer must not keep a node from acting. */
const SAVE_DEADLINE_MS = 2_000;
const ID_DIGITS = 32;

/** The memory on disk. Decided-on revisions are not kept: what only a disk says is never evidence for a removal. */
export class Memory {
  readonly #disk: StateStore;
  readonly #clock: Clock;
  readonly #random: () => number;
  #kept: Kept;
  #written = '';

  constructor(
    deps: { readonly disk: StateStore; readonly clock: Clock; readonly random: () => number },
    cluster: string,
  ) {
    this.#disk = deps.disk;
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#kept = {
      cluster,
      clusterId: '',
      instance: this.newId(),
      epoch: 0,
      decision: NO_STAMP,
      bindings: NO_STAMP,
      bound: [],
      leaving: [],
      holds: [],
    };
  }

  get kept(): Kept {
    return this.#kept;
  }

  /** 128 random bits in hexadecimal. */
  newId(): string {
    const digits = Array.from({ length: ID_DIGITS }, () => Math.floor(this.#random() * 16).toString(16));
    return digits.join('');
  }

  /** Reads what an earlier run left. What is not there, not readable or of another cluster counts as nothing. */
  async load(): Promise<void> {
    const found = await this.#disk.load();
    if (found === undefined || found === null) return;
    const read = readDocument('on disk', JSON.stringify(found), decode);
    if (read.ok && read.value.cluster === this.#kept.cluster) this.#kept = read.value;
  }

  /**
   * Remembers, and resolves with undefined once it is on disk, or with why it is not: a full or hanging disk keeps nobody from going on.
   */
  async keep(changes: Partial<Kept>): Promise<string | undefined> {
    this.#kept = { ...this.#kept, ...changes };
    const text = writeDocument(this.#kept);
    if (text === this.#written) return undefined;
    const problem = await this.#save(text);
    if (problem === undefined) this.#written = text;
    return problem;
  }

  #save(text: string): Promise<string | undefined> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(SAVE_DEADLINE_MS, () => resolve('the disk does not answer'));
      const end = (problem?: string): void => {
        cancel();
        resolve(problem);
      };
      const state: unknown = JSON.parse(text);
      this.#disk.save(state).then(
        () => end(),
        (error: unknown) => end(errorMessage(error)),
      );
    });
  }
}

function decode(fields: Fields): Kept {
  return {
    cluster: fields.text('cluster'),
    clusterId: fields.text('clusterId'),
    instance: fields.text('instance'),
    epoch: fields.number('epoch'),
    decision: readStamp(fields.fields('decision')),
    bindings: readStamp(fields.fields('bindings')),
    bound: fields.texts('bound'),
    leaving: fields.has('leaving') ? fields.texts('leaving') : [],
    holds: fields.has('holds') ? fields.list('holds').map(holdOf) : [],
  };
}
