import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DirectReader, ManualWatch } from '../../test/build/direct-reader.ts';
import { passTime, settleTurns } from '../../test/build/passing.ts';
import { FakeClock, silentLogger } from '../api/index.ts';
import type { Source } from '../reconcile/index.ts';
import { createDirSource } from './dir-source.ts';
import type { FolderWatchOptions } from './folder-watch.ts';

let base: string;
let dir: string;
let clock: FakeClock;
let reader: DirectReader;
let watches: ManualWatch[];
let source: Source;
let rings: number;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'ovr-source-'));
  dir = join(base, 'd');
  mkdirSync(dir);
  // Late enough for every file to look old at the start.
  clock = new FakeClock(Date.now() + 3_600_000);
  reader = new DirectReader();
  watches = [];
  rings = 0;
  source = make([dir]);
});

afterEach(async () => {
  await source.stop();
  rmSync(base, { recursive: true });
});

function make(dirs: readonly string[]): Source {
  const watcher = (options: FolderWatchOptions): ManualWatch => {
    const watch = new ManualWatch(options);
    watches.push(watch);
    return watch;
  };
  return createDirSource({ dirs, clock, logger: silentLogger, reader, watcher });
}

const manifest = (name: string, mtu = 1_400): string =>
  `apiVersion: ovr/v1\nkind: Network\nmetadata: {name: ${name}}\nspec: {mtu: ${mtu}}\n`;
const BROKEN = 'apiVersion: ovr/v1\nkind: Network\nmetadata: {name: \n';

function write(file: string, text: string): void {
  writeFileSync(join(dir, file), text);
  watches[0]?.moved(file);
  watches[0]?.written(file);
}

function move(file: string, text: string): void {
  writeFileSync(join(dir, '.new'), text);
  renameSync(join(dir, '.new'), join(dir, file));
  watches[0]?.moved('.new');
  watches[0]?.written('.new');
  watches[0]?.moved(file);
}

function remove(file: string): void {
  rmSync(join(dir, file));
  watches[0]?.moved(file);
}

const settle = (): Promise<void> => settleTurns(40);
const pass = (ms: number): Promise<void> => passTime(clock, ms, 40);

async function start(): Promise<void> {
  await source.start(() => {
    rings += 1;
  });
  await settle();
}

const keys = (): string[] => [...(source.state().revision?.objects.keys() ?? [])];
const codes = (): string[] => source.state().diagnostics.map(({ code }) => code);
const doubt = (): string => source.state().doubt ?? '';

describe('at the start', () => {
  it('reads once, before start() is over', async () => {
    writeFileSync(join(dir, 'a.yaml'), manifest('a'));
    writeFileSync(join(dir, 'notes.md'), 'hello');
    expect(source.state()).toEqual({ diagnostics: [] });
    await start();
    expect(keys()).toEqual(['Network/a']);
    expect(source.state()).toMatchObject({ diagnostics: [], lastSyncMs: clock.now() });
    expect([doubt(), rings]).toEqual(['', 1]);
  });

  it('takes an empty folder for an empty revision', async () => {
    await start();
    expect([keys(), doubt()]).toEqual([[], '']);
    expect(source.state().revision).toBeDefined();
  });

  it('has no revision but a doubt while the folder is missing', async () => {
    rmSync(dir, { recursive: true });
    await start();
    expect(source.state().revision).toBeUndefined();
    expect(source.state().lastSyncMs).toBeUndefined();
    expect(doubt()).toContain('ENOENT');
    mkdirSync(dir);
    writeFileSync(join(dir, 'a.yaml'), manifest('a'));
    watches[0]?.moved();
    await settle();
    await pass(100);
    expect(keys()).toEqual(['Network/a']);
    await pass(2_000);
    expect(doubt()).toBe('');
  });

  it('waits for files that are being written just then, but not for ever', async () => {
    clock.setNow(Date.now());
    writeFileSync(join(dir, 'a.yaml'), manifest('a'));
    writeFileSync(join(dir, 'b.yaml'), 'apiVersion: ovr/v1');
    let started = false;
    const starting = start().then(() => {
      started = true;
    });
    await settle();
    await pass(1_000);
    expect(started).toBe(false);
    await pass(1_500);
    await starting;
    expect(keys()).toEqual(['Network/a']);
    expect(doubt()).toContain('b.yaml has never been read without errors');
  });

  it('refuses to be started twice', async () => {
    await start();
    await expect(source.start(() => undefined)).rejects.toThrow('started already');
  });

  it('can be stopped before and while it starts', async () => {
    const other = make([dir]);
    await other.stop();
    const starting = source.start(() => undefined);
    await source.stop();
    await starting;
  });
});

