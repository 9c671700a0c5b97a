import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, open, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OvrError } from '../api/index.ts';

/** Key services of other kinds than age would be asked over the network; a file with age takes a tenth of a second. */
const DEADLINE_MS = 10_000;
/** A manifest has 64 KiB, and as JSON somewhat more. */
const MAX_OUTPUT_BYTES = 512 * 1024;
const USUAL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What sops means by its exit codes. None of what it prints is passed on: it may tell of what it has decrypted. */
const MEANINGS: Readonly<Record<number, string>> = {
  51: 'it was changed after it was encrypted, without sops; change it with sops, or encrypt it anew',
  52: 'it has no checksum of sops, so it may have been changed; encrypt it anew',
  128: 'no key here opens it; give the age key that it was encrypted for with --sops-age-key-file',
};

export interface SopsOptions {
  /** Age keys; absent: none. */
  readonly ageKeyFile?: string;
  /** Where sops is looked for; absent: the usual folders. */
  readonly path?: string;
  /** For tests. */
  readonly deadlineMs?: number;
}

/**
 * The texts in `spec.env` of an encrypted manifest, by name, as sops decrypts them. Plain text is only in memory. Fails with
 * `secret-unreadable`, and with nothing in the message that was decrypted.
 */
export async function openSealed(sealed: string, options: SopsOptions): Promise<ReadonlyMap<string, string>> {
  const input = await inputOf(sealed);
  try {
    return envOf(await run(sealed, input, options));
  } finally {
    await input.close();
  }
}

/**
 * The encrypted text as a file without a name: sops opens its input by the path /dev/stdin, which cannot be done with the sockets
 * that stand for pipes here.
 */
async function inputOf(sealed: string): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'ovr-sops-'));
  try {
    const path = join(folder, 'sealed');
    await writeFile(path, sealed, { mode: 0o600, flag: 'wx' });
    return await open(path, 'r');
  } catch (error) {
    throw unreadable('it cannot be handed to sops: no room in the folder for temporary files', error);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(sealed: string, input: FileHandle, options: SopsOptions): Promise<string> {
  const { ageKeyFile, path = USUAL_PATH } = options;
  const type = sealed.trimStart().startsWith('{') ? 'json' : 'yaml';
  const child = spawn('sops', ['--decrypt', '--input-type', type, '--output-type', 'json', '/dev/stdin'], {
    cwd: '/',
    env: { PATH: path, ...(ageKeyFile === undefined ? {} : { SOPS_AGE_KEY_FILE: ageKeyFile }) },
    stdio: [input.fd, 'pipe', 'ignore'],
  });
  const { code, output } = await ended(child, options.deadlineMs ?? DEADLINE_MS);
  if (code === 0) return output;
  const meaning =
    MEANINGS[code] ?? `sops ended with code ${code}; run sops --decrypt on the file here to see why`;
  throw unreadable(meaning);
}

interface Ended {
  readonly code: number;
  readonly output: string;
}

/** Waits until it has ended by itself; fails where it does not, says too much, or cannot be started. */
function ended(child: ChildProcess, deadlineMs: number): Promise<Ended> {
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  const giveUp = (why: string): void => {
    child.kill('SIGKILL');
    child.stdout?.destroy();
    reject(unreadable(why));
  };
  const timer = setTimeout(() => giveUp(`sops has not ended within ${deadlineMs / 1_000} s`), deadlineMs);
  child.stdout?.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_OUTPUT_BYTES) giveUp('what sops makes of it is larger than any manifest');
    else chunks.push(chunk);
  });
  child.once('error', (error) => giveUp(startFailure(error)));
  child.once('close', (code) => resolve({ code: code ?? -1, output: Buffer.concat(chunks).toString() }));
  return promise.finally(() => clearTimeout(timer));
}

function startFailure(error: Error): string {
  const isMissing = 'code' in error && error.code === 'ENOENT';
  return isMissing
    ? 'sops is not installed here; put its program into /usr/local/bin'
    : 'sops cannot be started; check that its program may be run';
}

/** Values of other types than text, and fields that are not as they should be, are left out. */
function envOf(output: string): ReadonlyMap<string, string> {
  const spec = field(parse(output), 'spec');
  const env = field(spec, 'env');
  const entries = Array.isArray(env) ? (env as readonly unknown[]) : [];
  return new Map(
    entries.flatMap((entry): [string, string][] => {
      const [name, value] = [field(entry, 'name'), field(entry, 'value')];
      return typeof name === 'string' && typeof value === 'string' && !value.includes('\0')
        ? [[name, value]]
        : [];
    }),
  );
}

function parse(output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    throw unreadable('what sops makes of it is no JSON; check that the sops found first is the real one');
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function unreadable(why: string, cause?: unknown): OvrError {
  return new OvrError('secret-unreadable', 'waiting', `cannot decrypt the manifest: ${why}`, { cause });
}
