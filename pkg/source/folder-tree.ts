import { setImmediate as nextTurn } from 'node:timers/promises';
import { join } from 'node:path';
import { compareStrings, errorMessage, type Clock, type Diagnostic } from '../api/index.ts';
import type { Variables } from '../manifest/index.ts';
import type { Moment } from './file-record.ts';
import { Folder } from './folder.ts';
import type { FolderState } from './folder-state.ts';
import type { FolderWatcher, FolderWatchOptions } from './folder-watch.ts';
import type { HintKind } from './hints.ts';
import { isFolderName } from './name.ts';
import { fileDiagnostic, type Reader, type TreeWalk } from './sighting.ts';

/** A tree that changes with every look is left for the next refresh. */
const MAX_ROUNDS = 3;
/** More reasons than these are only counted. */
const SHOWN_DOUBTS = 3;

export interface FolderTreeOptions {
  readonly dir: string;
  /** Whether folders below count too. */
  readonly recursive: boolean;
  readonly settleMs: number;
  readonly clock: Clock;
  readonly reader: Reader;
  readonly watcher: (options: Pick<FolderWatchOptions, 'dir' | 'ring' | 'isBelow'>) => FolderWatcher;
  /** What manifests may ask for, now. */
  readonly variables: () => Variables;
  /** Told of every event. */
  readonly event: () => void;
  /** Asks for a refresh soon. */
  readonly ring: () => void;
}

/**
 * One manifest folder, with those below it where they count. The promise: each folder is guarded like a single one, and one below
 * is only gone when the folder above it is there, readable, and has not had it twice in a row.
 */
export class FolderTree {
  readonly #options: FolderTreeOptions;
  readonly #top: Folder;
  /** By path; a folder stands before those below it. */
  #folders = new Map<string, Folder>();
  /** Those that the newest walk did not find. */
  #gone: ReadonlySet<Folder> = new Set();
  #walk: TreeWalk | undefined;
  /** Why the newest walk failed. */
  #problem: string | undefined;
  #wantsWalk: boolean;
  #version = 0;

  constructor(options: FolderTreeOptions) {
    this.#options = options;
    this.#wantsWalk = options.recursive;
    this.#top = this.#make('');
    this.#folders.set('', this.#top);
  }

