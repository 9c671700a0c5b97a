import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request, type IncomingHttpHeaders, type RequestOptions } from 'node:http';
import { connect, createServer as createNetServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { FakeClock, OvrError } from '../api/index.ts';
import { FakeAgent, fakeObject, servedBy } from '../../test/build/fake-agent.ts';
import { ROUTES } from './routes.ts';
import { createServer, type Server } from './server.ts';

let folder: string;
let socketPath: string;
let agent: FakeAgent;
let clock: FakeClock;
let server: Server;
let port: number;

const metrics = {
  contentType: 'text/plain; version=0.0.4',
  render: () => Promise.resolve('ovr_engine_up 1\n'),
};

function build(change: { socketPath?: string; listen?: { host: string; port: number } } = {}): Server {
  return createServer({ ...servedBy(agent), metrics, clock, ...change });
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ovr-server-'));
  socketPath = join(folder, 'run', 'ovrd.sock');
  agent = new FakeAgent();
  clock = new FakeClock();
  server = build({ socketPath, listen: { host: '127.0.0.1', port: 0 } });
  port = (await server.start())?.port ?? 0;
});

afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: unknown;
}

function send(options: RequestOptions, content?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () => {
        const isJson = response.headers['content-type']?.startsWith('application/json') ?? false;
        const body: unknown = isJson && text !== '' ? JSON.parse(text) : undefined;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(content);
  });
}

const tcp = (path: string, options: RequestOptions = {}): Promise<Answer> =>
  send({ host: '127.0.0.1', port, path, ...options });
const socket = (path: string, method = 'GET'): Promise<Answer> => send({ socketPath, path, method });

function refusal(code: string): { error: { code: string; message: unknown } } {
  return { error: { code, message: expect.any(String) } };
}

describe('reading, over TCP and the socket', () => {
  it.each([tcp, socket])('answers status, objects and one object', async (get) => {
    const object = fakeObject();
    agent.set({ objects: [object] });
    expect(await get('/v1/status')).toMatchObject({ status: 200, body: agent.status() });
    expect(await get('/v1/objects')).toMatchObject({ status: 200, body: { objects: [object] } });
    expect(await get('/v1/objects/container/nginx_web_1')).toMatchObject({ status: 200, body: object });
  });

  it.each([
    ['/v1/objects/Container/web', 404, 'unknown-object'],
    ['/v1/objects/Pod/web', 404, 'unknown-kind'],
    ['/v1/objects/Container/%zz', 400, 'invalid-path'],
    ['/v1/nothing', 404, 'unknown-path'],
    ['//elsewhere/v1/status', 400, 'invalid-path'],
    ['http://elsewhere/v1/status', 400, 'invalid-path'],
    ['/v1/events?after=x', 400, 'invalid-query'],
    ['/v1/events?follow=yes', 400, 'invalid-query'],
  ])('refuses %s with %i %s', async (path, status, code) => {
    expect(await tcp(path)).toMatchObject({ status, body: refusal(code) });
  });

  it.each([tcp, socket])('answers the cluster, or why it cannot be read', async (get) => {
    expect(await get('/v1/cluster')).toMatchObject({
      status: 200,
      body: {
        coordinator: { kind: 'local' },
        nodes: [{ name: 'swarm-node-1' }],
        containers: [],
        networks: [],
      },
    });
    agent.failure = new OvrError('coordinator-unreachable', 'transient', 'no connection to ZooKeeper');
    expect(await get('/v1/cluster')).toMatchObject({
      status: 503,
      body: { error: { code: 'coordinator-unreachable', message: 'no connection to ZooKeeper' } },
    });
  });

  it('hands over the metrics', async () => {
    const { status, headers, text } = await tcp('/metrics');
    expect([status, headers['content-type'], text]).toEqual([200, metrics.contentType, 'ovr_engine_up 1\n']);
  });

  it('lists all its paths at /', async () => {
    const { text } = await tcp('/');
    expect(text).toMatch(/^ovrd 0\.1\.0 on swarm-node-1, cluster default\n/);
    for (const { path } of ROUTES) expect(text).toContain(` ${path} `);
  });

  it('answers HEAD with the head alone', async () => {
    const { status, headers, text } = await tcp('/v1/status', { method: 'HEAD' });
    expect([status, Number(headers['content-length']) > 0, text]).toEqual([200, true, '']);
    expect((await tcp('/v1/events?follow=true', { method: 'HEAD' })).status).toBe(200);
  });

  it('tells browsers to keep off', async () => {
    for (const path of ['/', '/v1/status', '/nothing']) {
      const { headers } = await tcp(path);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      });
      expect(headers).not.toHaveProperty('access-control-allow-origin');
    }
  });
});

