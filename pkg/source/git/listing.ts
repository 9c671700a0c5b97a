import { posix } from 'node:path';
import type { Diagnostic } from '../../api/index.ts';
import type { FileCode } from '../codes.ts';
import { MAX_FILE_BYTES } from '../look.ts';
import { isFolderName, isManifestName } from '../name.ts';
import { fileDiagnostic } from '../sighting.ts';
import { MAX_FILES } from '../walk.ts';

/** A link to a link to … */
const MAX_HOPS = 8;

/** One regular file of a commit that counts as a manifest. */
export interface ManifestBlob {
  /** Path below the folder. */
  readonly name: string;
  readonly blob: string;
}

interface Entry {
  readonly mode: string;
  readonly oid: string;
  readonly size: number;
}

/** The manifests of one folder of one commit. */
export interface Listing {
  readonly files: readonly ManifestBlob[];
  /** Of all files, unpacked. */
  readonly bytes: number;
  /** Whether the folder holds anything at all. */
  readonly isEmpty: boolean;
  /** What has a manifest's name and is none. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface ListingContext {
  /** Folder in the repository; '' is its root. */
  readonly folder: string;
  /** How a file is called in diagnostics. */
  readonly fileOf: (name: string) => string;
  /** Where a symbolic link leads: the content of its blob. */
  readonly readLink: (oid: string) => Promise<string>;
}

/** Arguments of git that print one folder of a commit for `chooseManifests`; nothing where there is no such folder. */
export function listArgs(commit: string, folder: string, recursive: boolean): string[] {
  const options = recursive ? ['-r', '-t'] : [];
  return [
    'ls-tree',
    '-z',
    '--long',
    '--full-tree',
    ...options,
    commit,
    ...(folder === '' ? [] : ['--', `${folder}/`]),
  ];
}

/** Chooses the manifests from what git printed. */
export async function chooseManifests(output: string, context: ListingContext): Promise<Listing> {
  const entries = parseEntries(output, context.folder === '' ? '' : `${context.folder}/`);
  const files: ManifestBlob[] = [];
  let bytes = 0;
  const diagnostics: Diagnostic[] = [];
  for (const [name, entry] of entries) {
    if (!isManifestPath(name)) continue;
    if (files.length === MAX_FILES) {
      diagnostics.push(
        fileDiagnostic(context.fileOf(name), 'file-too-large', `there are more than ${MAX_FILES} manifests`),
      );
      break;
    }
    const found = await regularFile(name, entry, entries, context.readLink);
    if ('oid' in found) {
      files.push({ name, blob: found.oid });
      bytes += found.size;
    } else diagnostics.push(fileDiagnostic(context.fileOf(name), found.code, found.message));
  }
  return { files, bytes, isEmpty: entries.size === 0, diagnostics };
}

function parseEntries(output: string, prefix: string): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const line of output.split('\0')) {
    const [, mode, oid, size, name] = /^(\d{6}) \w+ ([\da-f]{40,64}) +(\d+|-)\t(.+)$/s.exec(line) ?? [];
    if (mode === undefined || oid === undefined || name?.startsWith(prefix) !== true) continue;
    entries.set(name.slice(prefix.length), { mode, oid, size: size === '-' ? 0 : Number(size) });
  }
  return entries;
}

/** Folders count by the same rule as on disk; names that could lead elsewhere are left out. */
function isManifestPath(path: string): boolean {
  const parts = path.split('/');
  const name = parts.pop() ?? '';
  return isManifestName(name) && !/\p{C}/u.test(path) && parts.every(isFolderName);
}

interface Refused {
  readonly code: FileCode;
  readonly message: string;
}

async function regularFile(
  name: string,
  first: Entry,
  entries: ReadonlyMap<string, Entry>,
  readLink: (oid: string) => Promise<string>,
): Promise<Entry | Refused> {
  let path = name;
  let entry: Entry | undefined = first;
  for (let hop = 0; entry?.mode === '120000' && hop < MAX_HOPS; hop += 1) {
    path = posix.join(posix.dirname(path), await readLink(entry.oid));
    if (path.startsWith('../') || path.startsWith('/')) return OUTSIDE;
    entry = entries.get(path);
  }
  if (entry === undefined) return OUTSIDE;
  if (!entry.mode.startsWith('100')) return NOT_REGULAR;
  return entry.size > MAX_FILE_BYTES ? TOO_LARGE : entry;
}

const OUTSIDE: Refused = {
  code: 'file-outside-folder',
  message: 'the symbolic link leads to no file in this folder and is not followed; put the file itself here',
};
const NOT_REGULAR: Refused = {
  code: 'file-not-regular',
  message: 'it is not a regular file (a submodule, a folder or a link); remove it or give it another name',
};
const TOO_LARGE: Refused = {
  code: 'file-too-large',
  message: 'the file is larger than 4 MiB and is not read; split it',
};
