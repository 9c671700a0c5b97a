import { pause, type Clock, type Diagnostic } from '../api/index.ts';
import type { Variables } from '../manifest/index.ts';
import type { Moment } from './file-record.ts';
import { DEFAULT_SETTLE_MS, OLD_AGE_MS, UNTERMINATED_SETTLE_MS } from './settle.ts';
import { fileDiagnostic, type Reader, type Refusal } from './sighting.ts';
import { parseVariables, type VariableFileRead } from './variable-file.ts';

/** Where the variables of manifests come from. */
export interface VariableOptions {
  /** These win over those of the files. */
  readonly values: Readonly<Record<string, string>>;
  /** Of one name, the last file counts. */
  readonly files: readonly string[];
}

export const NO_VARIABLES: VariableOptions = { values: {}, files: [] };

/** What is known of one file. */
interface KnownFile {
  /** Of the newest version without mistakes. */
  readonly values: ReadonlyMap<string, string>;
  /** The version that is dealt with. */
  readonly print?: string;
  readonly diagnostics: readonly Diagnostic[];
  readonly refusal?: Refusal;
  /** A version that may be half written. */
  readonly pending?: { readonly print: string; readonly sinceMs: number; readonly dueMs: number };
}

/**
 * The variables that manifests may ask for. The promise: of each file, the newest version that was complete and without mistakes
 * counts, and stays when the file cannot be read. Files are read again with each look at the manifests.
 */
export class VariableSet {
  readonly #options: VariableOptions;
  readonly #settleMs: number;
  readonly #files = new Map<string, KnownFile>();
  #values: Variables;

  /** @param settleMs 0: a file counts as it is now */
  constructor(options: VariableOptions, settleMs = DEFAULT_SETTLE_MS) {
    this.#options = options;
    this.#settleMs = settleMs;
    this.#values = this.#merged();
  }

  get values(): Variables {
    return this.#values;
  }

  /** When a version that may be half written is to be looked at again, on the monotonic clock. */
  get dueMs(): number | undefined {
    const dues = [...this.#files.values()].flatMap(({ pending }) => pending?.dueMs ?? []);
    return dues.length === 0 ? undefined : Math.min(...dues);
  }

  /** What is wrong with the files. */
  diagnostics(): readonly Diagnostic[] {
    return [...this.#files].flatMap(([file, { refusal, diagnostics }]) =>
      refusal ? [fileDiagnostic(file, refusal.code, refusal.message)] : diagnostics,
    );
  }

  /** Reads the files; returns whether any variable changed. Never fails. */
  async refresh(reader: Reader, now: () => Moment): Promise<boolean> {
    const { files } = this.#options;
    if (files.length === 0) return false;
    const reads = await reader.variables(files).catch((): VariableFileRead[] => files.map(unanswered));
    for (const read of reads) this.#take(read, now());
    const before = this.#values;
    const after = this.#merged();
    if (isEqual(before, after)) return false;
    this.#values = after;
    return true;
  }

  /** Reads the files until none seems half written; returns whether any variable changed. Takes 4 s at most. */
  async settled(reader: Reader, clock: Clock): Promise<boolean> {
    const now = (): Moment => ({ wallMs: clock.now(), monotonicMs: clock.monotonic() });
    const untilMs = clock.monotonic() + 2 * UNTERMINATED_SETTLE_MS;
    let isChanged = await this.refresh(reader, now);
    for (let due = this.dueMs; due !== undefined && due <= untilMs; due = this.dueMs) {
      await pause(clock, Math.max(1, due - clock.monotonic()));
      isChanged = (await this.refresh(reader, now)) || isChanged;
    }
    return isChanged;
  }

  #take(read: VariableFileRead, at: Moment): void {
    const { pending, values, diagnostics, print } = this.#files.get(read.file) ?? NOTHING;
    const known = { values, diagnostics, ...(print === undefined ? {} : { print }) };
    if ('refusal' in read) this.#files.set(read.file, { ...known, refusal: read.refusal });
    else if (read.print === known.print) this.#files.set(read.file, known);
    else this.#files.set(read.file, this.#newer(read, known, { pending, at }));
  }

  /** A version that was not seen before counts once it has been unchanged for a while. */
  #newer(
    read: VariableFileRead & { readonly text: string; readonly print: string; readonly changedMs: number },
    known: KnownFile,
    { pending, at }: { pending: KnownFile['pending']; at: Moment },
  ): KnownFile {
    const { text, print, changedMs, file } = read;
    const sinceMs = pending?.print === print ? pending.sinceMs : at.monotonicMs;
    const isWhole = text.endsWith('\n') || this.#settleMs === 0;
    const settleMs = isWhole ? this.#settleMs : UNTERMINATED_SETTLE_MS;
    const isOld = at.wallMs - changedMs >= OLD_AGE_MS;
    if (!isOld && at.monotonicMs - sinceMs < settleMs)
      return { ...known, pending: { print, sinceMs, dueMs: sinceMs + settleMs } };
    const { values, diagnostics } = parseVariables(text, file);
    return { values: diagnostics.length === 0 ? values : known.values, print, diagnostics };
  }

  #merged(): Variables {
    const merged = new Map<string, string>();
    for (const file of this.#options.files)
      for (const [name, value] of this.#files.get(file)?.values ?? []) merged.set(name, value);
    for (const [name, value] of Object.entries(this.#options.values)) merged.set(name, value);
    return merged;
  }
}

const NOTHING: KnownFile = { values: new Map(), diagnostics: [] };

function unanswered(file: string): VariableFileRead {
  const message = 'the file cannot be read in time; check the file system that it is on';
  return { file, refusal: { code: 'file-unreadable', message, retry: true } };
}

function isEqual(a: Variables, b: Variables): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value);
}
