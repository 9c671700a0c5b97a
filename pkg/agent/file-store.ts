import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorMessage, OvrError } from '../api/index.ts';
import type { StateStore } from '../reconcile/index.ts';
import { replaceFile } from '../source/index.ts';

/** Keeps a value in one JSON file: written beside, flushed, renamed, so that a crash leaves the old or the new. */
export function createFileStore(path: string): StateStore {
  let writing: Promise<void> = Promise.resolve();
  return {
    load: () => load(path),
    save: (state) => {
      const text = JSON.stringify(state);
      writing = writing.catch(() => undefined).then(() => write(path, text));
      return writing;
    },
  };
}

/** Remembers nothing. */
export const noStore: StateStore = { load: () => Promise.resolve(undefined), save: () => Promise.resolve() };

async function load(path: string): Promise<unknown> {
  try {
    const parsed: unknown = JSON.parse(await readFile(path, 'utf8'));
    return parsed;
  } catch {
    // Absent or cut by hand: the agent explains less, and does nothing else differently.
    return undefined;
  }
}

async function write(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await replaceFile(path, text);
  } catch (error) {
    throw new OvrError('state-unwritable', 'transient', `cannot write ${path}: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}
