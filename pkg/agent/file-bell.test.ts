import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FileBell } from './file-bell.ts';

const PATIENCE = { timeout: 10_000, interval: 20 };
let folder: string;
let bell: FileBell;
let rings: number;
const ring = (): void => void (rings += 1);
const rung = (): Promise<void> =>
  vi.waitFor(() => expect(rings).toBeGreaterThan(0), PATIENCE).then(() => void (rings = 0));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ovr-bell-'));
  await mkdir(join(folder, 'secrets'));
  await writeFile(join(folder, 'secrets', 'token'), 'one');
  bell = new FileBell();
  rings = 0;
});
afterEach(async () => {
  bell.watch([], ring);
  await rm(folder, { recursive: true, force: true });
});

it.each<[what: string, change: (path: string) => Promise<unknown>]>([
  ['written in place', (path) => writeFile(path, 'two')],
  ['replaced', (path) => writeFile(`${path}.new`, 'two').then(() => rename(`${path}.new`, path))],
  ['removed', (path) => rm(path)],
  ['beside a link that leads on to it', (path) => symlink('elsewhere', join(path, '..', '..data'))],
])('rings when a file is %s', async (_, change) => {
  const path = join(folder, 'secrets', 'token');
  bell.watch([path], ring);
  await change(path);
  await rung();
});

it('rings for nothing else in the folder, and for nothing that is not asked for any more', async () => {
  const [token, other] = ['token', 'other'].map((name) => join(folder, 'secrets', name));
  bell.watch([token!], ring);
  await writeFile(other!, 'x');
  bell.watch([token!, other!], ring);
  await writeFile(token!, 'two');
  await rung();
  bell.watch([other!], ring);
  rings = 0;
  await writeFile(token!, 'three');
  await writeFile(join(folder, 'secrets', 'third'), 'x');
  // What was written before this is told before this.
  await writeFile(other!, 'y');
  await rung();
});

it('takes a folder up again that was made anew, and leaves one alone that is not there', async () => {
  const path = join(folder, 'secrets', 'token');
  const both = [path, join(folder, 'nowhere', 'token')];
  bell.watch(both, ring);
  await rm(join(folder, 'secrets'), { recursive: true });
  await rung();
  await mkdir(join(folder, 'secrets'));
  await vi.waitFor(async () => {
    bell.watch(both, ring);
    await writeFile(path, 'two');
    expect(rings).toBeGreaterThan(0);
  }, PATIENCE);
});