  #make(below: string): Folder {
    const { dir, recursive, settleMs, clock, reader, watcher, ring } = this.#options;
    return new Folder({
      dir,
      below,
      settleMs,
      clock,
      reader,
      watcher: (told) => watcher({ dir: join(dir, below), ring: told, isBelow: below !== '' }),
      event: (path, kind) => this.#note(path, kind),
      missed: () => {
        this.#wantsWalk ||= recursive;
      },
      ring,
    });
  }

  /** What is known of each folder, by path. */
  get states(): readonly FolderState[] {
    return [...this.#folders.values()].map(({ state }) => state);
  }

  /** The way to each of them from the top. */
  get paths(): readonly string[] {
    return [...this.#folders.keys()];
  }

  /** Whether versions wait to be read. */
  get isPending(): boolean {
    return this.states.some(({ isPending }) => isPending);
  }

  /** When to look again without being told to, on the monotonic clock; Infinity when only an event matters. */
  get dueMs(): number {
    return Math.min(...this.states.map(({ dueMs }) => dueMs ?? Infinity));
  }

  /** Differs whenever anything that the tree contributes may. */
  get version(): string {
    return [this.#version, ...this.states.map(({ version }) => version)].join();
  }

  /** Whether the newest attempt to read all of it worked. */
  get isReadable(): boolean {
    return this.#problem === undefined && this.states.every(({ isReadable }) => isReadable);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#folders.values()].map((folder) => folder.close()));
  }

  /** Reads anew, with the next refresh, what asks for variables. */
  variablesChanged(): void {
    for (const folder of this.#folders.values()) folder.variablesChanged();
  }

  /** Events may have been dropped. */
  mayHaveMissed(): void {
    this.#wantsWalk ||= this.#options.recursive;
    for (const folder of this.#folders.values()) folder.mayHaveMissed();
  }

  /** An event, of a name that is no manifest's where `path` is given. Returns whether folders may have changed by it. */
  #note(path: string | undefined, kind: HintKind): boolean {
    this.#options.event();
    if (!this.#options.recursive || path === undefined) return false;
    const known = this.#folders.get(path);
    known?.expectAll();
    const isNews = kind === 'moved' && isFolderName(path.slice(path.lastIndexOf('/') + 1));
    if (known === undefined && !isNews && this.#walk?.hasLinks !== true) return false;
    this.#wantsWalk = true;
    return true;
  }

  /** Looks at what events and elapsed time ask for, and reads what may be read. `timed`: check everything. Never fails. */
  async refresh(timed: boolean): Promise<void> {
    this.#wantsWalk ||= this.#options.recursive && (timed || this.#isGoneDue);
    for (let rounds = 0; rounds < MAX_ROUNDS; rounds += 1) {
      if (this.#wantsWalk) await this.#findFolders();
      await this.#look(timed && rounds === 0);
      // A file that was seen where it came to is not there any more where it was: that event has come by now.
      if (!this.#options.recursive || !this.#isUnsteady) break;
    }
    await this.#settleAbsences();
    await this.#load();
  }

  get #isUnsteady(): boolean {
    return this.#wantsWalk || this.#present.some(({ wantsLook }) => wantsLook);
  }

  /** Whether folders that are not there any more wait to be looked for once more. */
  get #isGoneDue(): boolean {
    const now = this.#now().monotonicMs;
    return [...this.#gone].some(({ state }) => (state.dueMs ?? Infinity) <= now);
  }

  async #findFolders(): Promise<void> {
    this.#wantsWalk = false;
    try {
      const walk = await this.#options.reader.walk(this.#options.dir);
      await nextTurn();
      this.#take(walk);
    } catch (error) {
      // Whatever was there is looked at, and says itself what is wrong with it.
      this.#gone = new Set();
      const problem = errorMessage(error);
      if (this.#problem !== problem) this.#version += 1;
      this.#problem = problem;
    }
  }

  #take(walk: TreeWalk): void {
    if (this.#problem !== undefined || refusals(walk) !== refusals(this.#walk)) this.#version += 1;
    this.#problem = undefined;
    this.#walk = walk;
    const missing = this.#missingFrom(walk);
    for (const { path } of walk.folders) {
      if (!this.#folders.has(path)) this.#folders.set(path, this.#make(path));
    }
    this.#folders = new Map([...this.#folders].sort(([a], [b]) => compareStrings(a, b)));
    const within = countWithin(walk);
    for (const { path, identity } of walk.folders) {
      this.#folders.get(path)?.isThere(identity, within.get(path) ?? 0);
    }
    this.#gone = new Set(missing);
    for (const { state } of missing) state.vanished(this.#now());
  }

  /** Folders that are known to be gone: whatever is above them could be seen, and is what it was. */
  #missingFrom(walk: TreeWalk): Folder[] {
    const there = new Map(walk.folders.map(({ path, identity }) => [path, identity]));
    const unclear = new Set([...walk.unseen, ...walk.refused.map(({ path }) => path)]);
    for (const [path, identity] of there) {
      const state = this.#folders.get(path)?.state;
      if (state?.identity !== undefined && (state.isReplaced || state.identity !== identity))
        unclear.add(path);
    }
    const isMissing = (path: string): boolean =>
      !there.has(path) && !waysTo(path).some((way) => unclear.has(way));
    return [...this.#folders].filter(([path]) => isMissing(path)).map(([, folder]) => folder);
  }

  async #look(timed: boolean): Promise<void> {
    const replaced = this.#replacedCount;
    await Promise.all(this.#present.map((folder) => folder.look(timed)));
    // What one that is believed now does not have may go.
    if (this.#replacedCount < replaced) this.#wantsWalk = this.#options.recursive;
  }

  get #present(): Folder[] {
    const folders = [...this.#folders.values()];
    return this.#gone.size === 0 ? folders : folders.filter((folder) => !this.#gone.has(folder));
  }

  get #replacedCount(): number {
    return this.states.filter(({ isReplaced }) => isReplaced).length;
  }

  async #settleAbsences(): Promise<void> {
    const { states } = this;
    const isNew = states.some(({ hasNewAbsence }) => hasNewAbsence);
    for (const state of states) state.settleAbsences(this.#now(), isNew);
    for (const folder of this.#gone) {
      if (!folder.state.isEmpty) continue;
      this.#folders.delete(folder.state.below);
      this.#version += 1;
      await folder.close();
    }
    this.#gone = new Set([...this.#gone].filter(({ state }) => !state.isEmpty));
  }

  async #load(): Promise<void> {
    const asked = this.#present.map((folder) => ({ folder, requests: folder.requests() }));
    const all = asked.flatMap(({ requests }) => requests);
    if (all.length === 0) return;
    const { dir, reader, variables } = this.#options;
    const results = await reader.load(dir, all, variables());
    // Events of writes that happened before the answer are delivered by now.
    await nextTurn();
    let next = 0;
    for (const { folder, requests } of asked) {
      if (requests.length > 0) folder.loaded(results.slice(next, next + requests.length));
      next += requests.length;
    }
  }

  /** What lies below and is not read. */
  diagnostics(): readonly Diagnostic[] {
    return (this.#walk?.refused ?? []).map(({ path, refusal }) =>
      fileDiagnostic(join(this.#options.dir, path), refusal.code, refusal.message),
    );
  }

  /** Why the absence of an object means nothing now; empty when it does. */
  doubts(): string[] {
    const { dir } = this.#options;
    const doubts: string[] = [];
    if (this.#problem !== undefined && this.#top.state.isReadable)
      doubts.push(
        `the folders below ${dir} cannot be found (${this.#problem}); what they declared stays in force`,
      );
    doubts.push(...(this.#walk?.refused ?? []).map(({ path }) => refusalDoubt(join(dir, path))));
    const doubted = new Set<string>();
    for (const [path, { state }] of this.#folders) {
      // What is below a folder in doubt is so for the same reason.
      if (waysTo(path).some((way) => way !== path && doubted.has(way))) continue;
      if (!state.isReadable || state.isReplaced) doubted.add(path);
      doubts.push(...state.doubts());
    }
    const others = doubts.length - SHOWN_DOUBTS;
    return others <= 0 ? doubts : [...doubts.slice(0, SHOWN_DOUBTS), `and ${others} more such reasons`];
  }

  #now(): Moment {
    const { clock } = this.#options;
    return { wallMs: clock.now(), monotonicMs: clock.monotonic() };
  }
}

/** The top, every folder on the way, and the folder itself. */
function waysTo(path: string): string[] {
  if (path === '') return [''];
  const parts = path.split('/');
  return ['', ...parts.map((_part, index) => parts.slice(0, index + 1).join('/'))];
}

/** How many folders each one has directly in it. */
function countWithin({ folders }: TreeWalk): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { path } of folders) {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (path !== '') counts.set(parent, (counts.get(parent) ?? 0) + 1);
  }
  return counts;
}

function refusals(walk: TreeWalk | undefined): string {
  return JSON.stringify(walk?.refused ?? []);
}

function refusalDoubt(place: string): string {
  return `${place} is not read, so nothing is removed; its error says what to do`;
}
