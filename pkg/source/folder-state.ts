import { join } from 'node:path';
import { compareStrings } from '../api/index.ts';
import { FileRecord, type Moment } from './file-record.ts';
import type { Hints } from './hints.ts';
import type { FolderLook, FolderScan, LoadRequest, LoadResult, ScanRequest, Sighting } from './sighting.ts';

/** A folder that took another one's place counts once it has been there, filled and unchanged, for this long. */
const REPLACED_STABLE_MS = 2_000;

/** What kind of look it was. */
interface LookKind {
  /** All manifests, not only some names. */
  readonly complete: boolean;
  /** Try again what was refused. */
  readonly retry: boolean;
}

/**
 * Everything known about one manifest folder. The promise: files are only dropped when this very folder is there, readable, and
 * has not had them twice in a row. No I/O and no clock here.
 */
export class FolderState {
  readonly dir: string;
  /** The way from there to the folder, where it is one below; names begin with it. */
  readonly below: string;
  /** How many folders in it count. */
  folders = 0;
  readonly #settleMs: number;
  readonly #records = new Map<string, FileRecord>();
  /** Records that wait for something. */
  readonly #active = new Set<FileRecord>();
  /** Records that were missing for long enough by the looks of this round. */
  readonly #gone = new Set<FileRecord>();
  #hasNewAbsence = false;
  #sorted: readonly FileRecord[] | undefined;
  #identity: string | undefined;
  #problem: string | undefined;
  #replaced: { readonly listing: string; readonly sinceMs: number } | undefined;
  #wasRead = false;
  #hasLinks = false;
  /** The digest of a scan that showed what is known; absent since that changed. */
  #scanned: string | undefined;
  #version = 0;

  constructor(dir: string, settleMs: number, below = '') {
    this.dir = dir;
    this.below = below;
    this.#settleMs = settleMs;
  }

  /** Device and inode of the folder that was seen last; changes when another one takes its place. */
  get identity(): string | undefined {
    return this.#identity;
  }

  /** Counts up whenever anything that the folder contributes may have changed. */
  get version(): number {
    return this.#version;
  }

  /** Whether there is a file of this name, as far as is known. */
  knows(name: string): boolean {
    return this.#records.has(name);
  }

  /** Whether nothing is known of any file. */
  get isEmpty(): boolean {
    return this.#records.size === 0;
  }

  /** Whether it has been read completely at least once. */
  get wasRead(): boolean {
    return this.#wasRead;
  }

  /** Whether the newest attempt to read it worked. */
  get isReadable(): boolean {
    return this.#wasRead && this.#problem === undefined;
  }

  /** Whether any manifest is a symbolic link, so that other names in the folder matter too. */
  get hasLinks(): boolean {
    return this.#hasLinks;
  }

