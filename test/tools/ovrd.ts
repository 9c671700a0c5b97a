import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createClient, type AgentClient } from '../../pkg/server/index.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** Builds are what users run; `npm test` and the demo make one first. */
const BUILT = join(ROOT, 'dist/cmd/ovrd/main.js');
const SOURCE = join(ROOT, 'cmd/ovrd/main.ts');

export interface OvrdOptions {
  readonly dockerHost: string;
  /** Absent: no folder, so something else must be a source. */
  readonly manifests?: string;
  /** Further flags. */
  readonly args?: readonly string[];
  /** `source` needs no build. */
  readonly from?: 'source' | 'dist';
  /** Where socket, state and log go; a folder of its own that `stop` removes unless given. */
  readonly folder?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Starts the process elsewhere, in a lab host's network for example; by default right here. */
  readonly spawn?: (command: string[], options: SpawnOptions) => ChildProcess;
}

/** One running ovrd process. */
export class Ovrd {
  readonly folder: string;
  readonly socket: string;
  readonly client: AgentClient;
  readonly #child: ChildProcess;
  readonly #ownsFolder: boolean;

  constructor(child: ChildProcess, folder: string, ownsFolder: boolean) {
    this.folder = folder;
    this.socket = join(folder, 'ovrd.sock');
    this.client = createClient({ socketPath: this.socket });
    this.#child = child;
    this.#ownsFolder = ownsFolder;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it has logged so far, one object a line. */
  async log(): Promise<string> {
    return readFile(join(this.folder, 'ovrd.log'), 'utf8');
  }

  /** Ends it with a signal and returns its exit code, -1 when the signal killed it. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill(signal);
      await ended;
    }
    return this.#child.exitCode ?? -1;
  }

  /** Ends it in order, and by force where that takes too long; removes its folder. */
  async stop(): Promise<void> {
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 15_000);
    await this.end();
    clearTimeout(force);
    if (this.#ownsFolder) await rm(this.folder, { recursive: true, force: true });
  }
}

/** Starts an ovrd and waits until its socket answers. It ends with this process at the latest. */
export async function startOvrd(options: OvrdOptions): Promise<Ovrd> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'ovrd-')));
  await mkdir(folder, { recursive: true });
  const start = options.spawn ?? (([command = '', ...args], settings) => spawn(command, args, settings));
  const child = start([process.execPath, ...ovrdArgs(options, folder)], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  child.stderr?.pipe(createWriteStream(join(folder, 'ovrd.log'), { flags: 'a' }));
  const killWithParent = (): void => void child.kill('SIGKILL');
  process.once('exit', killWithParent);
  child.once('exit', () => process.off('exit', killWithParent));
  const ovrd = new Ovrd(child, folder, options.folder === undefined);
  try {
    await waitForSocket(ovrd, child);
  } catch (error) {
    await ovrd.stop();
    throw error;
  }
  return ovrd;
}

/** The command line after `node`. */
export function ovrdArgs(options: OvrdOptions, folder: string): string[] {
  const { dockerHost, manifests, args = [], from = 'source' } = options;
  return [
    from === 'dist' ? BUILT : SOURCE,
    ...['--docker-host', dockerHost, ...(manifests === undefined ? [] : ['--manifests', manifests])],
    ...['--socket', join(folder, 'ovrd.sock'), '--state-dir', join(folder, 'state')],
    ...(args.includes('--listen') ? [] : ['--listen', 'none']),
    ...args,
  ];
}

async function waitForSocket(ovrd: Ovrd, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`ovrd ended with ${child.exitCode ?? child.signalCode}:\n${await ovrd.log()}`);
    }
    // To ask costs a hundred times as much as to look, and what starts needs the processor.
    const answers = existsSync(ovrd.socket) && (await ovrd.client.status().then(Boolean, () => false));
    if (answers) return;
    await new Promise((wait) => setTimeout(wait, 10));
  }
}
