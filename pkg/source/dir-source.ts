import { setImmediate as nextTurn } from 'node:timers/promises';
import { relative, resolve, sep } from 'node:path';
import { errorMessage, formatDiagnostic, type Clock, type Logger, type ObjectKey } from '../api/index.ts';
import type { Source, SourceState } from '../reconcile/index.ts';
import { Burst } from './burst.ts';
import type { FileRecord, Moment } from './file-record.ts';
import { FolderTree } from './folder-tree.ts';
import { ChokidarWatch, type FolderWatcher, type FolderWatchOptions } from './folder-watch.ts';
import type { NamedFile, Revision } from '../manifest/index.ts';
import { assembling } from '../manifest/merge/index.ts'; // the whole of pkg/manifest takes 20 MB, and only the worker needs it
import { isFolderName } from './name.ts';
import { DEFAULT_SETTLE_MS } from './settle.ts';
import type { Reader } from './sighting.ts';
import { NO_VARIABLES, VariableSet, type VariableOptions } from './variable-set.ts';
import { WorkerReader } from './worker-reader.ts';

const DEFAULT_RESCAN_MS = 10_000;
/** From so many objects on, what is done for all of them in one go would hold up the event loop. */
const MANY_OBJECTS = 1_000;
/** start() waits this long at most for files that are being written just then. */
const START_PATIENCE_MS = 5_000;

export interface DirSourceOptions {
  /** Folders whose manifests make up one revision. */
  readonly dirs: readonly string[];
  /** Whether folders below them count too. */
  readonly recursive?: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How often everything is looked at without an event, milliseconds. */
  readonly rescanMs?: number;
  /** How long a file that is written in place must be unchanged before it is read, milliseconds. */
  readonly settleMs?: number;
  /** For the manifests that ask for them; absent: there are none. */
  readonly variables?: VariableOptions;
  /** Replaces the worker thread and the watcher, for tests. */
  readonly reader?: Reader;
  readonly watcher?: (options: FolderWatchOptions) => FolderWatcher;
}

/** Manifests from folders of files; README.md says what counts when. Nothing is read before start(). */
export function createDirSource(options: DirSourceOptions): Source {
  return new DirSource(options);
}

