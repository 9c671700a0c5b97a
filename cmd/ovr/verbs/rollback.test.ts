import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createCliStage, type CliStage } from '../../../test/build/cli.ts';
import { OvrError } from '../../../pkg/api/index.ts';
import type { RevisionEntry } from '../../../pkg/reconcile/index.ts';

let stage: CliStage;
beforeEach(async () => {
  stage = await createCliStage();
});
afterEach(() => stage.close());

const [first, second] = ['1'.repeat(32), '2'.repeat(32)];
const NONE = { added: [], removed: [], changed: [], omitted: 0 };

function entry(digest: string, change: Partial<RevisionEntry> = {}): RevisionEntry {
  const times = { turn: 1, firstMs: stage.ago(3_600), lastMs: stage.ago(60) };
  return { digest, ...times, sources: ['/etc/ovr.d'], objects: 3, changes: NONE, ...change };
}

const commit = { commit: 'c0ffee0123456789', author: 'Ann <a@b>', timeMs: 0, subject: 'Scale\u001b web' };

describe('history', () => {
  it('shows the newest first, and what is in force and pinned', async () => {
    const changes = {
      added: ['Container/new'],
      removed: [],
      changed: [{ key: 'Container/web', fields: ['image', 'networks'] }],
      omitted: 0,
    } as const;
    stage.agent.revisions = {
      revisions: [
        entry(second, { before: first, changes, commit }),
        entry(first, { lastMs: stage.ago(7_200) }),
      ],
      current: second,
      pinned: first,
    };
    const { code, stdout } = await stage.run('history');
    expect(code).toBe(0);
    expect(stdout).toBe(`REVISION       STATE     APPLIED   OBJECTS   CHANGED    COMMIT
222222222222   current   1m ago    3         +1 ~1 -0   c0ffee0123 Ann <a@b>: Scale  web
111111111111   pinned    2h ago    3         first      -
`);
    const wide = (await stage.run('history -o wide')).stdout;
    expect(wide).toContain('/etc/ovr.d');
    expect(wide).toContain('+Container/new ~Container/web (image, networks)');
    expect(JSON.parse((await stage.run('history -o json')).stdout)).toEqual(stage.agent.revisions);
  });

  it('says when there is none, and when the pinned one is not here', async () => {
    stage.agent.revisions = { revisions: [], pinned: first };
    expect((await stage.run('history')).stdout).toBe(
      'no revision was applied yet\npinned is 111111111111, which this node does not have\n',
    );
  });
});

describe('rollback', () => {
  const hold = { id: 'rollback', who: 'ann@web1', what: '{}' };

  it('asks for the one before, and says what it did', async () => {
    const whenMs = stage.ago(0);
    stage.agent.rolledBack = { hold: { ...hold, whenMs }, revision: entry(first), instead: second };
    const { code, stdout } = await stage.run('rollback');
    expect(stage.agent.asked).toEqual({ who: 'ann@web1' });
    expect([code, stdout]).toEqual([
      0,
      `pinned to revision 111111111111, until ovr resume
in force until now: 222222222222
ovr status --wait shows when all is as it was
`,
    ]);
  });

  it('takes a revision, a while and a note, and tells whose place it takes', async () => {
    const whenMs = stage.ago(0);
    stage.agent.rolledBack = {
      hold: { ...hold, whenMs, untilMs: whenMs + 600_000 },
      revision: entry(first, { commit }),
      instead: first,
      replaced: { ...hold, who: 'bob@web2', whenMs: stage.ago(120) },
    };
    const { stdout } = await stage.run('rollback --to 1111 --for 10m --note slow');
    expect(stage.agent.asked).toEqual({ who: 'ann@web1', to: '1111', forMs: 600_000, note: 'slow' });
    expect(stdout).toMatch(
      /^pinned to revision 111111111111, which is in force already, for 10m, or until ovr resume\n/,
    );
    expect(stdout).toContain('commit c0ffee0123');
    expect(stdout).toContain('takes the place of a rollback by bob@web2, 2m ago\n');
    expect(JSON.parse((await stage.run('rollback -o json')).stdout)).toEqual(stage.agent.rolledBack);
  });

  it('refuses what is no duration, and passes on what the agent refuses', async () => {
    expect(await stage.run('rollback --for 10')).toMatchObject({
      code: 2,
      stderr: 'ovr: --for "10" is not a duration: write for example 30s, 10m or 2h\n',
    });
    stage.agent.failure = new OvrError(
      'invalid-request',
      'invalid',
      'this node has not applied a revision "zz"',
    );
    expect(await stage.run('rollback --to zz')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('this node has not applied a revision "zz"') as string,
    });
  });
});

describe('resume', () => {
  it('says what is over, and where the source is', async () => {
    stage.agent.resumed = {
      released: { id: 'rollback', who: 'ann@web1', whenMs: stage.ago(300), what: '{}' },
      source: second,
    };
    expect(await stage.run('resume')).toEqual({
      code: 0,
      stderr: '',
      stdout: 'the rollback by ann@web1, 5m ago, is over; the source has revision 222222222222\n',
    });
    stage.agent.resumed = {};
    expect((await stage.run('resume')).stdout).toBe(
      'no rollback is in force: nothing is pinned; the source was not read yet\n',
    );
  });
});

describe('diff of revisions', () => {
  it('shows field by field, with the codes of diff(1)', async () => {
    stage.agent.difference = {
      from: first,
      to: second,
      differences: [
        { key: 'Container/new', change: 'added', fields: [] },
        { key: 'Container/web', change: 'changed', fields: [{ field: 'image', from: 'v1', to: 'v2\u001b' }] },
      ],
    };
    expect(await stage.run('diff --from 1111')).toEqual({
      code: 1,
      stderr: '',
      stdout: `Container/new: added
Container/web: changed
  image: v1 → v2
2 objects differ from 111111111111 to 222222222222
`,
    });
    expect(stage.agent.asked).toEqual({ from: '1111', to: undefined });
    stage.agent.difference = { from: first, to: first, differences: [] };
    expect(await stage.run('diff --to 1111')).toMatchObject({
      code: 0,
      stdout: 'no differences from 111111111111 to 111111111111\n',
    });
  });

  it('has trouble with an unknown one, and with files', async () => {
    stage.agent.failure = new OvrError('invalid-request', 'invalid', 'choose of x');
    expect((await stage.run('diff --from zz')).code).toBe(2);
    expect((await stage.run('diff --from zz -f x')).code).toBe(2);
  });
});

describe('status', () => {
  it('says that a revision is pinned, and where the source is', async () => {
    const pin = { revision: first, who: 'ann', sinceMs: stage.ago(60), sourceRevision: second };
    stage.agent.set({ revision: { digest: first, objects: 2 }, pin });
    expect((await stage.run('status')).stdout).toContain(
      'Revision:    111111111111, 2 objects, pinned (source is at 222222222222)\n',
    );
    stage.agent.set({ pin: { ...pin, problem: 'pinned to what this node does not have' } });
    const { stdout } = await stage.run('status');
    expect(stdout).toContain('kept since the pinned one is not here');
    expect(stdout).toContain('  pinned to what this node does not have\n');
  });
});
