import { afterEach, beforeEach, expect, it } from 'vitest';

import { fakeObject } from '../../../test/build/fake-agent.ts';
import { createCliStage, type CliStage } from '../../../test/build/cli.ts';

let stage: CliStage;
beforeEach(async () => {
  stage = await createCliStage();
  const endpoint = { ipv4Address: '10.0.9.2', aliases: [] };
  const observed = {
    id: 'a'.repeat(64),
    createdAtMs: 0,
    endpoints: ['ovr0', 'ovr1'].map((network) => ({ network, ...endpoint })),
  };
  const origin = { file: 'web.yaml', line: 1 };
  const foreign = fakeObject({ key: 'Container/other', name: 'other', observed });
  stage.agent.set({ objects: [fakeObject({ origin, observed }), foreign] });
});
afterEach(() => stage.close());

it('asks for all endpoints of a container, or for one', async () => {
  const { code, stdout } = await stage.run('republish nginx_web_1');
  expect(code).toBe(0);
  expect(stdout).toBe(
    'nginx_web_1 on ovr0 is made again: ovr explain tells how\nnginx_web_1 on ovr1 is made again: ovr explain tells how\n',
  );
  await stage.run('republish nginx_web_1 -n ovr1 --another-address');
  expect(stage.agent.republished.map(({ network, address }) => `${network} ${address}`)).toEqual([
    'ovr0 kept',
    'ovr1 kept',
    'ovr1 another',
  ]);
  expect(stage.agent.republished[0]?.why).toMatch(/^asked for by .+/);
});

it('says when that does not help', async () => {
  stage.agent.findingAnswer = 'too-often';
  const { code, stdout } = await stage.run('republish nginx_web_1 -n ovr0');
  expect(code).toBe(1);
  expect(stdout).toContain('five times in 300 s');
});

it.each([
  ['nobody', '', 'no manifest has nobody running here on any network'],
  ['nginx_web_1', ' -n ovr9', 'no manifest has nginx_web_1 running here on network ovr9'],
  ['other', '', 'no manifest has other running here'],
])('refuses %s%s', async (name, more, message) => {
  const { code, stderr } = await stage.run(`republish ${name}${more}`);
  expect(code).toBe(1);
  expect(stderr).toContain(message);
  expect(stage.agent.republished).toEqual([]);
});
