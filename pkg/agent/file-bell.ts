import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';

/** A watch for each folder of value files; where there are more, those files are only looked at. */
const MAX_FOLDERS = 64;

/** One folder, and the names in it that matter. */
interface Folder {
  readonly names: ReadonlySet<string>;
  readonly watcher: FSWatcher;
}

/**
 * Rings when something happens to one of some files, by the folders they are in. Rings get lost: a folder that is mounted over or a file
 * behind a link tells nothing. So nothing may depend on one.
 */
export class FileBell {
  readonly #folders = new Map<string, Folder>();

  /** Rings for these files from now on, and for no others. Cheap where they are the same as before. */
  watch(paths: Iterable<string>, ring: () => void): void {
    const wanted = Map.groupBy(paths, dirname);
    for (const folder of this.#folders.keys()) if (!wanted.has(folder)) this.#close(folder);
    for (const [folder, files] of [...wanted].slice(0, MAX_FOLDERS)) {
      const names = new Set(files.map((path) => basename(path)));
      const known = this.#folders.get(folder);
      if (known?.names.size === names.size && [...names].every((name) => known.names.has(name))) continue;
      this.#close(folder);
      this.#open(folder, names, ring);
    }
  }

  #open(folder: string, names: ReadonlySet<string>, ring: () => void): void {
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        // Whoever mounts secrets as Kubernetes does changes a link `..data` beside them.
        if (name === null || names.has(name) || name.startsWith('..')) ring();
        // The folder itself is gone: what is there later is another one.
        if (name === basename(folder)) this.#close(folder);
      });
      watcher.on('error', () => this.#close(folder));
      this.#folders.set(folder, { names, watcher });
    } catch {
      // Not there, or out of watches.
    }
  }

  #close(folder: string): void {
    this.#folders.get(folder)?.watcher.close();
    this.#folders.delete(folder);
  }
}
