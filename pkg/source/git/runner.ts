import { errorMessage, type Clock } from '../../api/index.ts';
import type { Environment } from './environment.ts';
import { GIT_VARIABLES } from './environment.ts';
import { GitFailure, type FailureKind } from './failure.ts';

/** One call of git. */
export interface GitCall {
  readonly args: readonly string[];
  /** Where it runs; an existing folder. */
  readonly cwd: string;
  /** The whole of it. */
  readonly environment: Environment;
  /** For standard input. */
  readonly input?: string;
  /** Milliseconds. */
  readonly timeoutMs: number;
  /** Ends the call early. */
  readonly signal?: AbortSignal;
}

/** Starts git, once a call. */
export interface GitRunner {
  /** What it printed to standard output. Fails with GitFailure. */
  run(call: GitCall): Promise<string>;
}

/** More than this of output is no answer but an attack on our memory. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
/** Git cleans up when it is interrupted; one that does not end then hangs in the kernel and is left behind. */
const FAREWELL_MS = 3_000;

interface Ending {
  readonly exitCode: number;
  readonly output: string;
}

/** Git by way of simple-git, which is loaded at the first call. */
export class SimpleGitRunner implements GitRunner {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async run(call: GitCall): Promise<string> {
    const { promise: lost, reject: lose } = Promise.withResolvers<never>();
    const abort = new AbortController();
    let why: FailureKind | undefined;
    let cancelFarewell = (): void => undefined;
    const end = (kind: FailureKind): void => {
      if (why !== undefined) return;
      why = kind;
      abort.abort();
      cancelFarewell = this.#clock.after(FAREWELL_MS, () => lose(new Error('git does not end')));
    };
    const cancel = this.#clock.after(call.timeoutMs, () => end('timeout'));
    const onAbort = (): void => end('aborted');
    call.signal?.addEventListener('abort', onAbort);
    if (call.signal?.aborted === true) end('aborted');
    const state: { ending?: Ending } = {};
    try {
      return await Promise.race([start(call, { signal: abort.signal, end, state }), lost]);
    } catch (error) {
      throw failureOf(call, why, state.ending ?? { exitCode: -1, output: errorMessage(error) });
    } finally {
      cancel();
      cancelFarewell();
      call.signal?.removeEventListener('abort', onAbort);
    }
  }
}

interface Watching {
  readonly signal: AbortSignal;
  readonly end: (kind: FailureKind) => void;
  /** Where simple-git's own error would lose what git printed. */
  readonly state: { ending?: Ending };
}

async function start(call: GitCall, { signal, end, state }: Watching): Promise<string> {
  const { simpleGit } = await import('simple-git');
  const { input } = call;
  const git = simpleGit({
    baseDir: call.cwd,
    abort: signal,
    allowEnvironment: GIT_VARIABLES,
    // Both are ours: a configuration of our own instead of the user's, and no template.
    unsafe: { allowUnsafeConfigPaths: true, allowUnsafeTemplateDir: true },
    ...(input === undefined ? {} : { input: () => input }),
    errors: (error, { exitCode, stdErr, stdOut }) => {
      if (error === undefined && exitCode === 0) return undefined;
      const output = Buffer.concat([...stdErr, ...stdOut]).toString('utf8');
      state.ending = { exitCode, output };
      return error ?? new Error(output);
    },
  });
  git.outputHandler((_command, stdout, stderr) => {
    let bytes = 0;
    const count = (chunk: Buffer | string): void => {
      bytes += chunk.length;
      if (bytes > MAX_OUTPUT_BYTES) end('flood');
    };
    stdout.on('data', count);
    stderr.on('data', count);
  });
  return git.env({ ...call.environment }).raw([...call.args]);
}

function failureOf(call: GitCall, why: FailureKind | undefined, { output }: Ending): GitFailure {
  const command = call.args.find((arg) => !arg.startsWith('-')) ?? '';
  if (why !== undefined) return new GitFailure(why, command, '');
  return new GitFailure(/spawn \S+ (ENOENT|EACCES)/.test(output) ? 'missing' : 'exit', command, output);
}
