import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DirectReader, ManualWatch } from '../../test/build/direct-reader.ts';
import { passTime, settleTurns } from '../../test/build/passing.ts';
import { FakeClock, silentLogger } from '../api/index.ts';
import type { Source } from '../reconcile/index.ts';
import { createDirSource } from './dir-source.ts';
import type { FolderWatchOptions } from './folder-watch.ts';

/** Folders below the manifest folder, on a real file system, with a clock and events that the test makes. */

let base: string;
let dir: string;
let clock: FakeClock;
let reader: DirectReader;
let watches: ManualWatch[];
let source: Source;
/** What was declared at each ring. */
let history: string[][];

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'ovr-tree-'));
  dir = join(base, 'd');
  mkdirSync(dir);
  // Late enough for every file to look old when its folder is first seen.
  clock = new FakeClock(Date.now() + 3_600_000);
  reader = new DirectReader();
  watches = [];
  history = [];
  const watcher = (options: FolderWatchOptions): ManualWatch => {
    const watch = new ManualWatch(options);
    watches.push(watch);
    return watch;
  };
  source = createDirSource({ dirs: [dir], recursive: true, clock, logger: silentLogger, reader, watcher });
});

afterEach(async () => {
  await source.stop();
  rmSync(base, { recursive: true });
});

const manifest = (name: string, mtu = 1_400): string =>
  `apiVersion: ovr/v1\nkind: Network\nmetadata: {name: ${name}}\nspec: {mtu: ${mtu}}\n`;

function put(file: string, name: string, mtu?: number): void {
  mkdirSync(dirname(join(dir, file)), { recursive: true });
  writeFileSync(join(dir, file), manifest(name, mtu));
}

/** The event of a name that came or went, where its folder is watched. */
function moved(path: string): void {
  const folder = dirname(join(dir, path));
  for (const watch of watches) {
    if (watch.isAlive && watch.dir === folder) watch.moved(path.slice(path.lastIndexOf('/') + 1));
  }
}

function move(from: string, to: string): void {
  renameSync(join(dir, from), join(dir, to));
  moved(from);
  moved(to);
}

function remove(path: string): void {
  rmSync(join(dir, path), { recursive: true });
  moved(path);
}

const settle = (): Promise<void> => settleTurns(80);
const pass = (ms: number): Promise<void> => passTime(clock, ms, 80);

async function start(): Promise<void> {
  await source.start(() => history.push(keys()));
  await settle();
}

function keys(): string[] {
  return [...(source.state().revision?.objects.values() ?? [])].map(({ name }) => name);
}
const fileOf = (name: string): string | undefined =>
  source
    .state()
    .revision?.objects.get(`Network/${name}`)
    ?.origin.file.slice(dir.length + 1);
const problems = (): string[] =>
  source.state().diagnostics.map(({ file, code }) => `${file.slice(dir.length + 1)} ${code}`);
const doubt = (): string => source.state().doubt ?? '';
/** Folders that are watched. */
const watched = (): string[] =>
  watches.flatMap((watch) => (watch.isAlive ? [watch.dir.slice(dir.length + 1)] : [])).sort();
/** No revision that was told of lacked any of these. */
const always = (...names: readonly string[]): boolean =>
  history.slice(1).every((seen) => names.every((name) => seen.includes(name)));

