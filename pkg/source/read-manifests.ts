import { realpathSync, statSync, type Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Clock, Diagnostic } from '../api/index.ts';
import type { NamedFile, ParsedFile, Revision, Variables } from '../manifest/index.ts';
import { assemble } from '../manifest/merge/index.ts'; // the whole of pkg/manifest takes 20 MB, and only the worker needs it
import type { FileCode } from './codes.ts';
import {
  fileDiagnostic,
  type LoadRequest,
  type LoadResult,
  type LookRequest,
  type Reader,
  type ReadRules,
  type Sighting,
} from './sighting.ts';
import { NO_VARIABLES, VariableSet, type VariableOptions } from './variable-set.ts';
import { WorkerReader } from './worker-reader.ts';

/** The path that stands for text given by the caller. */
const STDIN_PATH = '-';
const STDIN_NAME = '<stdin>';
const TRIES = 5;
/** Whoever runs a command means the file as it is now. */
const AS_IT_IS: ReadRules = { checkWriters: 'never', acceptBlind: true, acceptUnterminated: true };

/** From a name in the folder to the path as the user gave it. */
type FileOf = (name: string) => string;

interface Found {
  readonly dir: string;
  readonly sightings: readonly Sighting[];
  readonly fileOf: FileOf;
}

export interface ReadManifestsOptions {
  readonly clock: Clock;
  /** What was read from standard input; stands behind the path `-`. */
  readonly stdin?: string;
  /** Folders below the given ones count too, but for hidden ones, as with --recursive of the agent. */
  readonly recursive?: boolean;
  /** For the manifests that ask for them; absent: there are none. */
  readonly variables?: VariableOptions;
}

export interface ManifestsRead {
  /** Every file that was looked at, as the user gave it or its folder; what is wrong may be elsewhere, too. */
  readonly files: readonly string[];
  readonly revision: Revision;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads files and folders once: a file whatever its name, a folder for the manifests directly in it. What is wrong is in the
 * diagnostics; objects of a file with mistakes count as far as they are valid.
 */
export async function readManifests(
  paths: readonly string[],
  options: ReadManifestsOptions,
): Promise<ManifestsRead> {
  const reader = new WorkerReader(options.clock);
  try {
    const variables = new VariableSet(options.variables ?? NO_VARIABLES, 0);
    await variables.settled(reader, options.clock);
    const reading = new Reading(reader, variables, options.recursive === true);
    for (const path of paths) {
      if (path === STDIN_PATH) await reading.text(options.stdin ?? '');
      else await reading.path(path);
    }
    return reading.result();
  } finally {
    await reader.stop();
  }
}

/** One run over all paths. */
class Reading {
  readonly #reader: Reader;
  readonly #files: NamedFile[] = [];
  readonly #diagnostics: Diagnostic[] = [];
  readonly #names: string[] = [];
  /** Real paths: the same file twice would declare everything twice. */
  readonly #seen = new Set<string>();

  readonly #variables: Variables;
  readonly #recursive: boolean;

  constructor(reader: Reader, variables: VariableSet, recursive: boolean) {
    this.#reader = reader;
    this.#recursive = recursive;
    this.#variables = variables.values;
    this.#diagnostics.push(...variables.diagnostics());
  }

  result(): ManifestsRead {
    const { revision, diagnostics } = assemble(this.#files);
    return { files: this.#names, revision, diagnostics: [...this.#diagnostics, ...diagnostics] };
  }

  async text(text: string): Promise<void> {
    this.#names.push(STDIN_NAME);
    const parsed = await this.#reader.parse(text, STDIN_NAME, this.#variables);
    if ('objects' in parsed) this.#add(STDIN_NAME, parsed);
    else this.#diagnostics.push(fileDiagnostic(STDIN_NAME, parsed.code, parsed.message));
  }

  async path(path: string): Promise<void> {
    let place: { stat: Stats; real: string } | undefined;
    try {
      const stat = statSync(path, { throwIfNoEntry: false });
      place = stat && { stat, real: realpathSync(path) };
    } catch {
      this.#report(path, 'file-unreadable', 'the path cannot be followed; check its permissions and links');
      return;
    }
    if (place === undefined) {
      this.#report(path, 'path-missing', 'there is no such file or folder; check the path');
    } else if (place.stat.isDirectory()) {
      await this.#folder(path, place.real);
    } else if (place.stat.isFile()) {
      await this.#file(path, place.real);
    } else {
      this.#report(
        path,
        'file-not-regular',
        'it is not a regular file; pass its text on standard input with -',
      );
    }
  }

  async #file(path: string, real: string): Promise<void> {
    await this.#load({ dir: dirname(real), names: [basename(real)] }, () => path);
  }

