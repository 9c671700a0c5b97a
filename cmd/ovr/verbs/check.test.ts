import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { CheckedNetwork } from '../../../pkg/check/index.ts';
import { createCliStage, type CliStage } from '../../../test/build/cli.ts';
import { fakeReport } from '../../../test/build/fake-agent.ts';

let stage: CliStage;
beforeAll(async () => {
  stage = await createCliStage();
});
afterAll(() => stage.close());

const network: CheckedNetwork = {
  name: 'ovr0',
  id: 'abcdef0123456789',
  driver: 'overlay',
  scope: 'global',
  mtu: 1450,
  names: 3,
  hosts: ['n1', 'n2'],
  cells: [
    { from: 'n1', to: 'n1', reach: 'ok', rttMs: 0.071, message: '' },
    { from: 'n1', to: 'n2', reach: 'mtu', message: 'raise the MTU' },
    { from: 'n2', to: 'n1', reach: 'no-answer', message: 'is away' },
    { from: 'n2', to: 'n2', reach: 'no-answer', message: 'is away' },
  ],
};
const [toItself] = network.cells;

const wrong = fakeReport({
  ok: false,
  scope: 'cluster',
  nodes: [
    { name: 'n1', state: 'answered', message: '' },
    { name: 'n2', state: 'no-answer', message: 'is away' },
  ],
  networks: [network],
  mismatches: [
    {
      ...{ network: 'ovr0', name: 'nginx', nodes: ['n1'], verdict: 'stale' },
      ...{ expected: ['10.0.9.2'], answered: ['10.0.9.2', '10.0.9.77'], message: 'remove \u001b[31mit' },
    },
  ],
  unreached: [
    {
      ...{ network: 'ovr0', container: 'web-b', node: 'n2', address: '10.0.9.3', from: ['n1'] },
      message: 'no answer from 10.0.9.3',
    },
  ],
  failures: [{ node: 'n1', network: 'ovr0', message: 'there was no time' }],
  notes: ['a note'],
});

describe('ovr check', () => {
  it('is 0 where all is well', async () => {
    stage.agent.report = fakeReport({ networks: [{ ...network, hosts: ['n1'], cells: [toItself!] }] });
    const { code, stdout, stderr } = await stage.run('check');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toBe(
      'ovr0 (overlay, MTU 1450, 3 names)\nFROM / TO   n1\nn1          0.07ms\n\nall is well: 1 network, 3 names, 1 way between hosts, this node alone, 412ms\n',
    );
  });

  it('is 1 where something is wrong, and shows each with its mend', async () => {
    stage.agent.report = wrong;
    const { code, stdout } = await stage.run('check');
    expect(code).toBe(1);
    expect(stdout).toContain(
      'FROM / TO   n1          n2\nn1          0.07ms      MTU\nn2          no answer   no answer\n',
    );
    expect(stdout).toMatch(/^ovr0 +nginx +stale +10\.0\.9\.2 +10\.0\.9\.2,10\.0\.9\.77 +n1$/m);
    expect(stdout).toContain('  nginx: remove  [31mit\n');
    expect(stdout).toContain(
      'Problems:\n  n2 (no-answer): is away\n  ovr0 on n1: there was no time\n  ovr0, n1 to n2: raise the MTU\n  ovr0, n1 to web-b on n2: no answer from 10.0.9.3\n',
    );
    expect(stdout).toMatch(/\nNote: a note\n\nsomething is wrong: 1 mismatch, 3 ways not open; 1 network, /);
    expect((await stage.run('check -o wide')).stdout).toContain('3 names, ID abcdef012345)');
  });

  it('prints data with the same exit code', async () => {
    stage.agent.report = wrong;
    const { code, stdout } = await stage.run('check -o json');
    expect([code, JSON.parse(stdout)]).toEqual([1, wrong]);
    expect((await stage.run('check -o yaml')).stdout).toMatch(/^ok: false\n/);
  });

  it('asks for the networks that are named', async () => {
    stage.agent.checked = [];
    await stage.run('check --network ovr0 -n a&b');
    await stage.run('check');
    expect(stage.agent.checked).toEqual([['ovr0', 'a&b'], []]);
  });

  it('is 2 where it cannot tell', async () => {
    expect(await stage.run('check --network=')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('write the name or the ID of a network') as string,
    });
    stage.agent.failure = new Error('no engine');
    expect((await stage.run('check')).code).toBe(2);
    stage.agent.failure = undefined;
    const { code, stderr } = await stage.run('check --nework ovr0');
    expect([code, stderr]).toEqual([2, expect.stringContaining('--network')]);
  });
});
