import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clone } from './clone.ts';
import type { GitFolders } from './folders.ts';
import type { ManifestBlob } from './listing.ts';

/** Checked-out commits: a folder each, with nothing but manifests in it. */
export class Trees {
  readonly #folders: GitFolders;

  constructor(folders: GitFolders) {
    this.#folders = folders;
  }

  /** The folder of a commit. */
  pathOf(commit: string): string {
    return join(this.#folders.trees, commit);
  }

  /**
   * Writes the files of a commit; the folder is there with all of them or not at all. Links, attributes and filters cannot have
   * an effect: the index it is written from holds regular files alone.
   */
  async checkOut(clone: Clone, commit: string, files: readonly ManifestBlob[]): Promise<string> {
    const path = this.pathOf(commit);
    const fresh = `${path}.new`;
    await rm(fresh, { recursive: true, force: true });
    await rm(this.#folders.index, { force: true });
    await rm(`${this.#folders.index}.lock`, { force: true });
    await mkdir(fresh, { recursive: true, mode: 0o700 });
    try {
      if (files.length > 0) await this.#write(clone, fresh, files);
      await rm(path, { recursive: true, force: true });
      await rename(fresh, path);
    } catch (error) {
      await rm(fresh, { recursive: true, force: true }).catch(() => undefined);
      throw error;
    }
    return path;
  }

  async #write(clone: Clone, folder: string, files: readonly ManifestBlob[]): Promise<void> {
    const environment = { GIT_INDEX_FILE: this.#folders.index, GIT_WORK_TREE: folder };
    const input = files.map(({ name, blob }) => `100644 ${blob}\t${name}\0`).join('');
    await clone.local({ args: ['update-index', '-z', '--index-info'], input, environment });
    await clone.local({ args: ['checkout-index', '--all', '--force'], environment });
  }

  /** Removes all but these; what cannot be removed now is tried again with the next commit. */
  async keepOnly(commits: readonly string[]): Promise<void> {
    const names = await readdir(this.#folders.trees).catch(() => []);
    for (const name of names) {
      if (commits.includes(name)) continue;
      await rm(join(this.#folders.trees, name), { recursive: true, force: true }).catch(() => undefined);
    }
  }
}