describe('at the start', () => {
  it('all folders below make one revision', async () => {
    put('a.yaml', 'a');
    put('sub/b.yaml', 'b');
    put('sub/deep/er/c.json', 'c');
    put('.git/x.yaml', 'x');
    put('sub/.hidden/x.yaml', 'x');
    await start();
    expect([keys(), problems(), doubt(), history.length]).toEqual([['a', 'b', 'c'], [], '', 1]);
    expect(fileOf('c')).toBe('sub/deep/er/c.json');
    expect(watched()).toEqual(['', 'sub', 'sub/deep', 'sub/deep/er']);
    expect(source.state().lastSyncMs).toBe(clock.now());
  });

  it.each<[string, boolean, readonly string[], readonly string[]]>([
    ['the folder alone counts where that is not asked for', false, ['.'], ['a']],
    ['a folder that is given as well counts once', true, ['.', 'sub', 'sub/deep'], ['a', 'b']],
    ['a hidden one counts where it is given', true, ['.', '.x'], ['a', 'b', 'x']],
  ])('%s', async (_what, recursive, dirs, expected) => {
    await source.stop();
    put('a.yaml', 'a');
    put('sub/deep/b.yaml', 'b');
    put('.x/x.yaml', 'x');
    const places = dirs.map((name) => join(dir, name));
    source = createDirSource({ dirs: places, recursive, clock, logger: silentLogger, reader });
    await start();
    expect([keys(), problems()]).toEqual([expected, []]);
  });

  it('a folder that is missing is in doubt, and is read with all below it once it is there', async () => {
    rmSync(dir, { recursive: true });
    await start();
    expect([source.state().revision, doubt()]).toEqual([undefined, expect.stringContaining('ENOENT')]);
    put('sub/b.yaml', 'b');
    watches[0]?.moved();
    await pass(13_000);
    expect([keys(), doubt()]).toEqual([['b'], '']);
  });

  it('removals are in doubt while folders below cannot be found', async () => {
    put('a.yaml', 'a');
    put('sub/b.yaml', 'b');
    const { walk } = reader;
    reader.walk = () => Promise.reject(new Error('no answer'));
    await start();
    expect([keys(), doubt()]).toEqual([['a'], expect.stringContaining('cannot be found (no answer)')]);
    expect(source.state().lastSyncMs).toBeUndefined();
    reader.walk = walk;
    await pass(10_100);
    expect([keys(), doubt()]).toEqual([['a', 'b'], '']);
  });

  it('what is refused is an error with its place, and removals are in doubt', async () => {
    put('sub/b.yaml', 'b');
    symlinkSync('/etc', join(dir, 'out'));
    mkdirSync(join(dir, 'named.yaml'));
    await start();
    expect([keys(), problems()]).toEqual([['b'], ['out file-outside-folder', 'named.yaml file-not-regular']]);
    expect(doubt()).toContain(`${join(dir, 'out')} is not read, so nothing is removed`);
    unlinkSync(join(dir, 'out'));
    moved('out');
    remove('named.yaml');
    await pass(600);
    expect([keys(), problems(), doubt()]).toEqual([['b'], [], '']);
  });

  it('the same object in two folders is an error that names both, and changes neither', async () => {
    put('one/a.yaml', 'a', 1_300);
    await start();
    put('two/a.yaml', 'a', 1_350);
    moved('two');
    await settle();
    expect(problems()).toEqual(['one/a.yaml duplicate-object', 'two/a.yaml duplicate-object']);
    expect(source.state().diagnostics[0]?.message).toContain(join(dir, 'two/a.yaml'));
    expect(source.state().revision?.objects.get('Network/a')).toMatchObject({ spec: { mtu: 1_300 } });
    remove('two');
    await pass(600);
    expect([problems(), keys()]).toEqual([[], ['a']]);
  });
});

