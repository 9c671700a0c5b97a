import { beforeEach, describe, expect, it } from 'vitest';
import { containerText, networkText, parsedRevision } from '../../test/build/revisions.ts';
import { TestRevisionStore } from '../../test/build/revision-store.ts';
import { FakeClock } from '../api/index.ts';
import type { Revision } from '../manifest/index.ts';
import { History, HISTORY_LENGTH, type SourceState } from './index.ts';

let clock: FakeClock;
let store: TestRevisionStore;
let told: string[];
let pinned: string | undefined;
let history: History;
beforeEach(() => {
  clock = new FakeClock();
  store = new TestRevisionStore();
  told = [];
  pinned = undefined;
  history = open();
});

function open(): History {
  return new History({
    store,
    clock,
    sourceName: '/etc/ovr.d',
    tell: (message) => told.push(message),
    pinned: () => pinned,
  });
}

const image = (name: string): Revision => parsedRevision(containerText('web', { image: name }));
const commit = { commit: 'c0ffee', author: 'Ann <a@b>', timeMs: 5, subject: 'Scale' };

async function apply(revision: Revision, state: Partial<SourceState> = {}): Promise<void> {
  await clock.advanceAsync(1_000);
  history.applied(revision, { diagnostics: [], revision, ...state });
  await history.done();
}

const [a, b] = [image('a'), image('b')];

describe('the history', () => {
  it('has each revision once, the newest in force first, and what changed', async () => {
    const c = parsedRevision(
      networkText('ovr0'),
      containerText('web', { image: 'b', user: 'root', args: ['x'] }),
    );
    const startMs = clock.now();
    await apply(a);
    await apply(b, { commit, parts: [{ name: 'git', state: { diagnostics: [] } }] });
    await apply(c);
    await apply(c);
    await apply(a);
    const rows = history.entries();
    expect(rows.map(({ digest }) => digest)).toEqual([a, c, b].map(({ digest }) => digest));
    expect(rows[0]).toMatchObject({
      firstMs: startMs + 1_000,
      lastMs: startMs + 5_000,
      sources: ['/etc/ovr.d'],
      objects: 1,
      before: c.digest,
      changes: {
        added: [],
        removed: ['Network/ovr0'],
        changed: [{ key: 'Container/web', fields: ['args', 'image', 'user'] }],
      },
    });
    expect(rows[1]).toMatchObject({ objects: 2, before: b.digest, changes: { added: ['Network/ovr0'] } });
    expect(rows[2]).toMatchObject({ commit, sources: ['git'] });
    expect(history.current()).toEqual(a);
  });

  it('is known after a restart, and goes on from there', async () => {
    await apply(a);
    await apply(b, { commit });
    const before = history.entries();
    history = open();
    await history.load();
    expect(history.entries()).toEqual(before);
    expect(history.current()).toEqual(b);
    await apply(b, { commit });
    expect(history.entries()).toEqual(before);
    await apply(a);
    expect(history.entries()[0]).toMatchObject({ digest: a.digest, turn: 3, before: b.digest });
    expect(await history.read(b.digest)).toEqual(b);
  });

  it('of a pinned revision keeps where it came from first', async () => {
    await apply(a, { commit });
    await apply(b);
    const pin = { revision: a.digest, who: 'ann', sinceMs: 0 };
    await apply(a, { pin, commit: { ...commit, commit: 'other' } });
    expect(history.entries()[0]).toMatchObject({ digest: a.digest, commit });
  });

  it('has at most twenty, and the one that is pinned', async () => {
    pinned = a.digest;
    await apply(a);
    for (let index = 0; index < HISTORY_LENGTH + 5; index += 1) await apply(image(`i${index}`));
    expect(history.entries()).toHaveLength(HISTORY_LENGTH + 1);
    expect(store.kept.size).toBe(HISTORY_LENGTH + 1);
    expect(await history.read(a.digest)).toEqual(a);
    pinned = undefined;
    await apply(image('last'));
    expect([history.entries().length, store.kept.size]).toEqual([HISTORY_LENGTH, HISTORY_LENGTH]);
  });

  it('stays in memory while the disk is full, is told once, and is written when there is room', async () => {
    store.failure = new Error('no space left on device');
    await apply(a);
    await apply(b);
    expect(told).toEqual(['cannot save revisions: no space left on device; keeping them in memory']);
    expect(await history.read(a.digest)).toEqual(a);
    store.failure = undefined;
    await apply(image('c'));
    expect(store.kept.size).toBe(3);
  });

  it('that cannot be read is told, and begins anew', async () => {
    store.list = () => Promise.reject(new Error('not a directory'));
    await history.load();
    expect(told).toEqual(['cannot read the history of revisions: not a directory']);
    await apply(a);
    expect(history.entries()).toHaveLength(1);
  });
});

describe('a revision is found', () => {
  it('by any beginning that only it has', async () => {
    await apply(a);
    await apply(b);
    expect(history.find(a.digest)).toMatchObject({ digest: a.digest });
    expect(history.find(b.digest.slice(0, 8).toUpperCase())).toMatchObject({ digest: b.digest });
  });

  it.each([
    ['', 'is the beginning of 2 revisions: choose of'],
    ['zzzz', 'this node has not applied a revision "zzzz": choose of'],
  ])('but not by "%s"', async (prefix, message) => {
    await apply(a);
    await apply(b);
    expect(() => history.find(prefix)).toThrow(message);
    expect(() => history.find(prefix)).toThrow(`${b.digest.slice(0, 12)}, ${a.digest.slice(0, 12)}`);
  });

  it('but not by one digit, nor where there is none', async () => {
    expect(() => history.find('abcd')).toThrow('none was applied yet');
    await apply(a);
    expect(() => history.find(a.digest.slice(0, 1))).toThrow('too short');
  });
});
