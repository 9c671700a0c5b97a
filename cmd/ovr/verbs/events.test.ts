import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createCliStage, type CliStage } from '../../../test/build/cli.ts';

let stage: CliStage;
beforeEach(async () => {
  stage = await createCliStage();
});
afterEach(() => stage.close());

describe('events', () => {
  const drift = {
    type: 'Drift',
    severity: 'warning',
    key: 'Container/nginx_web_1',
    message: 'it\nmoved',
  } as const;
  const step = {
    type: 'Action',
    severity: 'normal',
    message: 'StopContainer: because',
    durationMs: 1234,
  } as const;

  it('prints one line each', async () => {
    stage.agent.emit({ ...drift, timeMs: stage.ago(60) });
    stage.agent.emit({ ...step, timeMs: stage.ago(1) });
    expect((await stage.run('events')).stdout).toBe(
      '2025-12-31T23:59:00Z  Drift      Container/nginx_web_1  it moved\n' +
        '2025-12-31T23:59:59Z  Action     -  StopContainer: because (1.2s)\n',
    );
    expect((await stage.run('events --since 30s')).stdout.split('\n')).toHaveLength(2);
  });

  it('follows, data as one object a line', async () => {
    stage.agent.emit({ ...drift, timeMs: stage.ago(60) });
    const { code, stdout } = await stage.run('events -f -o json', {
      interruptAfter: (text) => {
        const seen = text.split('\n').length - 1;
        if (seen === 1) setImmediate(() => stage.agent.emit({ ...step, timeMs: stage.ago(0) }));
        return seen === 2;
      },
    });
    expect(code).toBe(0);
    const ids = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: number }).id);
    expect(ids).toEqual([1, 2]);
  });

  it('separates YAML documents', async () => {
    stage.agent.emit({ ...step, timeMs: 0 });
    expect((await stage.run('events -o yaml')).stdout).toMatch(/^---\nid: 1\n|^---\ntype: Action\n/);
  });

  it('refuses a duration that is none', async () => {
    expect(await stage.run('events --since yesterday')).toMatchObject({ code: 2, stdout: '' });
  });
});
