import { describe, expect, it } from 'vitest';
import type { Moment } from './file-record.ts';
import { FolderState } from './folder-state.ts';
import { Hints } from './hints.ts';
import type { FolderLook, FolderScan, Sighting } from './sighting.ts';

const at = (monotonicMs: number): Moment => ({ wallMs: 1_000_000 + monotonicMs, monotonicMs });

function file(name: string, version = 'v1'): Sighting {
  return { kind: 'file', name, print: version, inode: version, size: 1, changedMs: 0 };
}

/** A folder driven like its owner drives it: looks, and reads at once whatever may be read. */
class Driver {
  readonly state = new FolderState('d', 100);
  readonly hints = new Hints();

  complete(identity: string, names: readonly string[], ms: number): boolean {
    const look = { identity, sightings: names.map((name) => file(name)), absent: [] };
    return this.#look(look, true, ms);
  }

  some(identity: string, look: Pick<FolderLook, 'sightings' | 'absent'>, ms: number): boolean {
    return this.#look({ identity, ...look }, false, ms);
  }

  #look(look: FolderLook, complete: boolean, ms: number): boolean {
    const taken = this.state.looked(look, { complete, retry: false }, at(ms));
    const requests = this.state.requests(at(ms), this.hints);
    const parsed = { objects: [], diagnostics: [] };
    this.state.loaded(
      requests.map(({ name, print }) => ({ name, status: 'loaded', hash: print, parsed })),
      at(ms),
      this.hints,
    );
    this.state.settleAbsences(at(ms), this.state.hasNewAbsence);
    return taken;
  }

  get names(): string[] {
    return this.state.records.map(({ name }) => name);
  }
}

describe('files that disappear', () => {
  it('are dropped when two looks 500 ms apart do not see them', () => {
    const driver = new Driver();
    driver.complete('f', ['b', 'a'], 0);
    expect(driver.names).toEqual(['a', 'b']);
    driver.complete('f', ['a'], 1_000);
    expect(driver.names).toEqual(['a', 'b']);
    expect(driver.state.dueMs).toBe(1_500);
    expect(driver.state.dueNames(at(1_499))).toEqual([]);
    expect(driver.state.dueNames(at(1_500))).toEqual(['b']);
    driver.some('f', { sightings: [], absent: ['b'] }, 1_500);
    expect(driver.names).toEqual(['a']);
    expect(driver.state.doubts()).toEqual([]);
  });

  it('one after the other go together, once the last has been gone for 500 ms', () => {
    const driver = new Driver();
    driver.complete('f', ['a', 'b'], 0);
    driver.some('f', { sightings: [], absent: ['a'] }, 1_000);
    driver.some('f', { sightings: [], absent: ['b'] }, 1_400);
    expect(driver.state.dueMs).toBe(1_900);
    driver.some('f', { sightings: [], absent: ['a'] }, 1_500);
    expect(driver.names).toEqual(['a', 'b']);
    driver.some('f', { sightings: [], absent: ['a', 'b'] }, 1_900);
    expect(driver.names).toEqual([]);
  });

  it('may all disappear: an emptied folder is empty', () => {
    const driver = new Driver();
    driver.complete('f', ['a', 'b'], 0);
    driver.complete('f', [], 1_000);
    driver.complete('f', [], 1_500);
    expect(driver.names).toEqual([]);
    expect(driver.state.doubts()).toEqual([]);
  });

  it('stay when the folder cannot be read in between', () => {
    const driver = new Driver();
    driver.complete('f', ['a', 'b'], 0);
    driver.complete('f', ['a'], 1_000);
    driver.state.failed('EIO');
    expect(driver.state.dueMs).toBeUndefined();
    driver.complete('f', ['a'], 60_000);
    expect(driver.names).toEqual(['a', 'b']);
    expect(driver.state.dueMs).toBe(60_500);
  });
});

describe('a folder that cannot be read', () => {
  it('keeps everything, and says so until it can be read again', () => {
    const driver = new Driver();
    driver.complete('f', ['a'], 0);
    const { version } = driver.state;
    driver.state.failed('EACCES');
    expect(driver.state.isReadable).toBe(false);
    expect(driver.state.version).toBeGreaterThan(version);
    expect(driver.state.doubts()).toEqual([
      'folder d cannot be read (EACCES); what it declared stays in force until it is back',
    ]);
    driver.complete('f', ['a'], 1_000);
    expect(driver.state.isReadable).toBe(true);
    expect(driver.state.doubts()).toEqual([]);
  });

  it('has not been read when it never could be', () => {
    const { state } = new Driver();
    state.failed('ENOENT');
    expect([state.wasRead, state.isReadable]).toEqual([false, false]);
  });
});