class DirSource implements Source {
  readonly name = 'dir';
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #rescanMs: number;
  readonly #reader: Reader;
  readonly #trees: readonly FolderTree[];
  readonly #variables: VariableSet;
  readonly #started = Promise.withResolvers<undefined>();
  #changed: (() => void) | undefined;
  #state: SourceState = { diagnostics: [] };
  #stamp = '';
  /** All that were read for the state. */
  #folders = '';
  #patienceEndMs = 0;
  #nextRescanMs = 0;
  #isPublic = false;
  #isStopped = false;
  #isRung = false;
  #running: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(options: DirSourceOptions) {
    const { clock, logger, settleMs = DEFAULT_SETTLE_MS } = options;
    this.#clock = clock;
    this.#logger = logger;
    this.#rescanMs = options.rescanMs ?? DEFAULT_RESCAN_MS;
    this.#reader = options.reader ?? new WorkerReader(clock);
    this.#variables = new VariableSet(options.variables ?? NO_VARIABLES, settleMs);
    const watcher = options.watcher ?? ((watch: FolderWatchOptions) => new ChokidarWatch(watch));
    const failed = warnOnce(logger);
    const burst = new Burst(() => this.#mayHaveMissed());
    this.#trees = distinct(options.dirs, options.recursive ?? false).map(
      (dir) =>
        new FolderTree({
          dir,
          recursive: options.recursive ?? false,
          settleMs,
          clock,
          reader: this.#reader,
          variables: () => this.#variables.values,
          watcher: (watch) => watcher({ ...watch, clock, failed }),
          event: () => burst.note(),
          ring: () => this.#ring(),
        }),
    );
  }

  #mayHaveMissed(): void {
    for (const tree of this.#trees) tree.mayHaveMissed();
    this.#ring();
  }

  async start(changed: () => void): Promise<void> {
    if (this.#changed !== undefined) throw new Error('the source is started already');
    this.#changed = changed;
    const now = this.#clock.monotonic();
    this.#patienceEndMs = now + START_PATIENCE_MS;
    this.#nextRescanMs = now;
    this.#ring();
    await this.#started.promise;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelTimer?.();
    await this.#reader.stop();
    await this.#running;
    await Promise.all(this.#trees.map((tree) => tree.close()));
    this.#started.resolve(undefined);
  }

  state(): SourceState {
    return this.#state;
  }

  /** A ring during a refresh starts another one right after it. */
  #ring(): void {
    this.#isRung = true;
    if (this.#running !== undefined || this.#isStopped || this.#changed === undefined) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#running = promise;
    void this.#run().finally(() => {
      this.#running = undefined;
      resolve(undefined);
      if (this.#isRung) this.#ring();
      else this.#setTimer();
    });
  }

  async #run(): Promise<void> {
    while (this.#isRung && !this.#isStopped) {
      this.#isRung = false;
      try {
        await this.#refresh();
      } catch (error) {
        this.#logger.error({ error }, 'reading manifests failed; what is known stays in force');
      }
    }
  }

  async #refresh(): Promise<void> {
    const timed = this.#clock.monotonic() >= this.#nextRescanMs;
    if (timed) this.#nextRescanMs = this.#clock.monotonic() + this.#rescanMs;
    if (await this.#variables.refresh(this.#reader, () => this.#now()))
      for (const tree of this.#trees) tree.variablesChanged();
    // Without them, at the start, manifests that ask for them would be mistakes.
    const hasVariables = this.#isPublic || this.#variables.dueMs === undefined;
    if (hasVariables) for (const tree of this.#trees) await tree.refresh(timed);
    const at = this.#now();
    const isPending = !hasVariables || this.#trees.some(({ isPending }) => isPending);
    if (this.#isStopped || (!this.#isPublic && isPending && at.monotonicMs < this.#patienceEndMs)) return;
    await this.#publish(at, isPending);
    this.#isPublic = true;
    this.#started.resolve(undefined);
  }

  #now(): Moment {
    return { wallMs: this.#clock.now(), monotonicMs: this.#clock.monotonic() };
  }

  #setTimer(): void {
    this.#cancelTimer?.();
    if (this.#isStopped) return;
    const dues = this.#trees.map(({ dueMs }) => dueMs);
    dues.push(this.#variables.dueMs ?? Infinity);
    if (!this.#isPublic) dues.push(this.#patienceEndMs);
    const delayMs = Math.min(this.#nextRescanMs, ...dues) - this.#clock.monotonic();
    this.#cancelTimer = this.#clock.after(Math.max(1, delayMs), () => this.#ring());
  }

  /** Makes the new state, and rings when it says something else than the old one. */
  async #publish(at: Moment, isPending: boolean): Promise<void> {
    const own = this.#variables.diagnostics().map(formatDiagnostic);
    const stamp = [...this.#trees.map(({ version }) => version), ...own].join();
    const lastSync = this.#trees.every(({ isReadable }) => isReadable) ? { lastSyncMs: at.wallMs } : {};
    this.#state = { ...this.#state, ...lastSync };
    // A pending file may have been pending for long enough by now to be reported.
    if (stamp === this.#stamp && !isPending) return;
    this.#stamp = stamp;
    const declared = await this.#declared(at);
    if (this.#isStopped) return;
    const [before, folders] = [this.#state, this.#folders];
    this.#state = { ...declared, ...doubtOf(this.#trees), ...pick(before) };
    // Out of which folder an object came matters when all of that folder goes.
    this.#folders = this.#trees.flatMap((tree) => tree.paths).join('\0');
    const isSame = folders === this.#folders && summary(before) === summary(this.#state);
    if (isSame && this.#isPublic) return;
    this.#logger.debug(
      { revision: this.#state.revision?.digest, objects: this.#state.revision?.objects.size },
      'manifests changed',
    );
    this.#changed?.();
  }

  async #declared(at: Moment): Promise<Pick<SourceState, 'revision' | 'diagnostics'>> {
    const states = this.#trees.flatMap((tree) => tree.states);
    const own = [...this.#variables.diagnostics(), ...this.#trees.flatMap((tree) => tree.diagnostics())];
    if (!states.some(({ wasRead }) => wasRead)) return { diagnostics: own };
    const records = states.flatMap((state) => state.records);
    const files = goodFiles(records, this.#state.revision);
    const count = files.reduce((sum, { objects }) => sum + objects.length, 0);
    const pause = count < MANY_OBJECTS ? () => undefined : nextTurn;
    await pause();
    const steps = assembling(files, this.#state.revision);
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) await pause();
    const { revision, diagnostics } = step.value;
    return {
      revision,
      diagnostics: [...own, ...records.flatMap((record) => record.diagnostics(at)), ...diagnostics],
    };
  }
}

/**
 * What every file contributes. Of a file that seems gone, only what no other file declares now: it may have been renamed. Where it
 * was renamed twice, what is in force stays.
 */
function goodFiles(records: readonly FileRecord[], inForce: Revision | undefined): NamedFile[] {
  const missing = records.filter(({ isMissing }) => isMissing).flatMap(({ good }) => good ?? []);
  const present = records.filter(({ isMissing }) => !isMissing).flatMap(({ good }) => good ?? []);
  if (missing.length === 0) return present;
  const declared = new Set(present.flatMap(({ objects }) => objects.map(({ key }) => key)));
  const isInForce = (file: string, key: ObjectKey): boolean =>
    inForce?.objects.get(key)?.origin.file === file;
  const staying = new Set(
    missing.flatMap(({ file, objects }) =>
      objects.filter(({ key }) => isInForce(file, key)).map(({ key }) => key),
    ),
  );
  const stays = (file: string, key: ObjectKey): boolean =>
    !declared.has(key) && (!staying.has(key) || isInForce(file, key));
  const left = missing.map(({ file, objects, diagnostics }) => ({
    file,
    objects: objects.filter(({ key }) => stays(file, key)),
    diagnostics,
  }));
  return [...present, ...left];
}

function doubtOf(trees: readonly FolderTree[]): Pick<SourceState, 'doubt'> {
  const doubts = trees.flatMap((tree) => tree.doubts());
  return doubts.length === 0 ? {} : { doubt: doubts.join('; ') };
}

function pick({ lastSyncMs }: SourceState): Pick<SourceState, 'lastSyncMs'> {
  return lastSyncMs === undefined ? {} : { lastSyncMs };
}

/** All that a listener could care about. */
function summary({ revision, diagnostics, doubt }: SourceState): string {
  return [revision?.digest, doubt, ...diagnostics.map(formatDiagnostic)].join('\n');
}

/** The same folder twice would declare everything twice; so would one that is read below another. */
function distinct(dirs: readonly string[], recursive: boolean): string[] {
  const paths = new Map(dirs.map((dir) => [resolve(dir), dir]));
  const isReadBelow = (path: string, top: string): boolean => {
    const parts = relative(top, path).split(sep);
    return path !== top && parts.every(isFolderName);
  };
  const isCovered = (path: string): boolean =>
    recursive && [...paths.keys()].some((top) => isReadBelow(path, top));
  return [...paths].flatMap(([path, dir]) => (isCovered(path) ? [] : [dir]));
}

/** Out of watches or descriptors, as a rule. Scanning goes on without events; one warning is enough for all folders. */
function warnOnce(logger: Logger): FolderWatchOptions['failed'] {
  let isTold = false;
  return (path, error) => {
    if (isTold) return;
    isTold = true;
    logger.warn(
      { path, error: errorMessage(error) },
      'cannot watch for changes, only scanning; raise fs.inotify.max_user_watches and max_user_instances',
    );
  };
}
