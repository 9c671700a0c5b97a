import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { containerText, parsedRevision } from '../../test/build/revisions.ts';
import type { Revision } from '../manifest/index.ts';
import type { RevisionEntry } from '../reconcile/index.ts';
import { RevisionFiles } from './revision-files.ts';

let folder: string;
let told: string[];
let files: RevisionFiles;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'ovr-revisions-')), 'revisions');
  told = [];
  files = new RevisionFiles(folder, (message) => told.push(message));
});
afterEach(() => rm(join(folder, '..'), { recursive: true }));

const small = parsedRevision(containerText('aa', { env: [{ name: 'A', value: 'ü' }] }));
const large = parsedRevision(...Array.from({ length: 400 }, (_, index) => containerText(`c${index}`)));

function entryOf({ digest, objects }: Revision, turn = 1): RevisionEntry {
  const changes = { added: [], removed: [], changed: [], omitted: 0 };
  return { digest, turn, firstMs: 1, lastMs: 2, sources: ['/etc/ovr.d'], objects: objects.size, changes };
}

describe('revisions on disk', () => {
  it('come back whole, for root alone, the large ones packed', async () => {
    expect(await files.list()).toEqual([]);
    for (const revision of [small, large]) await files.write(entryOf(revision), revision);
    const again = new RevisionFiles(folder, (message) => told.push(message));
    expect(new Set(await again.list())).toEqual(new Set([small, large].map((revision) => entryOf(revision))));
    for (const revision of [small, large]) expect(await again.read(revision.digest)).toEqual(revision);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    for (const name of await readdir(folder))
      expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, `${large.digest}.rev`))).size).toBeLessThan(40_000);
    expect(told).toEqual([]);
  });

  it('are replaced and removed', async () => {
    await files.write(entryOf(small), small);
    await files.write(entryOf(small, 7), small);
    expect((await files.list()).map(({ turn }) => turn)).toEqual([7]);
    await files.remove(small.digest);
    await files.remove(small.digest);
    expect(await files.list()).toEqual([]);
    await expect(files.read(small.digest)).rejects.toMatchObject({ code: 'not-found' });
  });

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['empty', () => Buffer.alloc(0)],
    ['cut in its first line', (bytes) => bytes.subarray(0, 20)],
    ['cut in the rest', (bytes) => bytes.subarray(0, bytes.length - 1)],
    ['of a newer ovr', (bytes) => Buffer.from(bytes.toString().replace('"format":1', '"format":2'))],
    ['changed by hand', (bytes) => Buffer.from(bytes.toString().replace('busybox', 'busybix'))],
    [
      'changed in what it says of itself',
      (bytes) => Buffer.from(bytes.toString().replace('"turn":1', '"turn":9')),
    ],
    ['rubbish', () => Buffer.from('so far so {good\n')],
    ['null', () => Buffer.from('null\n')],
  ])('that are %s are told and left out, and the others stay', async (_what, damage) => {
    const other = parsedRevision(containerText('bb'));
    await files.write(entryOf(small), small);
    await files.write(entryOf(other), other);
    const path = join(folder, `${small.digest}.rev`);
    await writeFile(path, damage(await readFile(path)));
    expect((await files.list()).map(({ digest }) => digest)).toEqual([other.digest]);
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(`cannot use ${path}`);
    await expect(files.read(small.digest)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('under a wrong name are left out, and what a crash left of a write does not count', async () => {
    await files.write(entryOf(small), small);
    await rename(join(folder, `${small.digest}.rev`), join(folder, `${'0'.repeat(32)}.rev`));
    await writeFile(join(folder, `${large.digest}.rev.new`), 'half');
    expect(await files.list()).toEqual([]);
    expect(told).toHaveLength(1);
  });

  it('that cannot be written leave nothing behind', async () => {
    const blocked = new RevisionFiles(join(folder, '..', 'file', 'x'), () => undefined);
    await writeFile(join(folder, '..', 'file'), '');
    await expect(blocked.write(entryOf(small), small)).rejects.toMatchObject({ code: 'state-unwritable' });
  });
});