  /** Whether versions wait to be read. */
  get isPending(): boolean {
    for (const record of this.#active) if (record.isPending) return true;
    return false;
  }

  /** Where a scan shows something else than what is known; undefined when it is another folder altogether. */
  differing({ identity, digest, listed }: FolderScan): string[] | undefined {
    if (identity !== this.#identity) return undefined;
    if (listed === undefined) return digest === this.#scanned ? [] : undefined;
    const seen = new Set(listed.names);
    const differing = listed.names.filter(
      (name, index) => this.#records.get(name)?.print !== listed.prints[index],
    );
    const gone = this.records.filter(({ name, isMissing }) => !isMissing && !seen.has(name));
    if (differing.length === 0 && gone.length === 0) this.#scanned = digest;
    return [...differing, ...gone.map(({ name }) => name)];
  }

  /** What to ask of a scan: only what is news. */
  get scanRequest(): ScanRequest {
    const { dir, below } = this;
    return this.#scanned === undefined ? { dir, below } : { dir, below, known: this.#scanned };
  }

  /** Files that were refused for a reason that may pass without a trace. */
  retryNames(): string[] {
    return this.records.filter(({ wantsRetry }) => wantsRetry).map(({ name }) => name);
  }

  /** The folder could not be read; `problem` says why. Nothing that is known changes. */
  failed(problem: string): void {
    if (this.#problem !== problem) this.#version += 1;
    this.#problem = problem;
    this.#scanned = undefined;
    this.#forgetAbsences();
  }

  /** Takes a look. Returns false, and does nothing, when a look at some names shows that it is another folder by now. */
  looked(look: FolderLook, kind: LookKind, at: Moment): boolean {
    const fresh = look.identity !== this.#identity;
    if (fresh && !kind.complete) return false;
    this.#scanned = undefined;
    if (fresh) this.#arrive(look.identity, at);
    if (this.#problem !== undefined) this.#version += 1;
    this.#problem = undefined;
    for (const sighting of look.sightings) this.#seen(sighting, at, { fresh, retry: kind.retry });
    if (kind.complete) {
      this.#wasRead = true;
      this.#hasLinks = look.sightings.some(isLink);
      this.#checkReplacement(listingOf(look.sightings, this.folders), at);
    } else {
      this.#hasLinks ||= look.sightings.some(isLink);
    }
    this.#noteAbsences(kind.complete ? this.#missingFrom(look.sightings) : look.absent, at);
    return true;
  }

  /** Another folder than before, or the first one. */
  #arrive(identity: string, at: Moment): void {
    this.#identity = identity;
    this.#version += 1;
    if (!this.#wasRead && this.#problem === undefined) return;
    this.#replaced = { listing: '', sinceMs: at.monotonicMs };
    this.#forgetAbsences();
  }

  #seen(sighting: Sighting, at: Moment, look: { fresh: boolean; retry: boolean }): void {
    let record = this.#records.get(sighting.name);
    if (record === undefined) {
      record = new FileRecord(sighting.name, join(this.dir, sighting.name), this.#settleMs);
      this.#records.set(sighting.name, record);
      this.#sorted = undefined;
    }
    this.#gone.delete(record);
    if (record.seen(sighting, at, look)) this.#version += 1;
    this.#track(record);
  }

  #track(record: FileRecord): void {
    if (record.dueMs === undefined) this.#active.delete(record);
    else this.#active.add(record);
  }

  #missingFrom(sightings: readonly Sighting[]): string[] {
    const there = new Set(sightings.map((sighting) => sighting.name));
    return [...this.#records.keys()].filter((name) => !there.has(name));
  }

  #noteAbsences(names: readonly string[], at: Moment): void {
    if (this.#replaced !== undefined) return;
    for (const record of names.flatMap((name) => this.#records.get(name) ?? [])) {
      if (!record.isMissing) {
        this.#version += 1;
        this.#hasNewAbsence = true;
      }
      if (record.absent(at)) this.#gone.add(record);
      this.#track(record);
    }
  }

  /** Whether this round is the first not to see some file. */
  get hasNewAbsence(): boolean {
    return this.#hasNewAbsence;
  }

  /**
   * Ends a round. `restart`: more went just now, here or in another folder of the tree. `rm -r *` takes files one by one: they go
   * together, so that no revision in between looks like a small change.
   */
  settleAbsences(at: Moment, restart: boolean): void {
    if (!restart) for (const record of this.#gone) this.#drop(record);
    else for (const record of this.#active) if (record.isMissing) record.restartAbsence(at);
    this.#gone.clear();
    this.#hasNewAbsence = false;
  }

  /** The folder above does not have it any more: its files are gone as if each had been removed. */
  vanished(at: Moment): void {
    this.#scanned = undefined;
    if (this.#problem !== undefined || this.#replaced !== undefined) this.#version += 1;
    this.#problem = undefined;
    this.#replaced = undefined;
    this.#noteAbsences([...this.#records.keys()], at);
  }

  #drop(record: FileRecord): void {
    this.#records.delete(record.name);
    this.#active.delete(record);
    this.#sorted = undefined;
    this.#version += 1;
  }

  #forgetAbsences(): void {
    this.#gone.clear();
    for (const record of this.#active) {
      record.forgetAbsence();
      this.#track(record);
    }
  }

  #checkReplacement(listing: string, at: Moment): void {
    if (this.#replaced === undefined) return;
    if (listing !== this.#replaced.listing) {
      this.#replaced = { listing, sinceMs: at.monotonicMs };
    } else if (listing !== '' && at.monotonicMs - this.#replaced.sinceMs >= REPLACED_STABLE_MS) {
      this.#replaced = undefined;
    } else return;
    this.#version += 1;
  }

  /** What to read now. */
  requests(at: Moment, hints: Hints): LoadRequest[] {
    const requests: LoadRequest[] = [];
    for (const record of this.#active) {
      const request = record.request(at, hints);
      if (request !== undefined) requests.push(request);
      this.#track(record);
    }
    return requests;
  }

  /** What asks for variables means something else now: to be read again, unchanged as it is. */
  reread(at: Moment): void {
    for (const record of this.#records.values()) if (record.reread(at)) this.#track(record);
  }

  /** Takes the reader's answers. */
  loaded(results: readonly LoadResult[], at: Moment, hints: Hints): void {
    for (const result of results) {
      const record = this.#records.get(result.name);
      if (record === undefined) continue;
      this.#scanned = undefined;
      this.#version += 1;
      record.apply(result, at, hints);
      this.#track(record);
    }
  }

  /** When to look again without being told to, on the monotonic clock; undefined when only an event matters. */
  get dueMs(): number | undefined {
    let dueMs = this.#replacementDueMs;
    for (const record of this.#active) dueMs = Math.min(dueMs, record.dueMs ?? Infinity);
    return dueMs === Infinity ? undefined : dueMs;
  }

  /** An empty replacement only counts once an event or a scan shows something in it. */
  get #replacementDueMs(): number {
    const replaced = this.#replaced;
    return replaced === undefined || replaced.listing === ''
      ? Infinity
      : replaced.sinceMs + REPLACED_STABLE_MS;
  }

  /** Whether only complete looks help: another folder took this one's place, and must prove stable. */
  get isReplaced(): boolean {
    return this.#replaced !== undefined;
  }

  /** Whether it is time to look at everything, to see whether a replaced folder is stable. */
  isLookDue(at: Moment): boolean {
    return this.#replacementDueMs <= at.monotonicMs;
  }

  /** Names whose time has come. */
  dueNames(at: Moment): string[] {
    return [...this.#active]
      .filter((record) => (record.dueMs ?? Infinity) <= at.monotonicMs)
      .map(({ name }) => name);
  }

  /** All files, by name. */
  get records(): readonly FileRecord[] {
    this.#sorted ??= [...this.#records.values()].sort((a, b) => compareStrings(a.name, b.name));
    return this.#sorted;
  }

  /** Why the absence of an object means nothing now; empty when it does. */
  doubts(): string[] {
    const doubts: string[] = [];
    const place = join(this.dir, this.below);
    if (this.#problem !== undefined) {
      doubts.push(
        `folder ${place} cannot be read (${this.#problem}); what it declared stays in force until it is back`,
      );
    } else if (this.#replaced !== undefined) {
      const isEmpty = this.#replaced.listing === '';
      doubts.push(isEmpty ? emptinessDoubt(place, this.below === '') : replacementDoubt(place));
    }
    const unread = this.records.filter(({ good }) => good === undefined).map(({ file }) => file);
    if (unread.length > 0) doubts.push(unreadDoubt(unread));
    return doubts;
  }
}

function unreadDoubt([first, ...others]: readonly string[]): string {
  const [which, it] = others.length === 0 ? ['has', 'it'] : [`and ${others.length} more have`, 'them'];
  return `${first ?? ''} ${which} never been read without errors since start, so nothing is removed; correct ${it} or move ${it} away`;
}

function emptinessDoubt(place: string, isTop: boolean): string {
  const mend = isTop ? 'restart ovrd to accept the empty folder' : 'remove the empty folder';
  return `folder ${place} was replaced by an empty one (unmounted, or made anew); what it declared stays in force: put the manifests back, or ${mend}`;
}

function replacementDoubt(place: string): string {
  return `folder ${place} was replaced by another one; what only the old one declared stays in force until the new one has been unchanged for ${REPLACED_STABLE_MS / 1000} s`;
}

function isLink(sighting: Sighting): boolean {
  return sighting.kind === 'file' && sighting.target !== undefined;
}

/** Empty where there is nothing that counts. */
function listingOf(sightings: readonly Sighting[], folders: number): string {
  const names = sightings.map(({ name }) => name).sort(compareStrings);
  return [...Array<string>(folders).fill('/'), ...names].join('\0');
}
