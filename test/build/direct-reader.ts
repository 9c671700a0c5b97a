/** The parts of a folder's source that a test replaces: reading without a thread, and events that the test makes. */
import { parseManifest } from '../../pkg/manifest/index.ts';
import type { FolderWatcher, FolderWatchOptions } from '../../pkg/source/folder-watch.ts';
import { loadFiles } from '../../pkg/source/load.ts';
import { lookAtFolder, scanFolder } from '../../pkg/source/look.ts';
import type { Reader } from '../../pkg/source/sighting.ts';
import { readVariableFiles } from '../../pkg/source/variable-file.ts';
import { walkTree } from '../../pkg/source/walk.ts';
import { WriterScan } from '../../pkg/source/writers.ts';

/** The reader without its thread. */
export class DirectReader implements Reader {
  loads: string[] = [];
  looks: (readonly string[] | 'all')[] = [];
  readonly #scan = new WriterScan();
  #round = 0;

  look: Reader['look'] = async (request) => {
    this.looks.push(request.names ?? 'all');
    this.#round += 1;
    return Promise.resolve().then(() => lookAtFolder(request));
  };
  scan: Reader['scan'] = (request) => scanFolder(request, () => Promise.resolve());
  walk: Reader['walk'] = async (dir) => Promise.resolve().then(() => walkTree(dir));
  load: Reader['load'] = (dir, requests, variables) => {
    this.loads.push(...requests.map(({ name }) => name));
    const writers = (inode: string): ReturnType<WriterScan['check']> => {
      const check = this.#scan.check(inode, this.#round);
      return check.status === 'blind' ? { status: 'none' } : check;
    };
    const parse: typeof parseManifest = (text, file) => parseManifest(text, file, variables);
    return Promise.resolve(loadFiles(dir, requests, { parse, writers }));
  };
  parse: Reader['parse'] = (text, file) => Promise.resolve(parseManifest(text, file));
  variables: Reader['variables'] = (files) => Promise.resolve(readVariableFiles(files));
  stop: Reader['stop'] = () => Promise.resolve();
}

/** A watcher whose events the test makes. */
export class ManualWatch implements FolderWatcher {
  isAlive = false;
  opened = 0;
  readonly #options: FolderWatchOptions;

  constructor(options: FolderWatchOptions) {
    this.#options = options;
  }

  get dir(): string {
    return this.#options.dir;
  }

  moved(name?: string): void {
    this.#options.ring(name, 'moved');
  }

  written(name: string): void {
    this.#options.ring(name, 'written');
  }

  reopen(): Promise<void> {
    this.opened += 1;
    this.isAlive = true;
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.isAlive = false;
    return Promise.resolve();
  }
}
