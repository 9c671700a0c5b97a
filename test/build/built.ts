/** The built programs, as users run them. */
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { must } from '../lab/run.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const SOURCES = ['cmd', 'pkg', 'package.json', 'tsconfig.build.json'];

export const OVR = join(ROOT, 'dist/cmd/ovr/main.js');
export const OVRD = join(ROOT, 'dist/cmd/ovrd/main.js');

/** Builds, unless what is there is newer than every source. */
export async function ensureBuilt(): Promise<void> {
  const built = await Promise.all([OVR, OVRD].map(changedMs));
  const sources = await Promise.all(SOURCES.map((name) => newestMs(join(ROOT, name))));
  if (Math.min(...built) > Math.max(...sources)) return;
  await must([process.execPath, join(ROOT, 'test/tools/build.ts')], { cwd: ROOT });
}

async function newestMs(path: string): Promise<number> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'));
  const times = await Promise.all(files.map((file) => changedMs(join(file.parentPath, file.name))));
  return Math.max(await changedMs(path), ...times);
}

/** 0 when it is not there. */
async function changedMs(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
}
