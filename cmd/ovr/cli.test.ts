import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createCliStage, type CliStage } from '../../test/build/cli.ts';
import { createProgram } from './program.ts';

let stage: CliStage;
beforeEach(async () => {
  stage = await createCliStage();
});
afterEach(() => stage.close());

describe('without an agent', () => {
  it.each(['status', 'get c', 'events', 'prune --confirm', 'explain c a', 'describe c a'])(
    '%s fails with one line',
    async (line) => {
      await stage.stopAgent();
      const { code, stdout, stderr } = await stage.run(line);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(
        /^ovr: cannot reach ovrd at \S+: the socket is not there\. Is it running\? [^\n]*\n$/,
      );
    },
  );
});

describe('the command line', () => {
  it.each([
    ['', 2, /^Usage: ovr/],
    ['stats', 2, /^ovr: unknown command 'stats' \(Did you mean status\?\): see ovr --help\n$/],
    ['diff --nonsense', 2, /^ovr: unknown option '--nonsense': see ovr diff --help\n$/],
    ['get', 2, /^ovr: missing required argument 'KIND': see ovr get --help\n$/],
    ['apply', 2, /^ovr: required option '-f, --filename <PATH>' not specified: see ovr apply --help\n$/],
    [
      'get c -o xml',
      2,
      /^ovr: option '-o, --output <FORMAT>' argument 'xml' is invalid\. Allowed choices are table, wide, json, yaml, name\.: see ovr get --help\n$/,
    ],
    [
      'status extra',
      2,
      /^ovr: too many arguments for 'status'\. Expected 0 arguments but got 1: extra\.: see ovr status --help\n$/,
    ],
    ['status --socket', 2, /^ovr: option '--socket <PATH>' argument missing: see ovr --help\n$/],
  ])('ovr %s ends with %i', async (line, code, stderr) => {
    const ran = await stage.run(line);
    expect([ran.code, ran.stdout]).toEqual([code, '']);
    expect(ran.stderr).toMatch(stderr);
  });

  it('lists all mistakes of the surroundings, one a line', async () => {
    const ran = await stage.run('status --cluster X', { env: { OVR_NODE_NAME: '-', OVR_SOKET: 'x' } });
    expect(ran.code).toBe(2);
    expect(ran.stderr.split('\n')).toEqual([
      'ovr: OVR_SOKET: is not a variable of ovr (did you mean "OVR_SOCKET"?)',
      expect.stringMatching(/^ovr: OVR_NODE_NAME: "-" is not valid/),
      expect.stringMatching(/^ovr: --cluster: "X" is not valid/),
      '',
    ]);
  });

  it('takes the flags of the agent before and after the verb', async () => {
    const env = { OVR_SOCKET: '/nonexistent' };
    for (const line of [`--socket ${stage.socketPath} version`, `status --socket ${stage.socketPath}`]) {
      expect((await stage.run(line, { env })).code).toBe(0);
    }
  });

  it.each(['--help', '-h'])('%s shows verbs, then flags', async (line) => {
    const { code, stdout } = await stage.run(line);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: ovr[^]*Look:\n[^]*Decide:\n[^]*-h, --help[^]*Which agent:\n/);
  });

  it('has an example under the help of every verb', async () => {
    const { stdout } = await stage.run('--help');
    const verbs = [...stdout.matchAll(/^ {2}([a-z]+) (?:\[|<)/gm)].map(([, verb]) => verb ?? '');
    expect(verbs).toHaveLength(createProgram(() => Promise.resolve()).program.commands.length);
    for (const verb of verbs) {
      const help = await stage.run(`${verb} --help`);
      expect([help.code, help.stderr]).toEqual([0, '']);
      expect(help.stdout).toMatch(new RegExp(`Examples?:\\n  (source <\\()?ovr ${verb}`));
    }
  });

  it.each(['--version', '-V', 'version'])('%s prints the version', async (line) => {
    expect((await stage.run(line)).stdout).toMatch(/^ovr \d+\.\d+\.\d+\n$/);
  });

  it('prints the version as data', async () => {
    expect(JSON.parse((await stage.run('version -o json')).stdout)).toEqual({
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string,
    });
  });
});
