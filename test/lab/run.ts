/** Runs commands and waits for things. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ExecResult {
  stdout: string;
  stderr: string;
  code: number;
}

export interface ExecOptions {
  cwd?: string;
  /** Added to the environment. */
  env?: Record<string, string>;
  /** What the command reads; nothing by default. */
  input?: string;
  /** The command is killed after this long, and the call fails. */
  timeoutMs?: number;
}

/** Runs a command to its end. Fails only when it cannot be started or takes too long; look at `code`. */
export function run(cmd: string[], options: ExecOptions = {}): Promise<ExecResult> {
  const [command = '', ...args] = cmd;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs, killSignal: 'SIGKILL' }),
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin.on('error', () => undefined); // it may end without reading
    child.stdin.end(options.input ?? '');
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (options.timeoutMs !== undefined && signal === 'SIGKILL') {
        reject(new Error(`"${cmd.join(' ')}" took longer than ${options.timeoutMs} ms`));
        return;
      }
      const stdout = Buffer.concat(out).toString();
      resolve({ stdout, stderr: Buffer.concat(err).toString(), code: code ?? 128 });
    });
  });
}

/** Runs a command that must succeed, and returns what it printed, trimmed. */
export async function must(cmd: string[], options: ExecOptions = {}): Promise<string> {
  const { stdout, stderr, code } = await run(cmd, options);
  if (code !== 0) {
    throw new Error(`"${cmd.join(' ')}" ended with ${code}: ${(stderr || stdout).trim()}`);
  }
  return stdout.trim();
}

/** The shortest and the longest time between two questions. */
const PAUSE_MS = { least: 20, most: 100 };

/** Asks again and again until the answer is not `undefined`. */
export async function until<T>(
  what: string,
  timeoutMs: number,
  ask: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const beganMs = performance.now();
  for (;;) {
    const askedMs = performance.now();
    const answer = await ask();
    if (answer !== undefined) return answer;
    const nowMs = performance.now();
    const waitedMs = nowMs - beganMs;
    if (waitedMs > timeoutMs) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    // Whoever asks dearly, or has waited long, asks less often: what is waited for needs the processor too.
    const pauseMs = Math.min(PAUSE_MS.most, Math.max(PAUSE_MS.least, waitedMs / 10));
    await sleep(Math.max(pauseMs, nowMs - askedMs));
  }
}