describe('health', () => {
  it('is ready after the first round while the engine answers', async () => {
    expect(await tcp('/healthz')).toMatchObject({ status: 200, text: 'ok\n' });
    expect(await tcp('/readyz')).toMatchObject({ status: 200, body: { ready: true } });
  });

  it('says why it is not ready', async () => {
    agent.set({ engine: { up: false, message: 'connection refused' } });
    const reason = 'the engine does not answer: connection refused';
    expect(await tcp('/readyz')).toMatchObject({ status: 503, body: { ready: false, reason } });
    agent.set({ engine: { up: true, message: '' } });
    agent.rounds = 0;
    expect(await tcp('/readyz')).toMatchObject({
      status: 503,
      body: { ready: false, reason: 'the first round is not done yet' },
    });
    expect((await tcp('/healthz')).status).toBe(200);
  });
});

describe('over TCP', () => {
  it.each([
    ['POST', '/v1/prune/confirm'],
    ['POST', '/v1/resync'],
    ['DELETE', '/v1/objects/Container/a'],
    ['PUT', '/nothing'],
    ['GET', '/v1/diff'],
    ['GET', '/v1/resync'],
    ['OPTIONS', '/v1/status'],
  ])('refuses %s %s and says where to ask', async (method, path) => {
    const answer = await tcp(path, { method });
    expect(answer).toMatchObject({ status: 403, body: refusal('read-only') });
    expect(answer.text).toContain('socket');
    expect(agent.resyncs).toBe(0);
  });

  it.each([
    ['localhost', 200],
    ['127.0.0.1', 200],
    ['[::1]', 200],
    ['10.6.17.13:9469', 200],
    [hostname(), 200],
    [`${hostname().toUpperCase()}.example:9469`, 200],
    ['evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['localhost.evil.example', 403],
  ])('with Host %j answers %i', async (host, status) => {
    expect((await tcp('/v1/status', { headers: { Host: host } })).status).toBe(status);
  });
});

describe('over the socket', () => {
  it('confirms removals', async () => {
    agent.set({ prune: { held: true, reason: 'many', keys: ['Container/a'] } });
    expect(await socket('/v1/prune/confirm', 'POST')).toMatchObject({
      status: 200,
      body: { confirmed: ['Container/a'] },
    });
  });

  it('looks again', async () => {
    expect((await socket('/v1/resync', 'POST')).status).toBe(202);
    expect(agent.resyncs).toBe(1);
  });

  it('tells what would be done', async () => {
    agent.changes = [{ key: 'Network/a', condition: 'Progressing', message: 'm', actions: [], causes: [] }];
    expect(await socket('/v1/diff')).toMatchObject({ status: 200, body: { changes: agent.changes } });
  });

  it.each([
    [new OvrError('engine-unreachable', 'transient', 'no'), 503, 'engine-unreachable', 'no'],
    [new OvrError('invalid-request', 'invalid', 'no'), 409, 'invalid-request', 'no'],
    [new Error('with a secret'), 500, 'internal', 'the agent failed to answer: see its log'],
  ])('passes failures on, but no inner ones: %s', async (failure, status, code, message) => {
    agent.failure = failure;
    expect(await socket('/v1/diff')).toMatchObject({ status, body: { error: { code, message } } });
  });

  it('names the right method', async () => {
    expect(await socket('/v1/resync')).toMatchObject({ status: 405, body: refusal('method-not-allowed') });
  });

  it('refuses a large body', async () => {
    const options = { socketPath, path: '/v1/resync', method: 'POST' };
    expect(await send(options, 'x'.repeat(20_000))).toMatchObject({
      status: 413,
      body: refusal('too-large'),
    });
    expect(agent.resyncs).toBe(0);
  });
});

/** Follows the events until `count` lines are there. */
function follow(after: number): {
  lines: string[];
  until(count: number): Promise<void>;
  ended: Promise<void>;
} {
  const lines: string[] = [];
  let wake = (): void => undefined;
  const ended = new Promise<void>((resolve, reject) => {
    const path = `/v1/events?follow=true&after=${after}`;
    request({ socketPath, path }, (response) => {
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        lines.push(...chunk.split('\n').slice(0, -1));
        wake();
      });
      response.on('end', resolve);
      response.on('error', reject);
    }).end();
  });
  const until = async (count: number): Promise<void> => {
    while (lines.length < count) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { lines, until, ended };
}

const event = { timeMs: 1, type: 'Drift', severity: 'warning', message: 'm' } as const;

