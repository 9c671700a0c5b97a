import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createCliStage, type CliStage } from '../../../test/build/cli.ts';

let stage: CliStage;
beforeEach(async () => {
  stage = await createCliStage();
});
afterEach(() => stage.close());

const commit = { commit: '0123456789abcdef', author: 'Ann <a@b>', timeMs: 0, subject: 'Scale web' };
const git = { name: 'git', synced: true };

describe('sync', () => {
  it('shows the commit that is applied', async () => {
    stage.agent.synced = {
      source: { ...git, commit: { ...commit, timeMs: stage.ago(60) } },
      diagnostics: [],
    };
    expect(await stage.run('sync')).toEqual({
      code: 0,
      stdout: 'Applied: 0123456789, 1m ago by Ann <a@b>: Scale web\n',
      stderr: '',
    });
    expect(JSON.parse((await stage.run('sync -o json')).stdout)).toEqual(stage.agent.synced);
  });

  it('fails where the newest one is not', async () => {
    const attempted = { ...commit, commit: 'fedcba9876543210', timeMs: stage.ago(5) };
    const place = { file: 'git:web.yaml', line: 3, column: 5 };
    stage.agent.synced = {
      source: { ...git, attempted, problem: 'git-commit-broken' },
      diagnostics: [{ code: 'unknown-key', severity: 'error', ...place, message: 'no' }],
    };
    expect(await stage.run('sync')).toEqual({
      code: 1,
      stdout: 'Applied: none\nTried:   fedcba9876, 5s ago by Ann <a@b>: Scale web\n',
      stderr:
        'git:web.yaml:3:5: error unknown-key: no\novr: the newest commit is not applied (git-commit-broken): see ovr status\n',
    });
    expect((await stage.run('sync -o json')).code).toBe(1);
  });

  it.each([
    ['the Git remote was not asked yet', { synced: false, doubt: 'the Git remote was not asked yet' }],
    ['another source was not read yet', { synced: true, attempted: commit }],
  ])('says why there is none: %s', async (why, part) => {
    stage.agent.synced = { source: { name: 'git', ...part }, diagnostics: [] };
    const { code, stderr } = await stage.run('sync');
    expect([code, stderr]).toEqual([1, `ovr: the newest commit is not applied (${why}): see ovr status\n`]);
  });

  it('needs the socket', async () => {
    await stage.stopAgent();
    expect((await stage.run('sync')).stderr).toMatch(/^ovr: cannot reach ovrd /);
  });
});
