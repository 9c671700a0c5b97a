import { setImmediate as nextTurn } from 'node:timers/promises';
import { errorMessage, type Clock } from '../api/index.ts';
import type { Moment } from './file-record.ts';
import { FolderState } from './folder-state.ts';
import type { FolderWatcher, Ring } from './folder-watch.ts';
import { Hints, type HintKind } from './hints.ts';
import type { Variables } from '../manifest/index.ts';
import { isManifestName } from './name.ts';
import type { Reader } from './sighting.ts';

/** A watcher that could not start is tried again this often. */
const REWATCH_MS = 60_000;
/** A folder that is another one after every look is left for the next scan. */
const MAX_LOOKS = 3;
/** What a folder's identity counts as while it cannot be read. */
const UNREADABLE = 'unreadable';

interface FolderOptions {
  readonly dir: string;
  readonly settleMs: number;
  readonly clock: Clock;
  readonly reader: Reader;
  /** Makes the watcher; it must not start before reopen(). */
  readonly watcher: (ring: Ring) => FolderWatcher;
  /** So many events in one turn of the event loop may mean that the kernel dropped some. */
  readonly burst: number;
  /** What manifests may ask for, now. */
  readonly variables: () => Variables;
  /** Asks for a refresh soon. */
  readonly ring: () => void;
}

/** One watched folder: turns events and timers into looks and reads, one refresh at a time. */
export class Folder {
  readonly state: FolderState;
  readonly #options: FolderOptions;
  readonly #hints = new Hints();
  readonly #watcher: FolderWatcher;
  #watched: string | undefined;
  #rewatchAtMs = 0;
  #wantsAll = true;
  #names = new Set<string>();
  #isScanning = false;
  /** Names that a scan under way may have seen in an older state. */
  #touched = new Set<string>();
  #burst = 0;

  constructor(options: FolderOptions) {
    this.#options = options;
    this.state = new FolderState(options.dir, options.settleMs);
    this.#watcher = options.watcher((name, kind) => this.#note(name, kind));
  }

  async close(): Promise<void> {
    await this.#watcher.close();
  }

  #note(name: string | undefined, kind: HintKind): void {
    this.#countBurst();
    if (name === undefined) this.#wantsAll = true;
    else if (isManifestName(name)) {
      this.#hints.note(name, kind);
      this.#names.add(name);
      if (this.#isScanning) this.#touched.add(name);
    } else if (this.state.hasLinks) this.#wantsAll = true;
    else return;
    this.#options.ring();
  }

  /** The kernel drops events silently when its queue is full, and a dropped write would make a file look renamed. */
  #countBurst(): void {
    this.#burst += 1;
    if (this.#burst > 1) return;
    void nextTurn().then(() => {
      const mayHaveLost = this.#burst >= this.#options.burst;
      this.#burst = 0;
      if (!mayHaveLost) return;
      this.#hints.clear();
      this.#wantsAll = true;
      this.#options.ring();
    });
  }

  /** Reads anew, with the next refresh, what asks for variables. */
  variablesChanged(): void {
    this.state.reread(this.#now());
  }

  /** Looks at what events and elapsed time ask for, and reads what may be read. `timed`: check everything. Never fails. */
  async refresh(timed: boolean): Promise<void> {
    if (timed) this.#checkEverything();
    await this.#look(timed);
    const hints = this.#watcher.isAlive ? this.#hints : new Hints();
    const requests = this.state.requests(this.#now(), hints);
    if (requests.length === 0) return;
    const { reader, variables } = this.#options;
    const results = await reader.load(this.state.dir, requests, variables());
    // Events of writes that happened before the answer are delivered by now.
    await nextTurn();
    this.state.loaded(results, this.#now(), hints);
  }

  #checkEverything(): void {
    for (const name of this.state.retryNames()) this.#names.add(name);
    if (!this.#watcher.isAlive && this.#now().monotonicMs >= this.#rewatchAtMs) this.#watched = undefined;
    if (this.#watched === undefined || !this.state.isReadable || this.state.isReplaced) this.#wantsAll = true;
    if (this.#wantsAll || this.#isScanning) return;
    this.#isScanning = true;
    this.#touched = new Set();
    void this.#scan().finally(() => {
      this.#isScanning = false;
    });
  }

  /** Finds what events did not tell. That there is such a thing means that the watcher went deaf. */
  async #scan(): Promise<void> {
    try {
      const scan = await this.#options.reader.scan(this.state.dir);
      await nextTurn();
      const names = this.state.differing(scan) ?? this.#expectAll();
      const missed = names.filter((name) => !this.#touched.has(name) && !this.#names.has(name));
      for (const name of missed) this.#names.add(name);
      if (missed.length > 0 && this.#watcher.isAlive) this.#watched = undefined;
      this.#hints.prune((name) => this.state.knows(name));
    } catch {
      this.#wantsAll = true;
    }
    if (this.#wantsAll || this.#names.size > 0) this.#options.ring();
  }

  #expectAll(): string[] {
    this.#wantsAll = true;
    return [];
  }

  async #look(timed: boolean): Promise<void> {
    const now = this.#now();
    for (const name of this.state.dueNames(now)) this.#names.add(name);
    this.#wantsAll ||= this.state.isLookDue(now);
    for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
      if (!this.#wantsAll && this.#names.size === 0) return;
      await this.#lookOnce(timed && looks === 0);
      await this.#followFolder();
    }
  }

  async #lookOnce(retry: boolean): Promise<void> {
    const { dir, isReplaced } = this.state;
    const complete = this.#wantsAll || isReplaced;
    const names = [...this.#names];
    if (this.#isScanning) for (const name of names) this.#touched.add(name);
    this.#wantsAll = false;
    this.#names = new Set();
    try {
      const look = await this.#options.reader.look(complete ? { dir } : { dir, names });
      await nextTurn();
      if (!this.state.looked(look, { complete, retry }, this.#now())) this.#wantsAll = true;
    } catch (error) {
      this.state.failed(errorMessage(error));
    }
  }

  /** Another folder at the path, or a watcher that missed something: watch anew, and look once more since events were missed. */
  async #followFolder(): Promise<void> {
    const seen = this.state.isReadable ? this.state.identity : UNREADABLE;
    if (seen === this.#watched) return;
    // What happens in between is lost, so an older event is no longer the newest one.
    this.#hints.clear();
    await this.#watcher.reopen();
    this.#rewatchAtMs = this.#now().monotonicMs + REWATCH_MS;
    this.#watched = seen;
    this.#wantsAll = true;
  }

  #now(): Moment {
    const { clock } = this.#options;
    return { wallMs: clock.now(), monotonicMs: clock.monotonic() };
  }
}
