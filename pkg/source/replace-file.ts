import { open, rename, rm } from 'node:fs/promises';

/** Writes a file that only this user may read: beside it, flushed and renamed, so that a crash leaves the old or the new. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.new`;
  try {
    await writeFlushed(temporary, content, 'w');
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Writes a file that only this user may read, and waits until it is on the disk. `wx` fails where there is one already. */
export async function writeFlushed(
  path: string,
  content: string | Uint8Array,
  flags: 'w' | 'wx',
): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}
