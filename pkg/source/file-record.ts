import type { Diagnostic } from '../api/index.ts';
import type { Hint, Hints } from './hints.ts';
import type { NamedFile, ParsedFile } from '../manifest/index.ts';
import { BLIND_SETTLE_MS, OLD_AGE_MS, readRules, UNTERMINATED_SETTLE_MS, type Arrival } from './settle.ts';
import {
  fileDiagnostic,
  type LoadRequest,
  type LoadResult,
  type Refusal,
  type Sighting,
} from './sighting.ts';

/** Editors save by removing and creating: a file is only gone when it is still gone after this long. */
const MISSING_GRACE_MS = 500;
/** After this long of being written to, the file is reported. */
const UNSETTLED_WARNING_MS = 10_000;
const LONGEST_RETRY_MS = 1_000;

/** Both clocks at one moment: the wall clock is only compared with time stamps of files. */
export interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

type FileSighting = Extract<Sighting, { kind: 'file' }>;

/** A version that was seen but not read yet. */
interface Pending {
  readonly sighting: FileSighting;
  /** There when the folder was first seen, and quiet for long then. */
  readonly old: boolean;
  /** Since when some version has been waiting. */
  readonly firstMs: number;
  sinceMs: number;
  tryAtMs: number;
  tries: number;
  writer?: string;
}

/** The question that is out. */
interface Asked {
  readonly arrival: Arrival;
  readonly sighting: FileSighting;
  /** The newest event when it was asked. */
  readonly hint: Hint | undefined;
}

/** A version that is dealt with: read, or refused. */
interface Version {
  readonly print: string;
  readonly inode?: string;
  readonly target?: string;
  readonly refusal?: Refusal;
  /** How often it was refused again. */
  readonly retried?: number;
}

/**
 * Everything known about one file name. The promise: `good` is the newest version that was complete and without errors,
 * and stays until a newer such version is read or the file is gone for good.
 */
export class FileRecord {
  readonly name: string;
  readonly file: string;
  readonly #settleMs: number;
  #version: Version | undefined;
  #content: { readonly hash?: string; readonly parsed: ParsedFile } | undefined;
  /** Of the content, where that may have to be read once more. */
  #read: FileSighting | undefined;
  #good: NamedFile | undefined;
  #pending: Pending | undefined;
  #asked: Asked | undefined;
  #verify: { readonly atMs: number; readonly sighting: FileSighting } | undefined;
  #missingSinceMs: number | undefined;

  constructor(name: string, file: string, settleMs: number) {
    this.name = name;
    this.file = file;
    this.#settleMs = settleMs;
  }

  /**
   * Notes what a look showed; returns whether that is news. `fresh`: the folder is seen for the first time. `retry`: try refused
   * versions again.
   */
  seen(sighting: Sighting, at: Moment, look: { fresh: boolean; retry: boolean }): boolean {
    const wasWaiting = this.#missingSinceMs !== undefined || this.#pending !== undefined;
    this.#missingSinceMs = undefined;
    // Also one that is tried again: it is waited for although it was dealt with.
    if (sighting.print === this.#pending?.sighting.print) return wasWaiting;
    if (sighting.print === this.#version?.print && !(look.retry && this.wantsRetry)) {
      this.#pending = undefined;
      return wasWaiting;
    }
    if (sighting.kind === 'refused') {
      this.#version = { print: sighting.print, refusal: sighting.refusal };
      this.#pending = undefined;
      return true;
    }
    const now = at.monotonicMs;
    this.#pending = {
      sighting,
      old: look.fresh && at.wallMs - sighting.changedMs >= OLD_AGE_MS,
      firstMs: this.#pending?.firstMs ?? now,
      sinceMs: now,
      tryAtMs: now,
      tries: 0,
    };
    return true;
  }

