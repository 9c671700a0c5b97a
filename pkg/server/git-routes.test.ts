import { mkdtemp, rm } from 'node:fs/promises';
import { request, type RequestOptions } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { FakeAgent, servedBy } from '../../test/build/fake-agent.ts';
import type { GitServices } from './git-services.ts';
import { createServer, type Server } from './server.ts';

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly body: unknown;
}

let folder: string;
let socketPath: string;
let port: number;
let server: Server | undefined;
let syncs: number;
const source = { name: 'git', synced: true };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ovr-server-git-'));
  socketPath = join(folder, 'ovrd.sock');
  syncs = 0;
});

afterEach(async () => {
  await server?.stop();
  await rm(folder, { recursive: true });
});

async function start(git?: GitServices): Promise<void> {
  const agent = new FakeAgent();
  server = createServer({
    ...servedBy(agent),
    socketPath,
    listen: { host: '127.0.0.1', port: 0 },
    ...(git ? { git } : {}),
  });
  port = (await server.start())?.port ?? 0;
}

const withGit = (hasSecret: boolean): Promise<void> =>
  start({
    sync: () => {
      syncs += 1;
      return Promise.resolve({ source, diagnostics: [] });
    },
    ...(hasSecret && {
      checkHook: (headers, body) =>
        Promise.resolve(
          headers['x-token'] === Buffer.from(body).toString()
            ? { ok: true, from: 'test' }
            : { ok: false, reason: 'wrong token' },
        ),
    }),
  });

function post(path: string, options: RequestOptions, content = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', path, method: 'POST', ...options }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () => {
        const body: unknown = JSON.parse(text);
        resolve({ status: response.statusCode ?? 0, text, body });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(content);
  });
}

const push = (token: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  post('/v1/hooks/git', { port, headers: { 'X-Token': token, ...headers } }, body);

function refusal(code: string): { error: { code: string; message: unknown } } {
  return { error: { code, message: expect.any(String) } };
}

describe('Git', () => {
  it('is asked over the socket only', async () => {
    await withGit(false);
    expect(await post('/v1/sync', { socketPath })).toMatchObject({
      status: 200,
      body: { source, diagnostics: [] },
    });
    expect(await post('/v1/sync', { port })).toMatchObject({
      status: 403,
      body: refusal('read-only'),
    });
    expect(syncs).toBe(1);
  });

  it('is asked by webhooks with a proof, under whatever name', async () => {
    await withGit(true);
    expect(await push('abc', 'abc', { Host: 'ovr.example.org' })).toMatchObject({ status: 202, body: {} });
    const long = 'x'.repeat(10_000);
    expect((await push(long, long)).status).toBe(202);
    expect(syncs).toBe(2);
  });

  it('is not asked by webhooks without one', async () => {
    await withGit(true);
    const answer = await push('abc', 'secret body');
    expect(answer).toMatchObject({ status: 401, body: { error: { message: 'wrong token' } } });
    expect((await push('abc', 'x'.repeat(1024 * 1024 + 1))).status).toBe(413);
    expect((await post('/v1/hooks/git', { port, method: 'GET' })).status).toBe(405);
    expect((await post('/v1/hooks/git', { port, method: 'PUT' })).status).toBe(405);
    expect(syncs).toBe(0);
  });

  it('reads no webhook beyond a few at a time', async () => {
    await withGit(true);
    const options = { host: '127.0.0.1', port, path: '/v1/hooks/git', method: 'POST' };
    const slow = Array.from({ length: 16 }, () => request({ ...options, headers: { 'Content-Length': 2 } }));
    for (const sender of slow) {
      sender.on('error', () => undefined);
      await new Promise((written) => sender.write('a', written));
    }
    let answer = await push('abc', 'abc');
    while (answer.status === 202) answer = await push('abc', 'abc');
    expect(answer).toMatchObject({ status: 503, body: refusal('too-many-hooks') });
    for (const sender of slow) sender.destroy();
    while (answer.status === 503) answer = await push('abc', 'abc');
    expect(answer.status).toBe(202);
  });

  it.each([
    ['/v1/sync', 'no-git-source', '--git-url'],
    ['/v1/hooks/git', 'no-git-source', '--git-url'],
  ])('is not there: %s', async (path, code, option) => {
    await start();
    const answer = await post(path, { socketPath });
    expect(answer).toMatchObject({ status: 404, body: refusal(code) });
    expect(answer.text).toContain(option);
  });

  it('has no webhook without a secret', async () => {
    await withGit(false);
    const answer = await push('abc', 'abc');
    expect(answer).toMatchObject({ status: 404, body: refusal('no-webhook') });
    expect(answer.text).toContain('--git-webhook-secret-file');
  });
});
