import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createCliStage, type CliStage } from '../../../test/build/cli.ts';
import { container, drifted, network } from '../../../test/build/statuses.ts';

let stage: CliStage;
beforeEach(async () => {
  stage = await createCliStage();
});
afterEach(() => stage.close());

describe('status', () => {
  it('is short when all is well', async () => {
    stage.agent.set({ startedMs: stage.ago(3600), objects: [container(), network()] });
    stage.agent.set({ sources: [{ name: '/etc/ovr.d', synced: true, lastSyncMs: stage.ago(3) }] });
    expect(await stage.run('status')).toEqual({
      code: 0,
      stderr: '',
      stdout: `Node:        swarm-node-1, cluster default
Agent:       ovrd 0.1.0, mode enforce, up 1h
Engine:      up, plain, Docker 20.10.24, API 1.41
Source:      /etc/ovr.d, read 3s ago
Revision:    abcdef012345, 0 objects
Objects:     2 Ready
Converged:   yes
`,
    });
  });

  it('shows what was applied last, where that is another revision than the one in force', async () => {
    const revision = { digest: 'abcdef0123456789', objects: 2 };
    stage.agent.set({ revision, applied: { digest: revision.digest, sinceMs: stage.ago(60) } });
    expect((await stage.run('status')).stdout).not.toContain('Applied');
    stage.agent.set({ converged: false, applied: { digest: 'fedcba9876543210', sinceMs: stage.ago(60) } });
    expect((await stage.run('status')).stdout).toContain(
      'Applied:     fedcba987654, reached 1m ago; the one in force is not reached yet\n',
    );
  });

  it('lists every problem', async () => {
    stage.agent.set({
      node: '',
      converged: false,
      engine: { up: false, message: 'connection refused' },
      sources: [{ name: '/etc/ovr.d', synced: false, doubt: 'the folder is gone' }],
      diagnostics: [
        { code: 'unknown-key', severity: 'error', file: 'a.yaml', line: 3, column: 5, message: 'no' },
      ],
      prune: { held: true, reason: '5 of 6 would go', keys: ['Container/a'] },
      objects: [container(), drifted()],
    });
    const { code, stdout } = await stage.run('status');
    expect(code).toBe(0);
    expect(stdout).toContain('Node:        unknown so far, cluster default\n');
    expect(stdout).toContain('Engine:      down, unknown so far\n');
    expect(stdout).toContain('Source:      /etc/ovr.d, not read yet\n');
    expect(stdout).toContain('Objects:     1 Ready, 1 Waiting\n');
    expect(stdout).toContain('Converged:   no\n');
    expect(stdout).toContain('Container/nginx_web_1   Waiting     1m5s   tries again soon\n');
    expect(stdout).toContain(`Problems:
  the engine does not answer: connection refused
  /etc/ovr.d: the folder is gone: nothing is removed
  a.yaml:3:5: error unknown-key: no
  5 of 6 would go: ovr prune shows them, ovr prune --confirm removes them
`);
  });

  it('shows what somebody overrides, and how to end it', async () => {
    const hold = { who: 'ann@web1', whenMs: stage.ago(200), what: '{}' };
    stage.agent.set({
      holds: [
        { ...hold, id: 'rollback', kind: 'rollback', says: 'revision 0123456789ab', release: 'ovr resume' },
        {
          ...hold,
          id: 'switch/nginx',
          kind: 'switch',
          untilMs: stage.ago(-420),
          note: 'slow\u001b',
          says: 'track=green',
          release: 'ovr switch nginx --back',
        },
      ],
    });
    const { stdout } = await stage.run('status');
    expect(stdout).toContain(`Revision:    abcdef012345, 0 objects
Hold:        rollback: revision 0123456789ab, by ann@web1 3m20s ago, until released: ovr resume ends it
Hold:        switch/nginx: track=green, by ann@web1 3m20s ago, for 7m more (slow ): ovr switch nginx --back ends it
`);
  });

  it('shows the commit that is applied beside the one that was tried', async () => {
    const commit = {
      commit: '0123456789abcdef',
      author: 'Ann <a@b>',
      timeMs: stage.ago(60),
      subject: 'Scale web',
    };
    const attempted = { ...commit, commit: 'fedcba9876543210', timeMs: stage.ago(5), subject: 'Break\u001b' };
    const git = { name: 'git', synced: true, lastSyncMs: stage.ago(3) };
    stage.agent.set({ sources: [{ ...git, commit }] });
    const rows = 'Source:      git, read 3s ago\nCommit:      0123456789, 1m ago by Ann <a@b>: Scale web\n';
    expect((await stage.run('status')).stdout).toContain(`${rows}Revision:`);
    stage.agent.set({ sources: [{ ...git, commit, attempted, problem: 'git-commit-broken' }] });
    expect((await stage.run('status')).stdout).toMatch(
      /Scale web\nAttempted: {3}fedcba9876, 5s ago by Ann <a@b>: Break.* \(git-commit-broken\)\nRevision:/,
    );
  });

  it('prints data as the API has it', async () => {
    expect(JSON.parse((await stage.run('status -o json')).stdout)).toEqual(stage.agent.status());
  });
});

describe('status --wait', () => {
  it('looks again first, so that an old answer does not count', async () => {
    expect((await stage.run('status --wait')).code).toBe(0);
    expect(stage.agent.resyncs).toBe(1);
  });

  it('does not take the old round for a new one', async () => {
    stage.agent.resync = () => undefined;
    const { code } = await stage.run('status --wait --timeout 1s');
    expect(code).toBe(1);
  });

  it('waits until all is as declared and says what is left', async () => {
    stage.agent.set({ converged: false, objects: [drifted(), container()] });
    const status = stage.agent.status.bind(stage.agent);
    let asked = 0;
    stage.agent.status = () => {
      asked += 1;
      if (asked === 5) stage.agent.set({ converged: true, objects: [] });
      return status();
    };
    const { code, stderr, stdout } = await stage.run('status --wait');
    expect([code, stderr]).toEqual([0, 'waiting for 1 of 2 objects\n']);
    expect(stdout).toContain('Converged:   yes\n');
  });

  it('gives up after the time-out', async () => {
    stage.agent.set({ converged: false });
    const { code, stderr } = await stage.run('status --wait --timeout 5s');
    expect(code).toBe(1);
    expect(stderr).toBe('ovr: not converged after 5.0s: see the problems above, and ovr explain KIND NAME\n');
    expect(stage.clock.monotonic()).toBe(5000);
  });

  it('waits for an agent that is still starting, but not for ever', async () => {
    await stage.stopAgent();
    const { code, stderr } = await stage.run('status --wait --timeout 5s');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ovr: cannot reach ovrd at .*: the socket is not there/);
    expect(stage.clock.monotonic()).toBe(5000);
  });

  it('can be interrupted', async () => {
    stage.agent.set({ converged: false, objects: [drifted()] });
    const { code, stderr } = await stage.run('status --wait', { interruptAfter: () => true });
    expect(code).toBe(1);
    expect(stderr).toContain('ovr: interrupted before all was as declared: ovr status shows what is left\n');
  });

  it('refuses a time-out that is none', async () => {
    expect(await stage.run('status --wait --timeout 5')).toMatchObject({
      code: 2,
      stderr: 'ovr: --timeout "5" is not a duration: write for example 30s, 5m or 1h\n',
    });
  });
});
