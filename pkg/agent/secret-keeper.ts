import { createHmac, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorMessage, OvrError } from '../api/index.ts';
import { FileBell } from './file-bell.ts';
import type { FileStamp, HostKey, SecretKeeper } from '../reconcile/index.ts';
import { printOf, writeFlushed } from '../source/index.ts';

/** 256 bits as hexadecimal digits, and a line's end. */
const KEY_BYTES = 32;
const CONTENT = /^[0-9a-f]{64}\n$/;
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** 128 bits, as all hashes here. */
const HASH_LENGTH = 32;
const ID_LENGTH = 16;

/** Keeps this host's key in a file: random, made once, for this user alone. It is never shown, and never written anywhere else. */
export function createSecretKeeper(path: string): SecretKeeper {
  const bell = new FileBell();
  let making: Promise<void> = Promise.resolve();
  return {
    key: async (make) => {
      try {
        const found = await load(path);
        if (found || !make) return found;
        making = making.catch(() => undefined).then(() => makeKey(path));
        await making;
        return await load(path);
      } catch (error) {
        throw unreadable(`cannot use the key file ${path}: ${errorMessage(error)}`, error);
      }
    },
    stamp,
    watch: (paths, ring) => bell.watch(paths, ring),
  };
}

async function stamp(path: string): Promise<FileStamp> {
  try {
    const seen = await stat(path, { bigint: true });
    return { stamp: printOf(seen), changedMs: Number(seen.ctimeMs) };
  } catch (error) {
    throw unreadable(`cannot read the value file ${path}: ${errorMessage(error)}`, error);
  }
}

function unreadable(message: string, cause: unknown): OvrError {
  return new OvrError('secret-unreadable', 'waiting', message, { cause });
}

async function load(path: string): Promise<HostKey | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, FLAGS);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { mode, size } = await file.stat();
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw new Error('it is not a regular file');
    if ((mode & 0o077) !== 0) throw new Error(`others may use it; chmod 600 ${path}`);
    const text = size === 2 * KEY_BYTES + 1 ? await file.readFile('utf8') : '';
    if (!CONTENT.test(text)) throw new Error('it holds no key; put it back from a backup, or remove it');
    return keyOf(Buffer.from(text.trimEnd(), 'hex'));
  } finally {
    await file.close();
  }
}

function keyOf(secret: Buffer): HostKey {
  const hash = (text: string): string => createHmac('sha256', secret).update(text).digest('hex');
  // No list of texts is written like this.
  return {
    id: hash('id of the key').slice(0, ID_LENGTH),
    hash: (text) => hash(text).slice(0, HASH_LENGTH),
  };
}

/** Whole or not at all, and never in the place of another. */
async function makeKey(path: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(4).toString('hex')}.new`;
  try {
    await writeFlushed(temporary, `${randomBytes(KEY_BYTES).toString('hex')}\n`, 'wx');
    await link(temporary, path).catch(unlessThere);
  } finally {
    await rm(temporary, { force: true });
  }
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  await handle.sync().finally(() => handle.close());
}

function unlessThere(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
}