describe('a changed file', () => {
  beforeEach(async () => {
    writeFileSync(join(dir, 'a.yaml'), manifest('a'));
    writeFileSync(join(dir, 'b.yaml'), manifest('b'));
    await start();
    reader.loads = [];
    reader.looks = [];
    rings = 0;
  });

  it('counts without waiting when it is renamed into place, and only it is looked at', async () => {
    move('a.yaml', manifest('c'));
    await settle();
    expect(keys()).toEqual(['Network/b', 'Network/c']);
    expect([reader.loads, reader.looks, rings]).toEqual([['a.yaml'], [['a.yaml']], 1]);
  });

  it('counts after 100 ms when it is written in place', async () => {
    write('c.yaml', manifest('c'));
    await settle();
    await pass(50);
    expect(keys()).toEqual(['Network/a', 'Network/b']);
    expect(doubt()).toContain('c.yaml');
    await pass(50);
    expect(keys()).toEqual(['Network/a', 'Network/b', 'Network/c']);
    expect(doubt()).toBe('');
  });

  it('does not ring when its meaning stays', async () => {
    const before = source.state().revision?.digest;
    move('a.yaml', `# a comment\n${manifest('a')}`);
    await pass(200);
    expect([source.state().revision?.digest, rings]).toEqual([before, 0]);
    expect(source.state().revision?.objects.get('Network/a')?.origin.line).toBe(2);
  });

  it('keeps its last good objects while it is broken', async () => {
    move('a.yaml', BROKEN);
    await settle();
    expect(keys()).toEqual(['Network/a', 'Network/b']);
    expect(codes().length).toBeGreaterThan(0);
    expect([doubt(), rings]).toEqual(['', 1]);
    move('a.yaml', manifest('a', 1_300));
    await settle();
    expect([codes(), rings]).toEqual([[], 2]);
  });

  it('puts removals in doubt when it is new and broken', async () => {
    move('c.yaml', BROKEN);
    await settle();
    expect(keys()).toEqual(['Network/a', 'Network/b']);
    expect(doubt()).toContain('c.yaml has never been read without errors');
    remove('c.yaml');
    await settle();
    await pass(500);
    expect([doubt(), codes()]).toEqual(['', []]);
  });

  it('may hold warnings', async () => {
    const container =
      'apiVersion: ovr/v1\nkind: Container\nmetadata: {name: web}\nspec: {image: i, networks: [{name: elsewhere}]}\n';
    move('c.yaml', container);
    await settle();
    expect(keys()).toContain('Container/web');
    expect([codes(), doubt()]).toEqual([['network-undeclared'], '']);
  });

  it('is gone half a second after it is removed', async () => {
    remove('a.yaml');
    await settle();
    await pass(450);
    expect(keys()).toEqual(['Network/a', 'Network/b']);
    await pass(50);
    expect(keys()).toEqual(['Network/b']);
  });

  it('is not gone when an editor removes and creates it', async () => {
    remove('a.yaml');
    await pass(300);
    write('a.yaml', manifest('a'));
    await pass(3_000);
    expect([keys(), rings]).toEqual([['Network/a', 'Network/b'], 0]);
  });

  it('is not declared twice while it is renamed', async () => {
    renameSync(join(dir, 'a.yaml'), join(dir, 'z.yaml'));
    watches[0]?.moved('a.yaml');
    watches[0]?.moved('z.yaml');
    await pass(1_000);
    expect(keys()).toEqual(['Network/a', 'Network/b']);
    expect(codes()).toEqual([]);
    expect(source.state().revision?.undecided.size).toBe(0);
    expect(source.state().revision?.objects.get('Network/a')?.origin.file).toBe(join(dir, 'z.yaml'));
  });

  it('is not declared twice either while it is renamed twice', async () => {
    for (const [from, to] of [
      ['a', 'x'],
      ['x', 'z'],
    ] as const) {
      if (to === 'z') writeFileSync(join(dir, 'x.yaml'), manifest('a'));
      renameSync(join(dir, `${from}.yaml`), join(dir, `${to}.yaml`));
      watches[0]?.moved(`${from}.yaml`);
      if (to === 'z') watches[0]?.written('z.yaml');
      else watches[0]?.moved('x.yaml');
      await settle();
      expect([codes(), source.state().revision?.undecided.size]).toEqual([[], 0]);
    }
    await pass(1_000);
    expect([keys(), codes()]).toEqual([['Network/a', 'Network/b'], []]);
  });

  it('reports what is declared in two files', async () => {
    move('c.yaml', manifest('a'));
    await settle();
    expect(codes()).toEqual(['duplicate-object', 'duplicate-object']);
  });

  it('is found by the next scan when its event was lost, and the watcher is opened anew', async () => {
    const { opened } = watches[0]!;
    writeFileSync(join(dir, 'c.yaml'), manifest('c'));
    rmSync(join(dir, 'b.yaml'));
    await pass(9_500);
    expect(keys()).toEqual(['Network/a', 'Network/b']);
    await pass(1_000);
    expect(keys()).toEqual(['Network/a', 'Network/c']);
    expect(watches[0]!.opened).toBe(opened + 1);
  });

  it('costs a quiet folder nothing but a scan', async () => {
    const { opened } = watches[0]!;
    await pass(30_000);
    expect([reader.looks, reader.loads, watches[0]!.opened, rings]).toEqual([[], [], opened, 0]);
    expect(source.state().lastSyncMs).toBe(clock.now());
  });
});

