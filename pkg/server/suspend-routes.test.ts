import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { FakeAgent, servedBy } from '../../test/build/fake-agent.ts';
import { ask } from './exchange.ts';
import { createClient, createServer, type AgentClient, type Server } from './index.ts';

let folder: string;
let socketPath: string;
let agent: FakeAgent;
let server: Server;
let client: AgentClient;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ovr-server-'));
  socketPath = join(folder, 'ovrd.sock');
  agent = new FakeAgent();
  server = createServer({ ...servedBy(agent), socketPath });
  await server.start();
  client = createClient({ socketPath });
});

afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

const hold = {
  id: 'suspend',
  kind: 'suspend',
  who: 'ann',
  whenMs: 1,
  what: '{}',
  says: 'everything stays as it is',
  release: 'ovr resume --all',
} as const;

it('objects are suspended and released, one or all', async () => {
  agent.suspended = { hold };
  const asked = { target: 'Container/web', forMs: 5, note: 'why', who: 'ann' } as const;
  expect(await client.suspend(asked)).toEqual({ hold });
  expect(agent.asked).toEqual(asked);
  await client.suspend({ target: 'all', who: 'ann' });
  expect(agent.asked).toEqual({ target: 'all', who: 'ann' });
  agent.released = { released: [hold], remaining: hold };
  expect(await client.release('Alias/nginx')).toEqual(agent.released);
  expect(agent.asked).toBe('Alias/nginx');
  await client.release('all');
  expect(agent.asked).toBe('all');
});

it.each([
  [{}, 'write kind and name of an object, or "all": true'],
  [{ kind: 'Container' }, 'write kind and name of an object, or "all": true'],
  [{ kind: 'Container', name: 'web', all: true }, 'write kind and name of an object, or "all": true'],
  [{ kind: 'Pod', name: 'web' }, 'there is no kind "Pod": use Network, Container, Alias'],
])('a release of %j is refused with the mend', async (body, message) => {
  const path = '/v1/suspend/release';
  await expect(ask({ socketPath }, { method: 'POST', path, body, deadlineMs: 5_000 })).rejects.toThrow(
    message,
  );
  expect(agent.asked).toBeUndefined();
});
