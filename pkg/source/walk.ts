import { type Dirent, readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { compareStrings } from '../api/index.ts';
import { errorCode, folderIdentity, isWithin } from './look.ts';
import { isFolderName, isManifestName } from './name.ts';
import type { FolderEntry, FolderRefusal, Refusal, TreeWalk } from './sighting.ts';

/** More manifests than this are no manifests. */
export const MAX_FILES = 50_000;

/** What a tree may have. */
interface Limits {
  /** Levels of folders below the one that is given. */
  readonly depth: number;
  readonly folders: number;
  readonly files: number;
}

/** Each folder is watched, which takes 50 KB and 1 ms. */
const LIMITS: Limits = { depth: 16, folders: 1_000, files: MAX_FILES };

/**
 * Finds a folder and all below it that count: those whose name neither is hidden nor ends like a manifest's. A folder counts once,
 * under its own name rather than under that of a link to it, so links can make no circle. Opens no file. Runs in the worker
 * thread, so it may block. Fails with the file system's error when the folder itself cannot be read.
 */
export function walkTree(dir: string, limits = LIMITS): TreeWalk {
  return new Walk(dir, limits).run();
}

class Walk {
  readonly #dir: string;
  readonly #root: string;
  readonly #limits: Limits;
  readonly #folders: FolderEntry[] = [];
  readonly #refused: FolderRefusal[] = [];
  readonly #unseen: string[] = [];
  readonly #identities = new Set<string>();
  /** Symbolic links that may lead to folders. */
  readonly #links: string[] = [];
  #files = 0;
  #isFull = false;

  constructor(dir: string, limits: Limits) {
    this.#dir = dir;
    this.#limits = limits;
    this.#root = realpathSync(dir);
  }

  run(): TreeWalk {
    this.#descend('');
    let hasLinks = false;
    for (const link of this.#links) hasLinks = this.#follow(link) || hasLinks; // following one may add others
    const folders = this.#folders.sort((a, b) => compareStrings(a.path, b.path));
    return { folders, refused: this.#refused, unseen: this.#unseen, hasLinks };
  }

  /** Breadth first, so that what is too much is what lies deepest. */
  #descend(start: string): void {
    const waiting = [start];
    for (const path of waiting) {
      for (const entry of this.#enter(path)) {
        const below = path === '' ? entry.name : `${path}/${entry.name}`;
        if (entry.isDirectory()) waiting.push(below);
        else if (entry.isSymbolicLink()) this.#links.push(below);
      }
    }
  }

  /** Takes a folder in; returns what in it may be a folder. */
  #enter(path: string): readonly Dirent[] {
    let entries: readonly Dirent[] = [];
    try {
      const identity = this.#identify(path);
      if (this.#identities.has(identity) || this.#isTooMuch(path)) return [];
      this.#identities.add(identity);
      this.#folders.push({ path, identity });
      entries = readdirSync(join(this.#dir, path), { withFileTypes: true });
    } catch (error) {
      if (path === '') throw error;
      // One that was there a moment ago may have been renamed, and be found elsewhere by this very walk.
      if (errorCode(error) !== 'ENOENT') this.#unseen.push(path);
    }
    this.#files += entries.filter(({ name }) => isManifestName(name)).length;
    return entries.filter(({ name }) => isFolderName(name)).sort((a, b) => compareStrings(a.name, b.name));
  }

  /** Who looks at a folder that may not be reached fails with the reason; one that has just gone is no folder. */
  #identify(path: string): string {
    try {
      return folderIdentity(join(this.#dir, path));
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') this.#folders.push({ path, identity: '' });
      throw error;
    }
  }

  #isTooMuch(path: string): boolean {
    if (path === '') return false;
    if (path.split('/').length > this.#limits.depth) {
      this.#refused.push({ path, refusal: tooDeep(this.#limits.depth) });
      return true;
    }
    const excess = this.#excess();
    // One finding is enough: there may be any number of folders.
    if (excess !== undefined && !this.#isFull) this.#refused.push({ path, refusal: excess });
    this.#isFull ||= excess !== undefined;
    return this.#isFull;
  }

  #excess(): Refusal | undefined {
    const { files, folders } = this.#limits;
    if (this.#files > files) return tooMany(files, 'manifests', 'objects together into fewer files');
    if (this.#folders.length < folders) return undefined;
    return tooMany(folders, 'folders', 'manifests together into fewer');
  }

  /** A folder of a mounted ConfigMap is a link into a hidden folder. Returns whether the link leads to any folder, or nowhere. */
  #follow(link: string): boolean {
    let target: string;
    try {
      target = realpathSync(join(this.#dir, link));
      if (!statSync(target).isDirectory()) return false;
    } catch {
      this.#unseen.push(link);
      return true;
    }
    if (target === this.#root || isWithin(this.#root, target)) this.#descend(link);
    else this.#refused.push({ path: link, refusal: OUTSIDE });
    return true;
  }
}

const OUTSIDE: Refusal = {
  code: 'file-outside-folder',
  message:
    'the symbolic link leads to a folder outside of the manifest folder and is not followed; put the folder itself here, or name it as a folder of its own',
  retry: true,
};

function tooDeep(levels: number): Refusal {
  const message = `the folder lies more than ${levels} levels deep and is not read; move it up`;
  return { code: 'tree-too-large', message, retry: true };
}

function tooMany(limit: number, what: string, mend: string): Refusal {
  const message = `there are more than ${limit} ${what}, and folders from here on are not read; put ${mend}`;
  return { code: 'tree-too-large', message, retry: true };
}
