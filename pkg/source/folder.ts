import { setImmediate as nextTurn } from 'node:timers/promises';
import { errorMessage, type Clock } from '../api/index.ts';
import type { Moment } from './file-record.ts';
import { FolderState } from './folder-state.ts';
import type { FolderWatcher, Ring } from './folder-watch.ts';
import { Hints, type HintKind } from './hints.ts';
import { isManifestName } from './name.ts';
import type { LoadRequest, LoadResult, Reader } from './sighting.ts';

/** A watcher that could not start is tried again this often. */
const REWATCH_MS = 60_000;
/** A folder that is another one after every look is left for the next scan. */
const MAX_LOOKS = 3;
/** What a folder's identity counts as while it cannot be read. */
const UNREADABLE = 'unreadable';

interface FolderOptions {
  readonly dir: string;
  /** The way from there to the folder, where it is one below. */
  readonly below: string;
  readonly settleMs: number;
  readonly clock: Clock;
  readonly reader: Reader;
  /** Makes the watcher; it must not start before reopen(). */
  readonly watcher: (ring: Ring) => FolderWatcher;
  /** Told of every event; `path` is given where its name is no manifest's. Returns whether such a name means anything. */
  readonly event: (path: string | undefined, kind: HintKind) => boolean;
  /** Told when folders below may have come or gone unseen. */
  readonly missed: () => void;
  /** Asks for a refresh soon. */
  readonly ring: () => void;
}

/** One watched folder: turns events and timers into looks, and knows what to read, one round at a time. */
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
  /** What was believed of events when it was asked what to read. */
  #believed = this.#hints;

  constructor(options: FolderOptions) {
    this.#options = options;
    this.state = new FolderState(options.dir, options.settleMs, options.below);
    this.#watcher = options.watcher((name, kind) => this.#note(name, kind));
  }

  async close(): Promise<void> {
    await this.#watcher.close();
  }

  #note(name: string | undefined, kind: HintKind): void {
    const { below, event } = this.#options;
    const path = below === '' || name === undefined ? name : `${below}/${name}`;
    const isManifest = name !== undefined && isManifestName(name);
    const matters = event(isManifest ? undefined : path, kind);
    if (path === undefined) {
      this.#wantsAll = true;
      this.#options.missed();
    } else if (isManifest) {
      this.#hints.note(path, kind);
      this.#names.add(path);
      if (this.#isScanning) this.#touched.add(path);
    } else if (this.state.hasLinks) this.#wantsAll = true;
    else if (!matters) return;
    this.#options.ring();
  }

  /** The kernel may have dropped events, and a dropped write would make a file look renamed. */
  mayHaveMissed(): void {
    this.#hints.clear();
    this.#wantsAll = true;
  }

  /** It is there, with so many folders in it; looked at where that is news. */
  isThere(identity: string, folders: number): void {
    const { isReadable, isReplaced } = this.state;
    const isFilled = isReplaced && folders !== this.state.folders;
    this.state.folders = folders;
    if (identity !== this.state.identity || !isReadable || isFilled) this.#wantsAll = true;
  }

  /** Whether events came since the newest look. */
  get wantsLook(): boolean {
    return this.#wantsAll || this.#names.size > 0;
  }

  /** Looks at everything with the next round. */
  expectAll(): void {
    this.#wantsAll = true;
  }

  /** Reads anew, with the next round, what asks for variables. */
  variablesChanged(): void {
    this.state.reread(this.#now());
  }

  /** Looks at what events and elapsed time ask for. `timed`: check everything. Never fails. */
  async look(timed: boolean): Promise<void> {
    if (timed) this.#checkEverything();
    await this.#look(timed);
  }

  /** What may be read now. */
  requests(): LoadRequest[] {
    this.#believed = this.#watcher.isAlive ? this.#hints : new Hints();
    return this.state.requests(this.#now(), this.#believed);
  }

  /** Takes the answers, after the events of writes that happened before them. */
  loaded(results: readonly LoadResult[]): void {
    this.state.loaded(results, this.#now(), this.#believed);
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
      const scan = await this.#options.reader.scan(this.state.scanRequest);
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
    if (this.#watched === undefined) await this.#watchFirst();
    for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
      if (!this.#wantsAll && this.#names.size === 0) return;
      await this.#lookOnce(timed && looks === 0);
      await this.#followFolder();
    }
  }

  async #lookOnce(retry: boolean): Promise<void> {
    const { dir, below, isReplaced } = this.state;
    const complete = this.#wantsAll || isReplaced;
    const names = [...this.#names];
    if (this.#isScanning) for (const name of names) this.#touched.add(name);
    this.#wantsAll = false;
    this.#names = new Set();
    try {
      const look = await this.#options.reader.look(complete ? { dir, below } : { dir, below, names });
      await nextTurn();
      if (!this.state.looked(look, { complete, retry }, this.#now())) this.#wantsAll = true;
    } catch (error) {
      this.state.failed(errorMessage(error));
    }
  }

  /** Another folder at the path, or a watcher that missed something: watch anew, and look once more since events were missed. */
  async #followFolder(): Promise<void> {
    const seen = this.state.isReadable ? this.state.identity : UNREADABLE;
    if (seen !== this.#watched) await this.#watchAnew(seen);
  }

  /** Watches what is at the path before it is looked at, so that one look is enough. Where nothing is, the look says so. */
  async #watchFirst(): Promise<void> {
    const { dir, below } = this.state;
    const look = await this.#options.reader.look({ dir, below, names: [] }).catch(() => undefined);
    if (look !== undefined) await this.#watchAnew(look.identity);
  }

  async #watchAnew(seen: string | undefined): Promise<void> {
    // What happens in between is lost, so an older event is no longer the newest one.
    this.#hints.clear();
    await this.#watcher.reopen();
    this.#rewatchAtMs = this.#now().monotonicMs + REWATCH_MS;
    this.#watched = seen;
    this.#wantsAll = true;
    this.#options.missed();
  }

  #now(): Moment {
    const { clock } = this.#options;
    return { wallMs: clock.now(), monotonicMs: clock.monotonic() };
  }
}
