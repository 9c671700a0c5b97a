import { describe, expect, it } from 'vitest';

import { assemble } from '../manifest/merge/index.ts';
import { describeSource } from './agent-status.ts';
import type { SourceCommit, SourceState } from './ports.ts';

const commit = (hash: string): SourceCommit => ({
  commit: hash,
  author: 'Ann <a@b>',
  timeMs: 1,
  subject: hash,
});
const folder: SourceState = { revision: assemble([]).revision, diagnostics: [], lastSyncMs: 5 };
const applied: SourceState = { ...folder, commit: commit('a'), attempted: commit('a') };

describe('describeSource', () => {
  it.each<[string, SourceState, object]>([
    ['a folder', folder, { synced: true, lastSyncMs: 5 }],
    ['one that was not read yet', { diagnostics: [], doubt: 'gone' }, { synced: false, doubt: 'gone' }],
    ['the commit in force', applied, { synced: true, lastSyncMs: 5, commit: commit('a') }],
    [
      'a commit that is refused',
      { ...applied, attempted: commit('b'), problem: 'git-commit-broken' },
      {
        synced: true,
        lastSyncMs: 5,
        commit: commit('a'),
        attempted: commit('b'),
        problem: 'git-commit-broken',
      },
    ],
    [
      'a first commit that is refused',
      { diagnostics: [], attempted: commit('b'), problem: 'git-unsigned', doubt: 'x' },
      { synced: false, doubt: 'x', attempted: commit('b'), problem: 'git-unsigned' },
    ],
  ])('tells of %s', (_name, state, expected) => {
    expect(describeSource('s', state).sources).toEqual([{ name: 's', ...expected }]);
  });

  it('names each of several, and calls no commit applied before all of them were read', () => {
    const dir = { name: '/etc/ovr.d', state: { diagnostics: [] } };
    const git = { name: 'git', state: applied };
    expect(describeSource('both', { diagnostics: [], parts: [dir, git] }).sources).toEqual([
      { name: '/etc/ovr.d', synced: false },
      { name: 'git', synced: true, lastSyncMs: 5, attempted: commit('a') },
    ]);
    const { sources } = describeSource('both', { ...folder, parts: [{ ...dir, state: folder }, git] });
    expect(sources.map((source) => source.commit?.commit)).toEqual([undefined, 'a']);
  });
});
