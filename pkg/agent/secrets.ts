import { open } from 'node:fs/promises';
import { constants } from 'node:fs';
import { errorMessage, OvrError } from '../api/index.ts';
import type { Secrets } from '../reconcile/index.ts';
import { openSealed, type SopsOptions } from './sops.ts';

const MAX_BYTES = 64 * 1024;

/** Values from files and from encrypted manifests. */
export function createSecrets(options: SopsOptions): Secrets {
  return { read: readValueFile, open: (sealed) => openSealed(sealed, options) };
}

/** Reads the file behind `valueFrom.file`; one trailing newline is dropped, as editors add it. */
async function readValueFile(path: string): Promise<string> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { size } = await regularFile(file);
      if (size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
      return contentOf(await file.readFile('utf8'));
    } finally {
      await file.close();
    }
  } catch (error) {
    const message = `cannot read the value file ${path}: ${errorMessage(error)}`;
    throw new OvrError('secret-unreadable', 'waiting', message, { cause: error });
  }
}

/** The kernel takes no NUL in a variable, and what starts a container may quote the variable that has one. */
function contentOf(text: string): string {
  if (text.includes('\0')) throw new Error('it holds a NUL character, which no variable can have');
  return text.replace(/\r?\n$/, '');
}

async function regularFile(file: Awaited<ReturnType<typeof open>>): Promise<{ size: number }> {
  const stat = await file.stat();
  if (!stat.isFile()) throw new Error('it is not a regular file');
  return stat;
}
