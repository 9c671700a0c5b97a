import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { FakeAgent } from '../../test/build/fake-agent.ts';
import type { Logger } from '../api/index.ts';
import type { GitServices } from '../server/index.ts';
import type { GitSource } from '../source/index.ts';
import { createGitServices } from './git-services.ts';

let folder: string;
let file: string;
let log: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ovr-hook-'));
  file = join(folder, 'secret');
  log = [];
});
afterEach(() => rm(folder, { recursive: true }));

const write = (fields: object, message: string): void =>
  void log.push(JSON.stringify({ message, ...fields }));
const logger: Logger = { debug: write, info: write, warn: write, error: write, child: () => logger };

const problem = {
  code: 'git-auth',
  severity: 'error',
  file: 'https://a/b',
  line: 1,
  column: 1,
  message: 'no',
} as const;
const git: GitSource = {
  name: 'git',
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
  sync: () => Promise.resolve(),
  state: () => ({ diagnostics: [problem] }),
};

function create(webhookSecretFile?: string): GitServices | undefined {
  const agent = new FakeAgent();
  agent.set({
    sources: [
      { name: '/etc/ovr.d', synced: true },
      { name: 'git', synced: true, problem: 'git-auth' },
    ],
  });
  return createGitServices({
    source: git,
    git,
    problems: {},
    webhookSecretFile,
    status: () => agent.status(),
    logger,
  });
}

describe('createGitServices', () => {
  it('answers a sync with the Git source alone', async () => {
    expect(await create()?.sync()).toEqual({
      source: { name: 'git', synced: true, problem: 'git-auth' },
      diagnostics: [problem],
    });
  });

  it('is nothing without a Git source', () => {
    const agent = new FakeAgent();
    const options = { source: git, problems: {}, status: () => agent.status(), logger };
    expect(createGitServices(options)).toBeUndefined();
  });

  const body = Buffer.from('what was pushed');
  const check = (token: string): Promise<{ ok: boolean } | undefined> | undefined =>
    create(file)?.checkHook?.({ 'x-gitlab-token': token }, body);

  it('checks webhooks by the secret as it is now, and logs neither', async () => {
    await writeFile(file, 'old secret\n');
    expect(await check('old secret')).toEqual({ ok: true, from: 'gitlab' });
    await writeFile(file, 'new secret\n');
    expect(await check('old secret')).toMatchObject({ ok: false });
    expect(await check('new secret')).toMatchObject({ ok: true });
    expect(log.join()).not.toMatch(/secret\b.*old|new secret|old secret|what was pushed/);
    expect(log).toHaveLength(3);
  });

  it.each([
    ['', 'no secret is configured'],
    [undefined, 'cannot be read here'],
  ])('accepts none where the secret is %j', async (text, reason) => {
    if (text !== undefined) await writeFile(file, text);
    expect(await check('')).toMatchObject({ ok: false, reason: expect.stringContaining(reason) as unknown });
  });

  it('has no way in where no secret is configured', () => {
    expect(create()).not.toHaveProperty('checkHook');
  });
});
