import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { errorMessage, OvrError } from '../api/index.ts';
import { restoreRevision, storeRevision, type Revision } from '../manifest/index.ts';
import type { RevisionEntry, RevisionStore } from '../reconcile/index.ts';
import { replaceFile } from '../source/index.ts';

const FORMAT = 1;
/** Smaller ones stay readable for people. */
const GZIP_FROM_BYTES = 64 * 1024;
const NAME = /^[0-9a-f]{8,128}\.rev$/;
const NEWLINE = 0x0a;

/** First line of a file: what `ovr history` shows, and what the rest of it must be. */
interface Head {
  readonly format: number;
  readonly entry: RevisionEntry;
  readonly encoding: 'plain' | 'gzip';
  /** SHA-256 of the entry and the rest. */
  readonly sha256: string;
}

const zip = promisify(gzip);
const unzip = promisify(gunzip);

/**
 * Revisions in a folder, a file each: one line about it, then the whole of it. Written beside, flushed and renamed, so that a crash leaves the
 * old or the new. A file that is not whole is told once and left alone.
 */
export class RevisionFiles implements RevisionStore {
  readonly #folder: string;
  readonly #tell: (message: string) => void;

  constructor(folder: string, tell: (message: string) => void) {
    this.#folder = folder;
    this.#tell = tell;
  }

  async list(): Promise<readonly RevisionEntry[]> {
    const names = await readdir(this.#folder).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw error;
    });
    const entries: RevisionEntry[] = [];
    for (const name of names.filter((name) => NAME.test(name))) {
      const path = join(this.#folder, name);
      try {
        const { entry } = parse(await readFile(path)).head;
        if (`${entry.digest}.rev` !== name) throw new Error('it has another name than its revision');
        entries.push(entry);
      } catch (error) {
        this.#tell(
          `cannot use ${path} (${errorMessage(error)}): that revision is missing from the history; remove the file`,
        );
      }
    }
    return entries;
  }

  async read(digest: string): Promise<Revision> {
    const path = this.#path(digest);
    try {
      const { head, body } = parse(await readFile(path));
      const text = head.encoding === 'gzip' ? (await unzip(body)).toString() : body.toString();
      const revision = restoreRevision(JSON.parse(text));
      if (revision.digest !== digest) throw new Error(`it holds revision ${revision.digest}`);
      return revision;
    } catch (error) {
      const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      const why = isAbsent ? 'it is not in the history' : `cannot use ${path}: ${errorMessage(error)}`;
      throw new OvrError('not-found', 'invalid', why, { cause: error });
    }
  }

  async write(entry: RevisionEntry, revision: Revision): Promise<void> {
    const path = this.#path(entry.digest);
    // A large revision takes a while to serialize, and the round that it comes from has just held the loop up.
    await nextTurn();
    const plain = Buffer.from(JSON.stringify(storeRevision(revision)));
    const encoding = plain.length >= GZIP_FROM_BYTES ? 'gzip' : 'plain';
    const body = encoding === 'gzip' ? await zip(plain) : plain;
    const head: Head = { format: FORMAT, entry, encoding, sha256: sha256(entry, body) };
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await replaceFile(path, Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body]));
    } catch (error) {
      throw new OvrError('state-unwritable', 'transient', `cannot write ${path}: ${errorMessage(error)}`, {
        cause: error,
      });
    }
  }

  async remove(digest: string): Promise<void> {
    await rm(this.#path(digest), { force: true });
  }

  #path(digest: string): string {
    return join(this.#folder, `${digest}.rev`);
  }
}

function parse(bytes: Buffer): { head: Head; body: Buffer } {
  const end = bytes.indexOf(NEWLINE);
  if (end < 0) throw new Error('it is cut off');
  const head = JSON.parse(bytes.subarray(0, end).toString()) as Partial<Head> | null;
  if (head?.format !== FORMAT)
    throw new Error(`format ${String(head?.format)}, and this ovr knows ${FORMAT}`);
  const body = bytes.subarray(end + 1);
  if (!head.entry || head.sha256 !== sha256(head.entry, body)) throw new Error('it is not what was written');
  return { head: head as Head, body };
}

function sha256(entry: RevisionEntry, body: Buffer): string {
  return createHash('sha256').update(JSON.stringify(entry)).update(body).digest('hex');
}
