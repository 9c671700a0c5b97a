import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { OvrError } from '../api/index.ts';
import { FakeAgent, servedBy } from '../../test/build/fake-agent.ts';
import { createClient, createServer, type AgentClient, type Server } from './index.ts';

let folder: string;
let socketPath: string;
let agent: FakeAgent;
let server: Server;
let port: number;
let client: AgentClient;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ovr-server-'));
  socketPath = join(folder, 'ovrd.sock');
  agent = new FakeAgent();
  server = createServer({ ...servedBy(agent), socketPath, listen: { host: '127.0.0.1', port: 0 } });
  port = (await server.start())?.port ?? 0;
  client = createClient({ socketPath });
});

afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

/** Status and code of the answer. */
function post(path: string, content: string, where: object = { socketPath }): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...where, path, method: 'POST' }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => {
        const { error } = JSON.parse(text) as { error?: { code: string; message: string } };
        resolve([response.statusCode, error?.code, error?.message].join(' ').trim());
      });
    });
    outgoing.on('error', reject);
    outgoing.end(content);
  });
}

const hold = { id: 'rollback', who: 'ann', whenMs: 1, what: '{}' };
const entry = {
  digest: 'abcdef0123456789',
  turn: 1,
  firstMs: 1,
  lastMs: 2,
  sources: ['/etc/ovr.d'],
  objects: 3,
  changes: { added: [], removed: [], changed: [], omitted: 0 },
};

describe('revisions over the socket', () => {
  it('are listed, compared, pinned and released', async () => {
    agent.revisions = { revisions: [entry], current: entry.digest };
    expect(await client.history()).toEqual(agent.revisions);
    agent.difference = { from: 'a', to: 'b', differences: [] };
    expect(await client.compare('abc+d', undefined)).toEqual(agent.difference);
    expect(agent.asked).toEqual({ from: 'abc+d', to: undefined });
    agent.rolledBack = { hold, revision: entry };
    const asked = { to: 'abcdef', forMs: 5, note: 'slow, „very“', who: 'ann' };
    expect(await client.rollback(asked)).toEqual(agent.rolledBack);
    expect(agent.asked).toEqual(asked);
    expect(await client.rollback({ who: 'ann' })).toEqual(agent.rolledBack);
    agent.resumed = { released: hold, source: 'b' };
    expect(await client.resume()).toEqual(agent.resumed);
  });

  it('are refused with what the agent says', async () => {
    agent.failure = new OvrError('invalid-request', 'invalid', 'choose of a, b');
    await expect(client.rollback({ who: 'ann' })).rejects.toThrow('choose of a, b');
    await expect(client.compare('x', 'y')).rejects.toThrow('choose of a, b');
  });

  it('may be read over TCP, but neither compared nor changed', async () => {
    const reader = createClient({ url: `http://127.0.0.1:${port}` });
    expect(await reader.history()).toEqual({ revisions: [] });
    await expect(reader.compare(undefined, undefined)).rejects.toThrow('read-only');
    await expect(reader.resume()).rejects.toThrow('read-only');
    expect(await post('/v1/rollback', '{"who":"eve"}', { host: '127.0.0.1', port })).toMatch(
      /^403 read-only/,
    );
    expect(agent.asked).toBeUndefined();
  });
});

describe('a body', () => {
  it.each([
    ['no JSON', '{"who":', 'the body is no JSON'],
    ['no object', '["ann"]', 'the body is no JSON object'],
    ['null', 'null', 'the body is no JSON object'],
    ['nothing', '', 'who must be a text that is not empty'],
    ['an empty text', '{"who":""}', 'who must be a text that is not empty'],
    ['a number for a text', '{"who":1}', 'who must be a text that is not empty'],
    ['a text for a number', '{"who":"ann","forMs":"1m"}', 'forMs must be a whole number, 0 or more'],
    ['less than nothing', '{"who":"ann","forMs":-1}', 'forMs must be a whole number, 0 or more'],
    [
      'an unknown field',
      '{"who":"ann","too":1}',
      'there is no field "too": it may have to, forMs, note, who',
    ],
  ])('with %s is refused', async (_what, content, message) => {
    expect(await post('/v1/rollback', content)).toBe(`400 invalid-body ${message}`);
    expect(agent.asked).toBeUndefined();
  });

  it('that is too large is refused', async () => {
    const content = JSON.stringify({ who: 'x'.repeat(20_000) });
    expect(await post('/v1/rollback', content)).toMatch(/^413 too-large/);
  });

  it('means nothing to a route that takes none', async () => {
    expect(await post('/v1/resume', 'so far so {good')).toBe('200');
  });
});
