import { basename, dirname, resolve } from 'node:path';
import { watch, type FSWatcher } from 'chokidar';
import type { Clock } from '../api/index.ts';
import type { HintKind } from './hints.ts';

/** A watcher that has not said it is ready by now is not waited for; the folder is then only scanned. */
const READY_DEADLINE_MS = 5_000;

/** Told of every event: the name in the folder, or undefined for "something about the folder itself". */
export type Ring = (name: string | undefined, kind: HintKind) => void;

export interface FolderWatchOptions {
  readonly dir: string;
  readonly clock: Clock;
  readonly ring: Ring;
  /** Whether another one watches the parent. */
  readonly isBelow: boolean;
  /** Told when events cannot be expected any more. */
  readonly failed: (path: string, error: unknown) => void;
}

/** Watches one folder and rings. Nothing may depend on a ring: they get lost. */
export interface FolderWatcher {
  /** Whether events can be expected at all. */
  readonly isAlive: boolean;
  /** Watches what is at the path now, instead of what was there before. */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

/**
 * chokidar goes deaf when the folder is removed and made again, is renamed over, or is a link that is pointed elsewhere. So the
 * parent is watched as well, and the caller reopens when it finds another folder at the path. Only chokidar's raw events are
 * used: they come without its own delays, and its filter leaves out every file, so it never holds a list of them.
 */
export class ChokidarWatch implements FolderWatcher {
  readonly #options: FolderWatchOptions;
  readonly #path: string;
  #folder: FSWatcher | undefined;
  #parent: FSWatcher | undefined;
  #isAlive = false;

  constructor(options: FolderWatchOptions) {
    this.#options = options;
    this.#path = resolve(options.dir);
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  async reopen(): Promise<void> {
    await this.close();
    this.#isAlive = true;
    if (!this.#options.isBelow) this.#parent = await this.#openParent();
    this.#folder = await this.#open(this.#path, (name, kind) => {
      this.#options.ring(name, kind);
      if (name === basename(this.#path)) this.#options.ring(undefined, kind);
    });
  }

  async close(): Promise<void> {
    const watchers = [this.#folder, this.#parent];
    this.#folder = undefined;
    this.#parent = undefined;
    this.#isAlive = false;
    for (const watcher of watchers) await watcher?.close();
  }

  #openParent(): Promise<FSWatcher> {
    return this.#open(dirname(this.#path), (name, kind) => {
      if (name === undefined || name === basename(this.#path)) this.#options.ring(undefined, kind);
    });
  }

  async #open(path: string, ring: Ring): Promise<FSWatcher> {
    const watcher = watch(path, {
      depth: 0,
      ignoreInitial: true,
      atomic: false,
      ignored: (candidate) => candidate !== path,
    });
    watcher.on('raw', (event, name) => {
      const known = typeof name === 'string' && name !== '' ? name : undefined;
      ring(known, event === 'change' ? 'written' : 'moved');
    });
    watcher.on('error', (error) => {
      this.#isAlive = false;
      this.#options.failed(path, error);
    });
    await new Promise<void>((done) => {
      const cancel = this.#options.clock.after(READY_DEADLINE_MS, done);
      watcher.on('ready', () => {
        cancel();
        done();
      });
    });
    return watcher;
  }
}