describe('a folder below', () => {
  beforeEach(async () => {
    put('a.yaml', 'a');
    put('sub/b.yaml', 'b');
    put('sub/deep/c.yaml', 'c');
    await start();
    reader.looks = [];
    reader.loads = [];
  });

  it('that is quiet costs nothing but a scan and a walk', async () => {
    await pass(30_000);
    expect([reader.looks, reader.loads, history.length, doubt()]).toEqual([[], [], 1, '']);
  });

  it('is watched: a file renamed into place counts at once, and only it is looked at', async () => {
    put('sub/deep/.new', 'd');
    renameSync(join(dir, 'sub/deep/.new'), join(dir, 'sub/deep/d.yaml'));
    moved('sub/deep/d.yaml');
    await settle();
    expect([keys(), reader.looks]).toEqual([['a', 'b', 'c', 'd'], [['sub/deep/d.yaml']]]);
  });

  it('that is moved in counts as a whole, with a hundred files and all below', async () => {
    const names = Array.from({ length: 100 }, (_, index) => `n${index + 100}`);
    for (const [index, name] of names.entries()) put(`.new/${index % 5}/${name}.yaml`, name);
    move('.new', 'new');
    await settle();
    expect(keys()).toEqual(['a', 'b', 'c', ...names]);
    expect([history.length, doubt(), watched().length]).toEqual([2, '', 9]);
  });

  it('that is made and filled step by step is followed', async () => {
    mkdirSync(join(dir, 'new'));
    moved('new');
    await settle();
    expect(watched()).toContain('new');
    mkdirSync(join(dir, 'new/er'));
    moved('new/er');
    await settle();
    put('new/er/d.yaml', 'd');
    moved('new/er/d.yaml');
    await pass(200);
    expect(keys()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('is found by the next walk when its event was lost', async () => {
    put('new/d.yaml', 'd');
    rmSync(join(dir, 'sub/deep'), { recursive: true });
    await pass(9_500);
    expect(keys()).toEqual(['a', 'b', 'c']);
    await pass(1_500);
    expect([keys(), doubt()]).toEqual([['a', 'b', 'd'], '']);
  });

  it('that is removed takes its files with it half a second later, all together', async () => {
    remove('sub/deep');
    await pass(300);
    expect(keys()).toEqual(['a', 'b', 'c']);
    remove('sub');
    await pass(450);
    expect(keys()).toEqual(['a', 'b', 'c']);
    await pass(100);
    expect([keys(), doubt(), watched()]).toEqual([['a'], '', ['']]);
    expect(history).toEqual([['a', 'b', 'c'], ['a']]);
  });

  it('that was removed and is back in time keeps everything', async () => {
    renameSync(join(dir, 'sub'), join(base, 'away'));
    moved('sub');
    await pass(300);
    renameSync(join(base, 'away'), join(dir, 'sub'));
    moved('sub');
    await pass(3_000);
    expect([keys(), doubt(), history.length]).toEqual([['a', 'b', 'c'], '', 1]);
  });

  it.each([
    ['is renamed', 'sub', 'other', ['other/b.yaml', 'other/deep/c.yaml']],
    ['moves into another one', 'sub/deep', 'deep', ['sub/b.yaml', 'deep/c.yaml']],
  ])('that %s keeps its objects', async (_what, from, to, files) => {
    move(from, to);
    await pass(2_000);
    expect([keys(), problems(), doubt(), always('a', 'b', 'c')]).toEqual([['a', 'b', 'c'], [], '', true]);
    expect([fileOf('b'), fileOf('c')]).toEqual(files);
    expect([watched().length, history.length > 1]).toEqual([3, true]);
    expect(source.state().revision?.undecided.size).toBe(0);
  });

  it.each([
    ['down', 'a.yaml', 'sub/a.yaml'],
    ['up', 'sub/deep/c.yaml', 'c.yaml'],
    ['across', 'sub/b.yaml', 'sub/deep/z.yaml'],
  ])('gives a file away or takes one: moved %s, its object stays', async (_way, from, to) => {
    move(from, to);
    await pass(2_000);
    expect([keys(), problems(), doubt(), always('a', 'b', 'c')]).toEqual([['a', 'b', 'c'], [], '', true]);
    expect(source.state().revision?.undecided.size).toBe(0);
  });

  it('that is made anew removes nothing while it is empty, and goes when it is removed', async () => {
    rmSync(join(dir, 'sub'), { recursive: true });
    mkdirSync(join(dir, 'sub'));
    moved('sub');
    await pass(60_000);
    expect(keys()).toEqual(['a', 'b', 'c']);
    expect(doubt()).toContain(`${join(dir, 'sub')} was replaced by an empty one`);
    expect(doubt()).toContain('remove the empty folder');
    remove('sub');
    await pass(1_000);
    expect([keys(), doubt()]).toEqual([['a'], '']);
  });

  it('that is replaced by a filled one brings its files at once and drops others once it is stable', async () => {
    put('.new/d.yaml', 'd');
    renameSync(join(dir, 'sub'), join(base, 'old'));
    move('.new', 'sub');
    await settle();
    expect(keys()).toEqual(['a', 'b', 'c', 'd']);
    expect(doubt()).toContain(`${join(dir, 'sub')} was replaced by another one`);
    await pass(1_800);
    expect(keys()).toEqual(['a', 'b', 'c', 'd']);
    await pass(2_000);
    expect([keys(), doubt()]).toEqual([['a', 'd'], '']);
  });

  it('that becomes a link out of the tree keeps what it declared, and says why', async () => {
    renameSync(join(dir, 'sub'), join(base, 'elsewhere'));
    symlinkSync('../elsewhere', join(dir, 'sub'));
    moved('sub');
    await pass(30_000);
    expect([keys(), problems()]).toEqual([['a', 'b', 'c'], ['sub file-outside-folder']]);
    expect(doubt()).toContain('is not read, so nothing is removed');
    unlinkSync(join(dir, 'sub'));
    renameSync(join(base, 'elsewhere'), join(dir, 'sub'));
    moved('sub');
    await pass(3_000);
    expect([keys(), problems(), doubt()]).toEqual([['a', 'b', 'c'], [], '']);
  });

  it('goes when the one above it is replaced by one that does not have it', async () => {
    mkdirSync(join(base, 'new/other'), { recursive: true });
    writeFileSync(join(base, 'new/other/d.yaml'), manifest('d'));
    renameSync(dir, join(base, 'old'));
    renameSync(join(base, 'new'), dir);
    watches[0]?.moved();
    await settle();
    expect(keys()).toEqual(['a', 'b', 'c', 'd']);
    await pass(1_800);
    expect(keys()).toEqual(['a', 'b', 'c', 'd']);
    await pass(2_000);
    expect([keys(), doubt()]).toEqual([['d'], '']);
  });

  it.each([
    ['vanishes', false],
    ['is unmounted', true],
  ])('stays in force when the whole tree %s', async (_what, isThere) => {
    rmSync(dir, { recursive: true });
    if (isThere) mkdirSync(dir);
    watches[0]?.moved();
    await pass(60_000);
    expect(keys()).toEqual(['a', 'b', 'c']);
    expect(doubt()).toContain(isThere ? 'replaced by an empty one' : 'cannot be read (ENOENT');
    // What is below is in doubt for the same reason, and one reason is enough.
    expect(doubt()).not.toContain('sub');
  });

  it('that cannot be read is in doubt alone, and others are followed', async () => {
    const { look } = reader;
    reader.look = (request) =>
      request.below === 'sub' ? Promise.reject(new Error('EIO: i/o error')) : look(request);
    remove('sub/b.yaml');
    put('d.yaml', 'd');
    moved('d.yaml');
    await pass(5_000);
    expect([keys(), doubt()]).toEqual([
      ['a', 'b', 'c', 'd'],
      `folder ${join(dir, 'sub')} cannot be read (EIO: i/o error); what it declared stays in force until it is back`,
    ]);
    reader.look = look;
    await pass(11_000);
    expect([keys(), doubt()]).toEqual([['a', 'c', 'd'], '']);
  });

  it('is found by scanning where there are no events, with a minute between tries to watch', async () => {
    for (const watch of watches) watch.isAlive = false;
    put('new/d.yaml', 'd');
    put('sub/deep/e.yaml', 'e');
    await pass(11_000);
    expect(keys()).toEqual(['a', 'b', 'c', 'd', 'e']);
    await pass(60_000);
    expect(watched()).toEqual(['', 'new', 'sub', 'sub/deep']);
  });

  it('is found after a burst that may have overflowed', async () => {
    put('new/d.yaml', 'd');
    for (let event = 0; event < 10_000; event += 1) watches[0]?.moved('.noise');
    await settle();
    expect(keys()).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('links', () => {
  it('to a file elsewhere in the tree count as that file', async () => {
    put('.shared/n.yaml', 'n');
    mkdirSync(join(dir, 'prod'));
    symlinkSync('../.shared/n.yaml', join(dir, 'prod', 'n.yaml'));
    await start();
    expect([keys(), problems(), fileOf('n')]).toEqual([['n'], [], 'prod/n.yaml']);
  });

  it('of a mounted ConfigMap are followed, and read again when its data folder is switched', async () => {
    const mount = (version: string, mtu: number, more: readonly string[] = []): void => {
      put(`${version}/top.yaml`, 'top', mtu);
      put(`${version}/sub/low.yaml`, 'low', mtu);
      for (const name of more) put(`${version}/sub/${name}.yaml`, name, mtu);
      symlinkSync(version, join(dir, '..tmp'));
      renameSync(join(dir, '..tmp'), join(dir, '..data'));
    };
    mount('..1', 1_300, ['gone']);
    symlinkSync('..data/top.yaml', join(dir, 'top.yaml'));
    symlinkSync('..data/sub', join(dir, 'sub'));
    await start();
    expect([keys(), problems()]).toEqual([['gone', 'low', 'top'], []]);
    mount('..2', 1_350, ['more']);
    rmSync(join(dir, '..1'), { recursive: true });
    moved('..data');
    await settle();
    expect(keys()).toEqual(['gone', 'low', 'more', 'top']);
    for (const name of ['top', 'low'])
      expect(source.state().revision?.objects.get(`Network/${name}`)).toMatchObject({ spec: { mtu: 1_350 } });
    await pass(3_000);
    expect([keys(), problems(), doubt()]).toEqual([['low', 'more', 'top'], [], '']);
  });

  it('that lead nowhere for a while keep what was behind them', async () => {
    put('.v1/a.yaml', 'a');
    symlinkSync('.v1', join(dir, 'current'));
    await start();
    expect(keys()).toEqual(['a']);
    renameSync(join(dir, '.v1'), join(dir, '.v2'));
    moved('current');
    await pass(30_000);
    expect([keys(), doubt()]).toEqual([['a'], expect.stringContaining('current cannot be read (ENOENT')]);
    unlinkSync(join(dir, 'current'));
    symlinkSync('.v2', join(dir, 'current'));
    moved('current');
    await pass(3_000);
    expect([keys(), doubt()]).toEqual([['a'], '']);
  });
});