describe('a folder that is another one than before', () => {
  it('is not believed while it is empty, however long', () => {
    const driver = new Driver();
    driver.complete('f', ['a', 'b'], 0);
    driver.complete('g', [], 1_000);
    driver.complete('g', [], 1_000_000);
    expect(driver.names).toEqual(['a', 'b']);
    expect(driver.state.isReplaced).toBe(true);
    expect(driver.state.dueMs).toBeUndefined();
    expect(driver.state.doubts()[0]).toMatch(/^folder d was replaced by an empty one/);
  });

  it('brings new files at once, and drops old ones when it has been unchanged for 2 s', () => {
    const driver = new Driver();
    driver.complete('f', ['a', 'b'], 0);
    driver.complete('g', [], 1_000);
    driver.complete('g', ['c'], 1_500);
    expect(driver.names).toEqual(['a', 'b', 'c']);
    expect(driver.state.doubts()[0]).toMatch(/^folder d was replaced by another one/);
    driver.complete('g', ['b', 'c'], 3_000);
    expect(driver.state.isLookDue(at(4_999))).toBe(false);
    expect(driver.state.isLookDue(at(5_000))).toBe(true);
    driver.complete('g', ['b', 'c'], 5_000);
    expect(driver.state.isReplaced).toBe(false);
    expect(driver.state.doubts()).toEqual([]);
    expect(driver.names).toEqual(['a', 'b', 'c']);
    driver.some('g', { sightings: [], absent: ['a'] }, 5_500);
    expect(driver.names).toEqual(['b', 'c']);
  });

  it('is not judged by a look at some names', () => {
    const driver = new Driver();
    driver.complete('f', ['a', 'b'], 0);
    expect(driver.some('g', { sightings: [], absent: ['a'] }, 1_000)).toBe(false);
    expect(driver.state.identity).toBe('f');
    expect(driver.state.dueMs).toBeUndefined();
  });

  it('counts as another one when it appears after it was missing at the start', () => {
    const driver = new Driver();
    driver.state.failed('ENOENT');
    driver.complete('f', [], 1_000);
    expect(driver.state.doubts()[0]).toMatch(/replaced by an empty one/);
  });

  it('does not exist at the start: an empty folder is just empty', () => {
    const driver = new Driver();
    driver.complete('f', [], 0);
    expect([driver.state.wasRead, driver.state.doubts()]).toEqual([true, []]);
  });
});

describe('doubt about files', () => {
  it('names one that was never read and counts the others', () => {
    const driver = new Driver();
    driver.complete('f', ['a'], 0);
    driver.hints.note('b', 'written');
    driver.hints.note('c', 'written');
    driver.some('f', { sightings: [file('b', 'new'), file('c', 'new')], absent: [] }, 10);
    expect(driver.state.isPending).toBe(true);
    expect(driver.state.doubts()).toEqual([
      'd/b and 1 more have never been read without errors since start, so nothing is removed; correct them or move them away',
    ]);
    driver.some('f', { sightings: [file('b', 'new'), file('c', 'new')], absent: [] }, 110);
    expect(driver.state.doubts()).toEqual([]);
    expect(driver.state.isPending).toBe(false);
  });
});

describe('differing', () => {
  const scan = (names: readonly string[], prints: readonly string[], identity = 'f'): FolderScan => ({
    identity,
    digest: [...names, ...prints].join(),
    listed: { names, prints },
  });

  it.each([
    ['nothing', scan(['a', 'b'], ['v1', 'v1']), []],
    ['another version', scan(['a', 'b'], ['v1', 'v2']), ['b']],
    ['a new name', scan(['a', 'b', 'c'], ['v1', 'v1', 'v1']), ['c']],
    ['a missing name', scan(['b'], ['v1']), ['a']],
    ['another folder', scan(['a', 'b'], ['v1', 'v1'], 'g'), undefined],
  ])('finds %s', (_what, found, expected) => {
    const driver = new Driver();
    driver.complete('f', ['a', 'b'], 0);
    expect(driver.state.differing(found)).toEqual(expected);
  });

  it('does not tell again of a name that is missing already', () => {
    const driver = new Driver();
    driver.complete('f', ['a', 'b'], 0);
    driver.complete('f', ['b'], 100);
    expect(driver.state.differing(scan(['b'], ['v1']))).toEqual([]);
  });

  it.each([
    ['is written', (driver: Driver) => driver.some('f', { sightings: [file('a', 'v2')], absent: [] }, 100)],
    ['is gone', (driver: Driver) => driver.some('f', { sightings: [], absent: ['a'] }, 100)],
    ['comes to another folder at the path', (driver: Driver) => driver.complete('g', ['a', 'b'], 100)],
    ['goes with its folder', (driver: Driver) => driver.state.vanished(at(100))],
    ['cannot be read', (driver: Driver) => driver.state.failed('EIO')],
  ])('wants only news from the next scan, until a file %s', (_what, change) => {
    const driver = new Driver();
    driver.complete('f', ['a', 'b'], 0);
    expect(driver.state.scanRequest).toEqual({ dir: 'd', below: '' });
    const { digest, identity } = scan(['a', 'b'], ['v1', 'v1']);
    driver.state.differing(scan(['a', 'b'], ['v1', 'v1']));
    expect(driver.state.scanRequest).toEqual({ dir: 'd', below: '', known: digest });
    expect(driver.state.differing({ digest, identity })).toEqual([]);
    change(driver);
    expect(driver.state.scanRequest).toEqual({ dir: 'd', below: '' });
    // It began before: what it does not tell is looked at.
    expect(driver.state.differing({ digest, identity })).toBeUndefined();
  });

  it('asks for everything again after a scan that showed something else', () => {
    const driver = new Driver();
    driver.complete('f', ['a', 'b'], 0);
    driver.state.differing(scan(['a', 'b'], ['v1', 'v2']));
    expect(driver.state.scanRequest).toEqual({ dir: 'd', below: '' });
  });
});
