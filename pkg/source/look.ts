import { createHash } from 'node:crypto';
import { type BigIntStats, lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isManifestName } from './name.ts';
import { printOf } from './print.ts';
import type { FolderLook, FolderScan, LookRequest, Refusal, ScanRequest, Sighting } from './sighting.ts';

/** A file over this many bytes is refused without being read. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;

const SCAN_SLICE = 250;

/**
 * Looks at a folder, or at some names in it, without opening anything. Runs in the worker thread, so it may block.
 * Fails with the file system's error when the folder itself cannot be read.
 */
export function lookAtFolder(request: LookRequest): FolderLook {
  const { dir, below = '' } = request;
  const { folder, root, identity } = placeOf(dir, below);
  const sightings: Sighting[] = [];
  const absent: string[] = [];
  for (const name of request.names ?? manifestNames(folder, below)) {
    const sighting = lookAtName(dir, root, name);
    if (sighting === undefined) absent.push(name);
    else sightings.push(sighting);
  }
  if (folderIdentity(folder) !== identity) throw new Error('the folder was replaced while it was being read');
  return { identity, sightings, absent };
}

/** Looks at all names in slices, each of which is over in some milliseconds; `pause` lets other work in between. */
export async function scanFolder(request: ScanRequest, pause: () => Promise<void>): Promise<FolderScan> {
  const digest = createHash('sha256');
  const names: string[] = [];
  const prints: string[] = [];
  const { dir, below = '', known } = request;
  const { folder, root, identity } = placeOf(dir, below);
  const all = manifestNames(folder, below);
  for (let start = 0; start < all.length; start += SCAN_SLICE) {
    for (const name of all.slice(start, start + SCAN_SLICE)) {
      const sighting = lookAtName(dir, root, name);
      if (sighting === undefined) continue;
      names.push(name);
      prints.push(sighting.print);
      digest.update(`${name}\0${sighting.print}\0`);
    }
    await pause();
  }
  const found = { identity, digest: digest.digest('base64') };
  return found.digest === known ? found : { ...found, listed: { names, prints } };
}

function manifestNames(folder: string, below: string): string[] {
  const names = readdirSync(folder).filter(isManifestName);
  return below === '' ? names : names.map((name) => `${below}/${name}`);
}

/** Where a folder is. Fails when a folder on the way was swapped for a link out of the tree. */
function placeOf(dir: string, below: string): { folder: string; root: string; identity: string } {
  const folder = join(dir, below);
  const identity = folderIdentity(folder);
  const root = realpathSync(dir);
  if (below === '') return { folder, root, identity };
  const place = realpathSync(folder);
  if (place !== root && !isWithin(root, place)) throw new Error('a link leads out of the manifest folder');
  return { folder, root, identity };
}

/** Tells one folder from another at the same path. Inode numbers are used again, so the time of birth is part of it. */
export function folderIdentity(dir: string): string {
  const stat = statSync(dir, { bigint: true });
  if (!stat.isDirectory()) throw new Error('it is not a folder');
  return `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`;
}

function lookAtName(dir: string, root: string, name: string): Sighting | undefined {
  const path = join(dir, name);
  const stat = lstat(path);
  if (stat === undefined) return undefined;
  if (stat.isSymbolicLink()) return lookThroughLink(root, name, path, printOf(stat));
  return sightingOf(name, stat);
}

/** Links that stay in the folder are what a mounted ConfigMap is made of; any other could make a secret file readable. */
function lookThroughLink(root: string, name: string, path: string, print: string): Sighting {
  const refuse = (refusal: Refusal): Sighting => ({ kind: 'refused', name, print, refusal });
  let target: string;
  let stat: BigIntStats;
  try {
    target = realpathSync(path);
    if (!isWithin(root, target)) return refuse(OUTSIDE);
    stat = lstatSync(target, { bigint: true });
  } catch (error) {
    return refuse(unreadable(error));
  }
  return { ...sightingOf(name, stat), ...(stat.isFile() ? { target } : {}) };
}

function sightingOf(name: string, stat: BigIntStats): Sighting {
  const print = printOf(stat);
  if (!stat.isFile()) return { kind: 'refused', name, print, refusal: NOT_REGULAR };
  const size = Number(stat.size);
  if (size > MAX_FILE_BYTES) return { kind: 'refused', name, print, refusal: TOO_LARGE };
  return {
    kind: 'file',
    name,
    print,
    inode: inodeOf(stat),
    size,
    changedMs: Number(stat.ctimeNs / 1_000_000n),
  };
}

function lstat(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

/** Both paths resolved already. */
export function isWithin(root: string, path: string): boolean {
  return path.startsWith(root === '/' ? root : `${root}/`);
}

/** Identifies a file whatever its content. */
export function inodeOf(stat: BigIntStats): string {
  return `${stat.dev}:${stat.ino}`;
}

const OUTSIDE: Refusal = {
  code: 'file-outside-folder',
  message: 'the symbolic link leads out of the manifest folder and is not followed; put the file itself here',
  retry: true,
};
const NOT_REGULAR: Refusal = {
  code: 'file-not-regular',
  message: 'it is not a regular file and is not read; remove it or give it another name',
  retry: true,
};
const TOO_LARGE: Refusal = {
  code: 'file-too-large',
  message: 'the file is larger than 4 MiB and is not read; split it',
  retry: false,
};

/** The code of an error of the file system, such as ENOENT. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** Refusal for an error of the file system. */
export function unreadable(error: unknown): Refusal {
  return {
    code: 'file-unreadable',
    message: `the file cannot be read (${errorCode(error) ?? 'unknown error'}); check its permissions, and where a link leads`,
    retry: true,
  };
}
