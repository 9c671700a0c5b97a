import { open } from 'node:fs/promises';
import { constants } from 'node:fs';
import { errorMessage, OvrError } from '../api/index.ts';
import type { SecretFiles } from '../reconcile/index.ts';

const MAX_BYTES = 64 * 1024;

/** Reads the files behind `valueFrom.file`; one trailing newline is dropped, as editors add it. */
export const secretFiles: SecretFiles = {
  async read(path) {
    try {
      const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const { size } = await regularFile(file);
        if (size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
        return (await file.readFile('utf8')).replace(/\r?\n$/, '');
      } finally {
        await file.close();
      }
    } catch (error) {
      const message = `cannot read the value file ${path}: ${errorMessage(error)}`;
      throw new OvrError('secret-unreadable', 'waiting', message, { cause: error });
    }
  },
};

async function regularFile(file: Awaited<ReturnType<typeof open>>): Promise<{ size: number }> {
  const stat = await file.stat();
  if (!stat.isFile()) throw new Error('it is not a regular file');
  return stat;
}
