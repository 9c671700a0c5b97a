import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lookAtFolder } from './look.ts';
import type { TreeWalk } from './sighting.ts';
import { walkTree } from './walk.ts';

let base: string;
let dir: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'ovr-walk-'));
  dir = join(base, 'd');
  mkdirSync(dir);
});

afterEach(() => {
  rmSync(base, { recursive: true });
});

/** Makes folders, files (`README.md`, `1.yaml`) and links (`name -> target`). */
function make(...entries: readonly string[]): void {
  for (const entry of entries) {
    const [path = '', target] = entry.split(' -> ');
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    if (target !== undefined) symlinkSync(target, join(dir, path));
    else if (/\.md$|\d\.yaml$/.test(path)) writeFileSync(join(dir, path), 'x\n');
    else mkdirSync(join(dir, path), { recursive: true });
  }
}

const paths = ({ folders }: TreeWalk): string[] => folders.map(({ path }) => path);
const refused = ({ refused: list }: TreeWalk): string[] =>
  list.map(({ path, refusal }) => `${path} ${refusal.code}`);

describe('walkTree', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ['nothing below', [], ['']],
    ['folders of any depth', ['a/b/c', 'b'], ['', 'a', 'a/b', 'a/b/c', 'b']],
    ['no hidden ones', ['.git/objects', '..data', 'a/.cache'], ['', 'a']],
    ['none that an editor or a copy left', ['a~', '#a', '~a', 'b'], ['', 'b']],
    ['none that is named like a manifest', ['a.yaml/b', 'b.json', 'c.yml', 'd.yaml.d'], ['', 'd.yaml.d']],
    ['no files, nor links to them', ['README.md', 'link -> README.md'], ['']],
    ['a folder behind a link once, under its own name', ['z', 'a -> z', 'b -> z'], ['', 'z']],
    ['a linked folder that does not count itself', ['..1/a', 'a -> ..1/a', 'b -> ..1/a'], ['', 'a']],
    ['what is below a linked folder', ['.x/a/b', 'a -> .x', 'c -> .x/a'], ['', 'a', 'a/a', 'a/a/b']],
    ['no circle upwards', ['a/b', 'a/b/up -> ..', 'a/b/top -> ../..', 'self -> .'], ['', 'a', 'a/b']],
    ['no circle of links', ['a -> b', 'b -> a', 'c -> c'], ['']],
    ['a mounted ConfigMap', ['..2026/sub', '..data -> ..2026', 'sub -> ..data/sub'], ['', 'sub']],
  ])('finds %s', (_what, entries, expected) => {
    make(...entries);
    const walk = walkTree(dir);
    expect([paths(walk), refused(walk)]).toEqual([expected, []]);
  });

  it('refuses links to folders elsewhere, and is silent about those to files', () => {
    mkdirSync(join(base, 'd2'));
    writeFileSync(join(base, 'file'), 'x\n');
    make('etc -> /etc', 'd2 -> ../d2', 'up -> ..', 'root -> /proc/self/root', 'file -> ../file', 'a');
    const walk = walkTree(dir);
    expect([paths(walk), walk.unseen]).toEqual([['', 'a'], []]);
    expect(refused(walk)).toEqual(['d2', 'etc', 'root', 'up'].map((link) => `${link} file-outside-folder`));
  });

  it('tells which links lead nowhere, since nobody knows what was there', () => {
    make('a -> gone', 'b -> a', 'c');
    expect(walkTree(dir)).toMatchObject({ unseen: ['a', 'b'], hasLinks: true });
  });

  it('works in a folder that is itself behind a link', () => {
    make('a', '.x/b', 'b -> .x/b');
    symlinkSync(dir, join(base, 'link'));
    expect(paths(walkTree(join(base, 'link')))).toEqual(['', 'a', 'b']);
  });

  it('identifies folders as a look does', () => {
    make('a');
    const [, a] = walkTree(dir).folders;
    expect(a?.identity).toBe(lookAtFolder({ dir, below: 'a' }).identity);
  });

  it.each<[string, readonly string[], readonly string[], string]>([
    ['lies too deep', ['a/b/c/d', 'e'], ['', 'a', 'a/b', 'e'], 'a/b/c'],
    ['are too many folders', ['a', 'b/x', 'c', 'd', 'e'], ['', 'a', 'b', 'c'], 'd'],
    ['comes after too many files', ['a/1.yaml', 'a/2.yaml', 'b/3.yaml', 'c', 'd'], ['', 'a', 'b'], 'c'],
  ])('refuses what %s, and says so once', (_what, entries, expected, first) => {
    make(...entries);
    const depth = first === 'a/b/c' ? 2 : 16;
    const walk = walkTree(dir, { depth, folders: 4, files: 2 });
    expect([paths(walk), refused(walk)]).toEqual([expected, [`${first} tree-too-large`]]);
  });

  it.each(['missing', 'a file'])('fails when the folder is %s', (what) => {
    rmSync(dir, { recursive: true });
    if (what === 'a file') writeFileSync(dir, '');
    expect(() => walkTree(dir)).toThrow(what === 'missing' ? 'ENOENT' : 'not a folder');
  });

  it.runIf(process.geteuid?.() !== 0)('goes on beside what it may not see', () => {
    make('a/b', 'c');
    chmodSync(join(dir, 'a'), 0);
    expect(walkTree(dir)).toMatchObject({ unseen: ['a'] });
    chmodSync(join(dir, 'a'), 0o755);
  });
});

describe('a look at a folder below', () => {
  it('names files by their way from the top, and follows links within the whole tree', () => {
    make('a/README.md', 'b');
    writeFileSync(join(dir, 'b', 'x.yaml'), 'x\n');
    writeFileSync(join(dir, 'a', 'own.yaml'), 'x\n');
    symlinkSync('../b/x.yaml', join(dir, 'a', 'link.yaml'));
    symlinkSync('../../outside.yaml', join(dir, 'a', 'out.yaml'));
    writeFileSync(join(base, 'outside.yaml'), 'x\n');
    const { sightings } = lookAtFolder({ dir, below: 'a' });
    expect(sightings.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual([
      'file a/link.yaml',
      'file a/own.yaml',
      'refused a/out.yaml',
    ]);
    const names = ['a/own.yaml', 'a/none.yaml'];
    expect(lookAtFolder({ dir, below: 'a', names })).toMatchObject({ absent: ['a/none.yaml'] });
  });

  it('fails when the folder was swapped for a link that leads out', () => {
    make('a');
    mkdirSync(join(base, 'd2'));
    writeFileSync(join(base, 'd2', 'secret.yaml'), 'x\n');
    renameSync(join(dir, 'a'), join(base, 'a'));
    symlinkSync('../d2', join(dir, 'a'));
    expect(() => lookAtFolder({ dir, below: 'a' })).toThrow('a link leads out of the manifest folder');
  });
});