describe('events', () => {
  it('lists those after an ID', async () => {
    for (let count = 0; count < 3; count += 1) agent.emit(event);
    const { body } = await tcp('/v1/events?after=1');
    expect(body).toEqual({
      events: [
        { id: 2, ...event },
        { id: 3, ...event },
      ],
    });
  });

  it('streams old and new ones without a gap, with a sign of life between', async () => {
    agent.emit(event);
    agent.emit(event);
    const stream = follow(1);
    await stream.until(1);
    agent.emit(event);
    await stream.until(2);
    clock.advance(15_000);
    await stream.until(3);
    clock.advance(15_000);
    await stream.until(4);
    const ids = stream.lines.map((line) => (line === '' ? 'alive' : (JSON.parse(line) as { id: number }).id));
    expect(ids).toEqual([2, 3, 'alive', 'alive']);
  });

  it('ends streams when it stops, and forgets clients that went', async () => {
    agent.emit(event);
    const stream = follow(0);
    await stream.until(1);
    expect(agent.listenerCount).toBe(1);
    await server.stop();
    await stream.ended;
    expect(agent.listenerCount).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it('drops a client that does not read', async () => {
    const dropped = new Promise<void>((resolve) => {
      request({ socketPath, path: '/v1/events?follow=true' }, (response) => {
        response.on('close', () => resolve());
        response.on('error', () => undefined);
        const message = 'x'.repeat(256 * 1024);
        for (let count = 0; count < 40 && agent.listenerCount > 0; count += 1)
          agent.emit({ ...event, message });
        response.resume();
      }).end();
    });
    await dropped;
    expect(agent.listenerCount).toBe(0);
    expect((await socket('/healthz')).status).toBe(200);
  });

  it('takes a limited number of streams', async () => {
    agent.emit(event);
    const streams = Array.from({ length: 32 }, () => follow(0));
    await Promise.all(streams.map((stream) => stream.until(1)));
    expect(await tcp('/v1/events?follow=true')).toMatchObject({
      status: 503,
      body: refusal('too-many-followers'),
    });
  });
});

describe('the socket file', () => {
  it('is for its owner alone, and so is a folder made for it', async () => {
    expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'run'))).mode & 0o777).toBe(0o700);
  });

  it('goes when the server stops', async () => {
    await server.stop();
    await expect(stat(socketPath)).rejects.toThrow('ENOENT');
  });

  it('is not taken from an agent that lives', async () => {
    await expect(build({ socketPath }).start()).rejects.toThrow(
      `another ovrd answers on ${socketPath}: stop it or choose another --socket`,
    );
    expect((await socket('/healthz')).status).toBe(200);
  });

  it('of a dead process is replaced', async () => {
    const path = join(folder, 'stale.sock');
    await leaveStaleSocket(path);
    const next = build({ socketPath: path });
    await next.start();
    expect((await send({ socketPath: path, path: '/healthz' })).status).toBe(200);
    await next.stop();
  });

  it('never replaces another kind of file', async () => {
    const path = join(folder, 'precious');
    await writeFile(path, 'text');
    await expect(build({ socketPath: path }).start()).rejects.toThrow(/is not a socket: remove it or choose/);
    expect(await readFile(path, 'utf8')).toBe('text');
  });

  it('cannot be made below a file', async () => {
    const path = join(folder, 'file');
    await writeFile(path, '');
    await expect(build({ socketPath: join(path, 'a.sock') }).start()).rejects.toThrow(
      new RegExp(`^cannot serve on .*choose another --socket$`),
    );
  });
});

/** Leaves a socket file without a process behind it, as kill -9 does. */
async function leaveStaleSocket(path: string): Promise<void> {
  const { link } = await import('node:fs/promises');
  const dead = createNetServer();
  await mkdir(join(path, '..'), { recursive: true });
  await new Promise<void>((resolve) => dead.listen(`${path}.live`, resolve));
  await link(`${path}.live`, path);
  await new Promise((resolve) => dead.close(resolve));
}

describe('the port', () => {
  it('in use gives a clear error and leaves no socket behind', async () => {
    const path = join(folder, 'second.sock');
    await expect(build({ socketPath: path, listen: { host: '127.0.0.1', port } }).start()).rejects.toThrow(
      `cannot listen on 127.0.0.1:${port}: another process is there: choose another --listen, or none`,
    );
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });

  it('of a foreign address gives a clear error', async () => {
    await expect(build({ listen: { host: '192.0.2.1', port: 0 } }).start()).rejects.toThrow(
      'cannot listen on 192.0.2.1:0: this host has no such address: choose another --listen, or none',
    );
  });

  it('survives a client that goes away in mid-request', async () => {
    await new Promise<void>((resolve) => {
      const client = connect(port, '127.0.0.1', () =>
        client.write('POST /v1/resync HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nab'),
      );
      client.on('ready', () => client.destroy());
      client.on('close', () => resolve());
    });
    expect((await tcp('/healthz')).status).toBe(200);
  });
});

it('starts once', async () => {
  await expect(server.start()).rejects.toThrow('the server was started twice');
});
