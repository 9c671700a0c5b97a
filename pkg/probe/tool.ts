import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** One run of a program. */
export interface Run {
  readonly argv: readonly [string, ...string[]];
  /** Becomes file descriptor 3. */
  readonly descriptor?: number;
  readonly input?: string;
  readonly deadlineMs: number;
  readonly maxBytes: number;
}

export interface Ran {
  /** `missing`: there is no such program; `late`: it was killed at its deadline; `flood`: it was killed because it said too much. */
  readonly end: 'exit' | 'missing' | 'late' | 'flood';
  /** -1 where a signal ended it, or nothing ran. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Nothing of ovrd's own environment: no keys, no proxies, no flags of Node. Messages in English, since they are read here. */
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

/** Runs a program in a process group of its own and ends the whole group with it, whatever happens. Never fails. */
export async function runTool(run: Run): Promise<Ran> {
  const [command, ...args] = run.argv;
  const descriptors = run.descriptor === undefined ? [] : [run.descriptor];
  const child = spawn(command, args, {
    env: ENVIRONMENT,
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', ...descriptors],
  });
  const watch = new Watch(child, run.maxBytes);
  const timer = setTimeout(() => watch.stop('late'), run.deadlineMs);
  try {
    // Who does not read its input ends with an error of the pipe, which says nothing that its exit does not.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(run.input ?? '');
    const isGone = await Promise.race([once(child, 'close').then(() => true), failed(child)]);
    if (!isGone) return { end: 'missing', code: -1, stdout: '', stderr: '' };
    return { end: watch.end, code: child.exitCode ?? -1, stdout: watch.stdout, stderr: watch.stderr };
  } finally {
    clearTimeout(timer);
    watch.kill();
  }
}

async function failed(child: ChildProcess): Promise<false> {
  await new Promise((resolve) => child.once('error', resolve));
  return false;
}

/** Takes in what a program says, up to a limit, and kills its group. */
class Watch {
  readonly #child: ChildProcess;
  readonly #maxBytes: number;
  readonly #chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  #bytes = 0;
  end: 'exit' | 'late' | 'flood' = 'exit';

  constructor(child: ChildProcess, maxBytes: number) {
    this.#child = child;
    this.#maxBytes = maxBytes;
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.on('data', (chunk: Buffer) => this.#take(name, chunk));
    }
  }

  get stdout(): string {
    return Buffer.concat(this.#chunks.stdout).toString();
  }

  get stderr(): string {
    return Buffer.concat(this.#chunks.stderr).toString();
  }

  stop(why: 'late' | 'flood'): void {
    if (this.end === 'exit') this.end = why;
    this.kill();
  }

  /** The group outlives its first process where that left others behind; once all are gone there is nothing to kill. */
  kill(): void {
    const { pid, stdout, stderr } = this.#child;
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch {
      return;
    } finally {
      // Whoever left the group still holds the pipes, and `close` would wait for it.
      if (this.end !== 'exit') for (const stream of [stdout, stderr]) stream?.destroy();
    }
  }

  #take(name: 'stdout' | 'stderr', chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) this.stop('flood');
    else this.#chunks[name].push(chunk);
  }
}
