import { hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { ParsedFile } from '../manifest/index.ts';
import { inodeOf, isWithin, unreadable } from './look.ts';
import { printOf } from './print.ts';
import type { LoadOutcome, LoadRequest, LoadResult, Refusal } from './sighting.ts';
import type { WriterCheck } from './writers.ts';

/** A single write of up to this size is over before its event can be seen; above it, whoever is still writing is looked for. */
const LARGE_BYTES = 64 * 1024;
/** Never through a link, never waiting for the other end of a pipe or for a terminal. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/** What reading needs from its surroundings. */
interface LoadContext {
  readonly parse: (text: string, file: string) => ParsedFile;
  /** Who has the file `device:inode` open for writing. */
  readonly writers: (inode: string) => WriterCheck;
}

/** Reads and parses exactly the versions that were seen, or says why not. Runs in the worker thread, so it may block. Never throws. */
export function loadFiles(
  dir: string,
  requests: readonly LoadRequest[],
  context: LoadContext,
): readonly LoadResult[] {
  try {
    const root = realpathSync.native(dir); // the other one looks at every folder of the path, which takes as long as reading
    return requests.map((request) => ({ name: request.name, ...loadFile({ dir, root }, request, context) }));
  } catch (error) {
    const failure = openFailure(error);
    return requests.map(({ name }) => ({ name, ...failure }));
  }
}

/** A folder, and where its path led a moment ago. */
interface Place {
  readonly dir: string;
  readonly root: string;
}

function loadFile({ dir, root }: Place, request: LoadRequest, context: LoadContext): LoadOutcome {
  try {
    const descriptor = openSync(request.target ?? join(dir, request.name), OPEN_FLAGS);
    try {
      return loadOpened(root, descriptor, request, context);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    return openFailure(error);
  }
}

/** ENOENT, ELOOP: it was there and was no link a moment ago. */
function openFailure(error: unknown): LoadOutcome {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ELOOP') return { status: 'changed' };
  return { status: 'refused', refusal: unreadable(error) };
}

function loadOpened(
  root: string,
  descriptor: number,
  request: LoadRequest,
  context: LoadContext,
): LoadOutcome {
  const isSeenVersion = (): boolean => printOf(fstatSync(descriptor, { bigint: true })) === request.print;
  if (!isSeenVersion() || !isInside(root, descriptor)) return { status: 'changed' };
  const checksFirst = request.rules.checkWriters === 'always';
  const hurdle = checksFirst ? writerHurdle(descriptor, request, context) : undefined;
  if (hurdle !== undefined) return hurdle;
  const bytes = readAll(descriptor, request.size);
  if (!isSeenVersion()) return { status: 'changed' };
  return digested(bytes, descriptor, request, context);
}

function digested(
  bytes: Buffer,
  descriptor: number,
  request: LoadRequest,
  context: LoadContext,
): LoadOutcome {
  const { rules } = request;
  const digest = hash('sha256', bytes);
  if (digest === request.hash) return { status: 'same' };
  const text = decode(bytes);
  if (text === undefined) return { status: 'refused', refusal: NOT_UTF8 };
  const terminated = isTerminated(text, request.name);
  if (!terminated && !rules.acceptUnterminated) return { status: 'unterminated' };
  const isDoubtful = rules.checkWriters === 'doubtful' && (!terminated || bytes.length > LARGE_BYTES);
  const hurdle = isDoubtful ? writerHurdle(descriptor, request, context) : undefined;
  return hurdle ?? parse(text, digest, request.file, context);
}

function parse(text: string, digest: string, file: string, context: LoadContext): LoadOutcome {
  try {
    return { status: 'loaded', hash: digest, parsed: context.parse(text, file) };
  } catch {
    return { status: 'refused', refusal: PARSE_FAILED };
  }
}

function writerHurdle(
  descriptor: number,
  request: LoadRequest,
  context: LoadContext,
): LoadOutcome | undefined {
  const check = context.writers(inodeOf(fstatSync(descriptor, { bigint: true })));
  if (check.status === 'open') return { status: 'busy', by: check.by };
  return check.status === 'blind' && !request.rules.acceptBlind ? { status: 'blind' } : undefined;
}

/** What was opened may lie elsewhere than its name when a folder on the way was swapped for a link. */
function isInside(root: string, descriptor: number): boolean {
  try {
    return isWithin(root, readlinkSync(`/proc/self/fd/${descriptor}`));
  } catch {
    return true; // no /proc here: O_NOFOLLOW and the comparison of versions remain
  }
}

/** As much as the version has that was seen; what comes later makes another version of it. */
function readAll(descriptor: number, size: number): Buffer {
  const buffer = Buffer.allocUnsafe(size);
  let length = 0;
  while (length < size) {
    const count = readSync(descriptor, buffer, length, size - length, null);
    if (count === 0) break;
    length += count;
  }
  return buffer.subarray(0, length);
}

/** The text; undefined where it is not UTF-8. */
export function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** JSON often has no newline at the end, but half of it is never valid. An empty file is what a writer leaves that has just begun. */
function isTerminated(text: string, name: string): boolean {
  if (text.endsWith('\n')) return true;
  if (!name.endsWith('.json')) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Refusal for bytes that are no text. */
export const NOT_UTF8: Refusal = {
  code: 'encoding-invalid',
  message: 'the file is not UTF-8 text; save it as UTF-8',
  retry: false,
};

/** Refusal for a parser that gave up by itself, for example out of memory or stack. */
export const PARSE_FAILED: Refusal = {
  code: 'parse-failed',
  message: 'the file takes more memory than the parser may use; make it simpler or split it',
  retry: false,
};
