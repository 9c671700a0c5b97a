import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { OvrError } from '../api/index.ts';
import type { AgentEvent } from '../reconcile/index.ts';
import { createClient, type AgentClient } from './client.ts';
import { FakeAgent, servedBy } from '../../test/build/fake-agent.ts';
import { createServer, type Server } from './server.ts';

let folder: string;
let socketPath: string;
let agent: FakeAgent;
let server: Server;
let client: AgentClient;
let url: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ovr-client-'));
  socketPath = join(folder, 'ovrd.sock');
  agent = new FakeAgent();
  const listen = { host: '127.0.0.1', port: 0 };
  server = createServer({ ...servedBy(agent), socketPath, listen });
  url = `http://127.0.0.1:${(await server.start())?.port ?? 0}`;
  client = createClient({ socketPath });
});

afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

const event = { timeMs: 1, type: 'Drift', severity: 'warning', message: 'm' } as const;

describe('createClient', () => {
  it('asks over the socket and over TCP', async () => {
    agent.emit(event);
    for (const one of [client, createClient({ url })]) {
      expect(await one.status()).toEqual(agent.status());
      expect(await one.events(0)).toEqual([{ id: 1, ...event }]);
    }
  });

  it('asks for the cluster over both', async () => {
    for (const one of [client, createClient({ url })]) {
      expect(await one.cluster()).toEqual(await agent.cluster());
    }
    agent.failure = new OvrError('coordinator-timeout', 'transient', 'ZooKeeper does not answer: look at it');
    await expect(client.cluster()).rejects.toMatchObject({
      failure: 'refused',
      message: `${socketPath}: ZooKeeper does not answer: look at it`,
    });
  });

  it('controls over the socket', async () => {
    agent.set({ prune: { held: true, reason: '', keys: ['Container/a'] } });
    agent.changes = [{ key: 'Network/a', condition: 'Progressing', message: 'm', actions: [], causes: [] }];
    expect(await client.diff()).toEqual(agent.changes);
    expect(await client.confirmPrune()).toEqual(['Container/a']);
    await client.resync();
    expect(agent.resyncs).toBe(1);
  });

  it('passes on what the agent refuses', async () => {
    agent.failure = new OvrError('engine-unreachable', 'transient', 'the engine is away: start it');
    await expect(client.diff()).rejects.toMatchObject({
      failure: 'refused',
      message: `${socketPath}: the engine is away: start it`,
    });
    await expect(createClient({ url }).resync()).rejects.toThrow(/this address is read-only/);
  });

  it('follows events until told to stop', async () => {
    agent.emit(event);
    const stop = new AbortController();
    const seen: number[] = [];
    const followed = client.follow(0, stop.signal, ({ id }: AgentEvent) => {
      seen.push(id);
      if (seen.length === 1) agent.emit(event);
      else stop.abort();
    });
    await followed;
    expect(seen).toEqual([1, 2]);
  });

  it('says so when the agent stops under a follower', async () => {
    agent.emit(event);
    let stopped: Promise<void> | undefined;
    const followed = client.follow(0, new AbortController().signal, () => {
      stopped = server.stop();
    });
    await expect(followed).rejects.toThrow(`ovrd at ${socketPath} has stopped`);
    await stopped;
  });

  it.each([
    [
      'no socket',
      () => createClient({ socketPath: '/nonexistent/ovrd.sock' }),
      /the socket is not there\. Is it running\? systemctl start ovrd, or name its socket with --socket$/,
    ],
    [
      'nobody at the port',
      () => createClient({ url: 'http://127.0.0.1:1' }),
      /^cannot reach ovrd at http:\/\/127\.0\.0\.1:1: nobody listens there\. Is it running\? check the address/,
    ],
  ])('explains %s', async (_name, build, message) => {
    await expect(build().status()).rejects.toMatchObject({ failure: 'unreachable' });
    await expect(build().status()).rejects.toThrow(message);
    await expect(build().follow(0, new AbortController().signal, () => undefined)).rejects.toThrow(message);
  });
});

/** A server that is no ovrd. */
async function withForeign<T>(listener: RequestListener, use: (url: string) => Promise<T>): Promise<T> {
  const foreign = createHttpServer(listener);
  await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
  const address = foreign.address();
  try {
    return await use(`http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`);
  } finally {
    foreign.closeAllConnections();
    foreign.close();
  }
}

describe('something else at the address', () => {
  it.each<[string, RequestListener, string, RegExp]>([
    [
      'other JSON',
      (_, response) => response.end('{"a":1}'),
      'broken',
      /answered something that is not ovrd's/,
    ],
    ['no JSON', (_, response) => response.end('<html>'), 'refused', /status 200, which is no answer of ovrd/],
    ['an error page', (_, response) => response.writeHead(502).end('bad'), 'refused', /status 502/],
    [
      'half an answer',
      (_, response) => response.writeHead(200, { 'Content-Length': 9 }).write('{', () => response.destroy()),
      'broken',
      /broke off/,
    ],
    ['silence', () => undefined, 'timeout', /did not answer within 0\.05 s/],
    [
      'silence in mid-answer',
      (_, response) => response.write('{'),
      'timeout',
      /did not answer within 0\.05 s/,
    ],
  ])('%s is told apart', async (_name, listener, failure, message) => {
    await withForeign(listener, async (address) => {
      const asked = createClient({ url: address }, { answerMs: 50 }).status();
      await expect(asked).rejects.toMatchObject({ failure });
      await expect(asked).rejects.toThrow(message);
    });
  });

  it('a stream that falls silent ends', async () => {
    await withForeign(
      (_, response) => response.write('\n'),
      async (address) => {
        const silent = createClient({ url: address }, { silenceMs: 50 });
        const followed = silent.follow(0, new AbortController().signal, () => undefined);
        await expect(followed).rejects.toMatchObject({ failure: 'timeout' });
      },
    );
  });

  it('a stream that never starts ends', async () => {
    await withForeign(
      () => undefined,
      async (address) => {
        const deaf = createClient({ url: address }, { answerMs: 50 });
        const followed = deaf.follow(0, new AbortController().signal, () => undefined);
        await expect(followed).rejects.toMatchObject({ failure: 'timeout' });
      },
    );
  });
});