  /** Notes that the name is not there. Returns true when that has been so for long enough to believe it. */
  absent(at: Moment): boolean {
    this.#pending = undefined;
    this.#verify = undefined;
    this.#missingSinceMs ??= at.monotonicMs;
    return at.monotonicMs - this.#missingSinceMs >= MISSING_GRACE_MS;
  }

  /** The wait for its return begins again. */
  restartAbsence(at: Moment): void {
    this.#missingSinceMs = at.monotonicMs;
  }

  /** Absence means nothing now: the folder itself is in doubt. */
  forgetAbsence(): void {
    this.#missingSinceMs = undefined;
  }

  /** Variables changed: where the content asks for any, the same version is read once more. Returns whether it is. */
  reread(at: Moment): boolean {
    if (this.#content?.parsed.usesVariables !== true || this.#read === undefined) return false;
    this.#content = { parsed: this.#content.parsed };
    this.#verify = { atMs: at.monotonicMs, sighting: this.#read };
    return true;
  }

  /** What to ask the reader now, if anything. */
  request(at: Moment, hints: Hints): LoadRequest | undefined {
    const now = at.monotonicMs;
    const hint = hints.get(this.name);
    if (this.#pending === undefined) return this.#verifyRequest(now, hint);
    const arrival = this.#arrival(this.#pending, hint);
    const mayWait = arrival === 'written' || this.#pending.tries > 0;
    if (mayWait && now < this.#pending.tryAtMs) return undefined;
    const step = readRules(arrival, now - this.#pending.sinceMs, this.#settleMs);
    if ('waitMs' in step) {
      this.#pending.tryAtMs = now + step.waitMs;
      return undefined;
    }
    const { sighting } = this.#pending;
    this.#asked = { arrival, sighting, hint };
    return this.#load(sighting, step.rules);
  }

  /** What was read just after a rename is read once more: the last guard against a write that left the time stamps alone. */
  #verifyRequest(now: number, hint: Hint | undefined): LoadRequest | undefined {
    if (this.#verify === undefined || now < this.#verify.atMs) return undefined;
    const { sighting } = this.#verify;
    this.#verify = undefined;
    this.#asked = { arrival: 'old', sighting, hint };
    return this.#load(sighting, { checkWriters: 'never', acceptBlind: true, acceptUnterminated: true });
  }

  #load(sighting: FileSighting, rules: LoadRequest['rules']): LoadRequest {
    const { name, print, size, target } = sighting;
    return {
      name,
      file: this.file,
      print,
      size,
      rules,
      ...(target === undefined ? {} : { target }),
      ...(this.#content?.hash === undefined ? {} : { hash: this.#content.hash }),
    };
  }

  /** A link that leads elsewhere than before was switched in one step, like a rename. */
  #arrival(pending: Pending, hint: Hint | undefined): Arrival {
    if (hint?.kind === 'written') return 'written';
    if (pending.old) return 'old';
    const { inode, target } = pending.sighting;
    if (target !== undefined) return target === this.#version?.target ? 'written' : 'moved';
    return hint?.kind === 'moved' && inode !== this.#version?.inode ? 'moved' : 'written';
  }

  /** Takes what the reader answered; an event that was about this version only is forgotten then. */
  apply(result: LoadResult, at: Moment, hints: Hints): void {
    const asked = this.#asked;
    this.#asked = undefined;
    if (asked === undefined) return;
    if (result.status === 'loaded' || result.status === 'same') {
      if (asked.arrival === 'moved' && hints.get(this.name)?.kind === 'written') this.#startOver(at);
      else this.#accept(result, asked, at);
    } else if (result.status === 'refused') {
      this.#refuse(asked.sighting, result.refusal);
    } else {
      this.#postpone(result, at);
    }
    if (this.#pending === undefined) hints.forget(this.name, asked.hint);
  }

  #refuse(sighting: FileSighting, refusal: Refusal): void {
    const before = this.#version;
    const retried = before?.print === sighting.print && before.refusal ? (before.retried ?? 0) + 1 : 0;
    this.#version = { ...versionOf(sighting), refusal, retried };
    this.#pending = undefined;
  }

  #accept(result: LoadResult & { status: 'loaded' | 'same' }, asked: Asked, at: Moment): void {
    const { arrival, sighting } = asked;
    this.#version = versionOf(sighting);
    this.#pending = undefined;
    this.#verify = arrival === 'moved' ? { atMs: at.monotonicMs + this.#settleMs, sighting } : undefined;
    if (result.status === 'loaded') this.#content = { hash: result.hash, parsed: result.parsed };
    this.#read = this.#content?.parsed.usesVariables === true ? sighting : undefined;
    if (result.status === 'same') return;
    if (!hasErrors(result.parsed.diagnostics)) this.#good = { file: this.file, ...result.parsed };
  }

  #postpone(result: LoadResult, at: Moment): void {
    if (this.#pending === undefined) return;
    const now = at.monotonicMs;
    if (result.status === 'busy') {
      this.#pending.writer = result.by;
      this.#pending.tryAtMs = now + Math.min(LONGEST_RETRY_MS, this.#settleMs * 2 ** this.#pending.tries);
      this.#pending.tries += 1;
    } else if (result.status === 'blind') {
      this.#pending.tryAtMs = Math.max(now, this.#pending.sinceMs + BLIND_SETTLE_MS);
    } else if (result.status === 'unterminated') {
      this.#pending.tryAtMs = Math.max(now, this.#pending.sinceMs + UNTERMINATED_SETTLE_MS);
    } else {
      this.#startOver(at);
    }
  }

  #startOver(at: Moment): void {
    if (this.#pending === undefined) return;
    this.#pending.sinceMs = at.monotonicMs;
    this.#pending.tryAtMs = at.monotonicMs + this.#settleMs;
  }

  /** When this file wants to be looked at again, on the monotonic clock; undefined when only an event matters. */
  get dueMs(): number | undefined {
    if (this.#missingSinceMs !== undefined) return this.#missingSinceMs + MISSING_GRACE_MS;
    return this.#pending?.tryAtMs ?? this.#verify?.atMs;
  }

  get isMissing(): boolean {
    return this.#missingSinceMs !== undefined;
  }

  get isPending(): boolean {
    return this.#pending !== undefined;
  }

  /** The version seen last, read or not. */
  get print(): string | undefined {
    return this.#pending?.sighting.print ?? this.#version?.print;
  }

  /** Whether looking again may help although nothing changes. */
  get wantsRetry(): boolean {
    const { refusal, retried = 0 } = this.#version ?? {};
    return refusal?.retry === true && retried < (refusal.retries ?? Infinity);
  }

  get isLink(): boolean {
    return this.#version?.target !== undefined || this.#pending?.sighting.target !== undefined;
  }

  /** The newest complete version without errors. */
  get good(): NamedFile | undefined {
    return this.#good;
  }

  /** What is wrong with the newest version. */
  diagnostics(at: Moment): readonly Diagnostic[] {
    const refusal = this.#version?.refusal;
    const found =
      refusal === undefined
        ? (this.#content?.parsed.diagnostics ?? [])
        : [fileDiagnostic(this.file, refusal.code, refusal.message)];
    const unsettled = this.#unsettled(at);
    return unsettled === undefined ? found : [...found, unsettled];
  }

  #unsettled(at: Moment): Diagnostic | undefined {
    const pending = this.#pending;
    if (pending === undefined || at.monotonicMs - pending.firstMs < UNSETTLED_WARNING_MS) return undefined;
    const state =
      pending.writer === undefined ? 'keeps changing' : `is held open for writing by ${pending.writer}`;
    const message = `the file ${state}, so its new content is not used yet; write to another name and rename it into place`;
    return fileDiagnostic(this.file, 'file-unsettled', message);
  }
}

function versionOf(sighting: FileSighting): Version {
  const { print, inode, target } = sighting;
  return target === undefined ? { print, inode } : { print, inode, target };
}

function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === 'error');
}