describe('events that cannot be trusted', () => {
  beforeEach(start);

  it('make a renamed file wait like any other after a burst that may have overflowed', async () => {
    for (let event = 0; event < 10_000; event += 1) watches[0]?.moved('.noise');
    move('a.yaml', manifest('a'));
    await settle();
    expect(keys()).toEqual([]);
    await pass(150);
    expect(keys()).toEqual(['Network/a']);
  });

  it('make it wait too while the watcher does not work, which is tried again after a minute', async () => {
    watches[0]!.isAlive = false;
    const { opened } = watches[0]!;
    move('a.yaml', manifest('a'));
    await settle();
    expect(keys()).toEqual([]);
    await pass(150);
    expect(keys()).toEqual(['Network/a']);
    await pass(70_000);
    expect(watches[0]!.opened).toBe(opened + 1);
  });
});

describe('a folder', () => {
  beforeEach(async () => {
    writeFileSync(join(dir, 'a.yaml'), manifest('a'));
    writeFileSync(join(dir, 'b.yaml'), manifest('b'));
    await start();
  });

  it('that vanishes removes nothing', async () => {
    rmSync(dir, { recursive: true });
    watches[0]?.moved('a.yaml');
    watches[0]?.moved();
    await pass(60_000);
    expect(keys()).toEqual(['Network/a', 'Network/b']);
    expect(doubt()).toContain('cannot be read (ENOENT');
  });

  it('that is made anew removes nothing while it is empty, and then what is not in it', async () => {
    const { opened } = watches[0]!;
    rmSync(dir, { recursive: true });
    mkdirSync(dir);
    watches[0]?.moved();
    await pass(60_000);
    expect(keys()).toEqual(['Network/a', 'Network/b']);
    expect(doubt()).toContain('replaced by an empty one');
    expect(watches[0]!.opened).toBe(opened + 1);
    write('b.yaml', manifest('b'));
    await pass(1_500);
    expect(keys()).toEqual(['Network/a', 'Network/b']);
    await pass(2_000);
    expect([keys(), doubt()]).toEqual([['Network/b'], '']);
  });

  it('that is emptied is empty', async () => {
    remove('a.yaml');
    remove('b.yaml');
    await pass(600);
    expect([keys(), doubt()]).toEqual([[], '']);
  });

  it('that is a link is followed to its new target', async () => {
    await source.stop();
    const [one, two, link] = [join(base, '1'), join(base, '2'), join(base, 'link')];
    for (const [path, name] of [
      [one, 'one'],
      [two, 'two'],
    ] as const) {
      mkdirSync(path);
      writeFileSync(join(path, 'n.yaml'), manifest(name));
    }
    symlinkSync(one, link);
    source = make([link]);
    await start();
    expect(keys()).toEqual(['Network/one']);
    rmSync(link);
    symlinkSync(two, link);
    await pass(10_100);
    expect(keys()).toEqual(['Network/two']);
  });

  it('may be one of several, which make one revision', async () => {
    await source.stop();
    const other = join(base, 'e');
    mkdirSync(other);
    writeFileSync(join(other, 'c.yaml'), manifest('c'));
    source = make([dir, other, join(base, 'missing'), `${dir}/`]);
    await start();
    expect(keys()).toEqual(['Network/a', 'Network/b', 'Network/c']);
    expect(codes()).toEqual([]);
    expect(doubt()).toMatch(/missing cannot be read/);
  });

  it('of a ConfigMap is read again when its data folder is switched', async () => {
    await source.stop();
    const put = (version: string, mtu: number): void => {
      mkdirSync(join(base, 'cm', version), { recursive: true });
      writeFileSync(join(base, 'cm', version, 'n.yaml'), manifest('n', mtu));
      symlinkSync(version, join(base, 'cm', '..tmp'));
      renameSync(join(base, 'cm', '..tmp'), join(base, 'cm', '..data'));
    };
    put('..1', 1_300);
    symlinkSync('..data/n.yaml', join(base, 'cm', 'n.yaml'));
    watches = [];
    source = make([join(base, 'cm')]);
    await start();
    put('..2', 1_350);
    watches[0]?.moved('..data');
    await settle();
    expect(source.state().revision?.objects.get('Network/n')).toMatchObject({ spec: { mtu: 1_350 } });
    expect(doubt()).toBe('');
  });
});
