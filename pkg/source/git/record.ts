import { readFile } from 'node:fs/promises';
import type { SourceCommit } from '../../reconcile/index.ts';
import { replaceFile } from '../replace-file.ts';
import type { GitSettings } from './settings.ts';

const FORMAT = 1;

/** What is in force, for the next start. */
export interface AppliedRecord {
  /** What the ref was when it was applied: the commit, or the tag that leads to it. */
  readonly oid: string;
  readonly commit: SourceCommit;
  readonly syncedMs: number;
  /** Digest of the keyring that the commit was checked with. */
  readonly keyring?: string;
  readonly files: readonly RecordedFile[];
}

export interface RecordedFile {
  readonly name: string;
  readonly blob: string;
  /** Of the content, so that a damaged tree shows. */
  readonly hash: string;
}

/** Reads the record, if there is a whole one that was made with the same URL, ref and path. */
export async function readRecord(path: string, settings: GitSettings): Promise<AppliedRecord | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (!isRecordFile(value) || value.wanted !== wantedBy(settings)) return undefined;
    return value.applied;
  } catch {
    return undefined; // absent, or cut: the remote has everything
  }
}

/** In one step, so that a crash leaves the old or the new. */
export async function writeRecord(
  path: string,
  settings: GitSettings,
  applied: AppliedRecord,
): Promise<void> {
  const value: RecordFile = { format: FORMAT, wanted: wantedBy(settings), applied };
  await replaceFile(path, JSON.stringify(value));
}

interface RecordFile {
  readonly format: typeof FORMAT;
  readonly wanted: string;
  readonly applied: AppliedRecord;
}

/** Another ref or path means other manifests, whatever the URL. */
function wantedBy({ remote, ref, path, recursive }: GitSettings): string {
  return JSON.stringify([remote.url, ref, path, recursive]);
}

/** Enough of a check for a file that only we write, in a folder that only we may open. */
function isRecordFile(value: unknown): value is RecordFile {
  if (!isObject(value) || value['format'] !== FORMAT || typeof value['wanted'] !== 'string') return false;
  const applied = value['applied'];
  if (!isObject(applied) || typeof applied['oid'] !== 'string' || typeof applied['syncedMs'] !== 'number')
    return false;
  const { commit, files } = applied;
  return (
    isObject(commit) &&
    typeof commit['commit'] === 'string' &&
    Array.isArray(files) &&
    files.every(isRecordedFile)
  );
}

function isRecordedFile(value: unknown): boolean {
  return isObject(value) && ['name', 'blob', 'hash'].every((field) => typeof value[field] === 'string');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