  async #folder(path: string, real: string): Promise<void> {
    let count = 0;
    const fileOf = (name: string): string => join(path, name);
    for (const below of this.#recursive ? await this.#foldersIn(path, real) : ['']) {
      count += await this.#load({ dir: real, below }, fileOf);
    }
    if (count === 0) this.#report(path, 'path-empty', 'the folder holds no *.yaml, *.yml or *.json file');
  }

  /** The folder and all below it that count, by their way from it. */
  async #foldersIn(path: string, real: string): Promise<readonly string[]> {
    // A folder that cannot be read is reported when it is looked at.
    const walk = await this.#reader.walk(real).catch(() => undefined);
    for (const { path: below, refusal } of walk?.refused ?? [])
      this.#report(join(path, below), refusal.code, refusal.message);
    return walk?.folders.map((folder) => folder.path) ?? [''];
  }

  /** Returns how many there were. */
  async #load(request: LookRequest, fileOf: FileOf): Promise<number> {
    const { dir, below = '' } = request;
    let found: readonly Sighting[];
    try {
      found = (await this.#reader.look(request)).sightings;
    } catch {
      this.#report(fileOf(below), 'file-unreadable', 'the folder cannot be read; check its permissions');
      return 0;
    }
    const fresh = found.filter(({ name }) => !this.#seen.has(join(dir, name)));
    for (const { name } of fresh) this.#seen.add(join(dir, name));
    this.#names.push(...fresh.map(({ name }) => fileOf(name)));
    await this.#loadAll({ dir, sightings: fresh, fileOf }, TRIES);
    return found.length;
  }

  async #loadAll(found: Found, tries: number): Promise<void> {
    const { dir, sightings, fileOf } = found;
    const requests = sightings.flatMap((sighting) => this.#request(sighting, fileOf(sighting.name)));
    const results = await this.#reader.load(dir, requests, this.#variables);
    for (const result of results) this.#take(fileOf(result.name), result);
    const names = results.filter(({ status }) => status === 'changed').map(({ name }) => name);
    if (names.length === 0) return;
    if (tries > 1) {
      const again = await this.#reader.look({ dir, names });
      await this.#loadAll({ ...found, sightings: again.sightings }, tries - 1);
    } else {
      for (const name of names) this.#report(fileOf(name), 'file-unreadable', 'the file keeps changing');
    }
  }

  #request(sighting: Sighting, file: string): LoadRequest[] {
    if (sighting.kind === 'refused') {
      this.#report(file, sighting.refusal.code, sighting.refusal.message);
      return [];
    }
    const { name, print, size, target } = sighting;
    return [{ name, file, print, size, rules: AS_IT_IS, ...(target === undefined ? {} : { target }) }];
  }

  #take(file: string, result: LoadResult): void {
    if (result.status === 'loaded') this.#add(file, result.parsed);
    else if (result.status === 'refused') this.#report(file, result.refusal.code, result.refusal.message);
  }

  #add(file: string, parsed: ParsedFile): void {
    this.#files.push({ file, ...parsed });
    this.#diagnostics.push(...parsed.diagnostics);
  }

  #report(file: string, code: FileCode, message: string): void {
    this.#diagnostics.push(fileDiagnostic(file, code, message));
  }
}
