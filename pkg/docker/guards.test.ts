import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Fault,
  FaultProxy,
  IMPATIENT,
  ScriptedEngine,
  adapterOn,
  eventually,
  playHost,
} from '../../test/faultproxy/index.ts';
import type { Engine } from '../reconcile/index.ts';

let scripted: ScriptedEngine;
let proxy: FaultProxy;
let engine: Engine;

const CONTAINERS = Array.from({ length: 20 }, (_, index) => ({
  id: `c${index}`,
  name: `web_${index}`,
  isOwned: false,
}));

beforeEach(async () => {
  scripted = await ScriptedEngine.start(playHost({ containers: CONTAINERS }));
  proxy = await FaultProxy.start({ path: scripted.socketPath });
  engine = adapterOn(proxy.socketPath, { timeouts: IMPATIENT });
});

afterEach(async () => {
  await proxy.close();
  await scripted.close();
});

async function failureOf(call: Promise<unknown>): Promise<{ code: unknown; kind: unknown }> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const { code, kind } = (error ?? {}) as { code?: unknown; kind?: unknown };
  return { code, kind };
}

const FAULTS: readonly (readonly [name: string, fault: Fault, code: string])[] = [
  ['never answers', { type: 'stall' }, 'engine-timeout'],
  ['hangs up', { type: 'close' }, 'engine-unreachable'],
  ['says how it will answer, and nothing more', { type: 'silence' }, 'engine-timeout'],
  ['is cut before the body', { type: 'cut', bodyBytes: 0 }, 'engine-garbled'],
  ['is cut in the body', { type: 'cut', bodyBytes: 40 }, 'engine-garbled'],
  ['drips', { type: 'drip', bytes: 1, everyMs: 20 }, 'engine-timeout'],
  ['loses its answer', { type: 'drop-answer' }, 'engine-unreachable'],
  [
    'answers with garbage',
    { type: 'answer', status: 200, body: '[{"Id":', contentType: 'application/json' },
    'engine-garbled',
  ],
  [
    'answers with a page',
    { type: 'answer', status: 200, body: '<html></html>', contentType: 'text/html' },
    'engine-garbled',
  ],
  [
    'answers with nothing',
    { type: 'answer', status: 200, body: '', contentType: 'application/json' },
    'engine-garbled',
  ],
  [
    'answers null',
    { type: 'answer', status: 200, body: 'null', contentType: 'application/json' },
    'engine-garbled',
  ],
  [
    'answers with an object',
    { type: 'answer', status: 200, body: '{}', contentType: 'application/json' },
    'engine-garbled',
  ],
  [
    'answers with things',
    { type: 'answer', status: 200, body: '[1,{}]', contentType: 'application/json' },
    'engine-garbled',
  ],
  [
    'fails with a page',
    { type: 'answer', status: 502, body: '<html>', contentType: 'text/html' },
    'engine-garbled',
  ],
  [
    'fails',
    { type: 'answer', status: 500, body: '{"message":"x"}', contentType: 'application/json' },
    'engine-error',
  ],
  ['is busy', { type: 'answer', status: 429, body: 'slow down', contentType: 'text/plain' }, 'engine-error'],
];

describe('an engine that', () => {
  it.each(FAULTS)('%s while it lists containers fails the look at it', async (_, fault, code) => {
    await eventually(() => engine.facts());
    proxy.fault(/GET .*\/containers\/json/, fault);
    const failure = await failureOf(engine.observe());
    expect(failure).toMatchObject({ code, kind: 'transient' });
    await eventually(() => expect(proxy.openConnections).toBe(0));
    proxy.heal();
    await eventually(async () => expect((await engine.observe()).containers).toHaveLength(20));
    await eventually(() => expect(proxy.openConnections).toBe(0));
  });

  it.each(FAULTS)('%s while it lists networks fails the look at it', async (_, fault, code) => {
    proxy.fault(/GET .*\/networks/, fault);
    // A one-byte drip of an empty list is soon over.
    if (fault.type === 'drip' || fault.type === 'cut')
      scripted.play(playHost({ networks: [{ Id: 'n', Name: 'n'.repeat(99) }] }));
    expect(await failureOf(engine.observe())).toMatchObject({ code, kind: 'transient' });
  });

  it.each(FAULTS)('%s at the first ping is asked again at the next call', async (_, fault) => {
    proxy.fault(/GET \/_ping/, fault);
    const failure = await failureOf(engine.facts());
    // Two letters drip in time, and are there before a cut after many.
    if (fault.type !== 'drip' && (fault.type !== 'cut' || fault.bodyBytes === 0)) {
      expect(failure).toHaveProperty('kind', 'transient');
    }
    proxy.heal();
    await eventually(async () => expect(await engine.facts()).toHaveProperty('apiVersion', '1.41'));
  });

  it.each([
    ['never answers', { type: 'stall' }, 'engine-timeout'],
    ['loses its answer', { type: 'drop-answer' }, 'engine-unreachable'],
    ['is cut', { type: 'cut', bodyBytes: 5 }, 'engine-garbled'],
    [
      'answers 404 for the wrong reason',
      { type: 'answer', status: 404, body: 'not here', contentType: 'text/plain' },
      'invalid-request',
    ],
  ] as const)('%s does not fail a change with success', async (_, fault, code) => {
    scripted.play(() => (response: ServerResponse) => {
      response.writeHead(404, { 'Content-Type': 'application/json' });
      response.end('{"message":"No such container: c1"}');
    });
    engine = adapterOn(proxy.socketPath, { apiVersion: '1.41', timeouts: IMPATIENT });
    proxy.fault(/DELETE/, fault);
    expect(await failureOf(engine.removeContainer('c1'))).toMatchObject({ code });
    proxy.heal();
    await eventually(async () => {
      expect(await failureOf(engine.removeContainer('c1'))).toEqual({
        code: 'not-found',
        kind: 'already-so',
      });
    });
  });

  it('is cut where nothing of the body is wanted has not answered', async () => {
    scripted.play(() => ({ json: { Id: 'sha256:abc' } }));
    engine = adapterOn(proxy.socketPath, { apiVersion: '1.41' });
    proxy.fault(/GET .*\/images\//, { type: 'cut', bodyBytes: 5 });
    expect(await failureOf(engine.ensureImage('busybox', 'Never'))).toHaveProperty('code', 'engine-garbled');
  });

  it('redirects is not followed', async () => {
    scripted.play(() => (response) => {
      response.writeHead(301, { Location: 'http://127.0.0.1:1/elsewhere' });
      response.end();
    });
    expect(await failureOf(engine.facts())).toMatchObject({ code: 'engine-garbled', kind: 'transient' });
    await eventually(() => expect(proxy.openConnections).toBe(0));
  });

  it('speaks no HTTP is garbled', async () => {
    const server = createServer((socket) => socket.resume().end('SSH-2.0-OpenSSH_9.2\r\n'));
    const path = `${proxy.socketPath}.ssh`;
    await new Promise<void>((resolve) => server.listen(path, resolve));
    expect(await failureOf(adapterOn(path).facts())).toMatchObject({ code: 'engine-garbled' });
    await new Promise((resolve) => server.close(resolve));
  });

  it('is not there cannot be reached, until it is', async () => {
    const missing = adapterOn('/tmp/ovr-no-such.sock');
    expect(await failureOf(missing.observe())).toMatchObject({
      code: 'engine-unreachable',
      kind: 'transient',
    });
  });

  it('answers one container slowly does not delay another', async () => {
    engine = adapterOn(proxy.socketPath);
    proxy.fault(/containers\/c1\//, { type: 'stall' });
    let isStuck = true;
    const stuck = failureOf(engine.containerState('c1')).finally(() => (isStuck = false));
    expect(await engine.containerState('c2')).toEqual({ state: 'running', exitCode: 0 });
    expect(isStuck).toBe(true);
    proxy.cutAll();
    expect(await stuck).toHaveProperty('code', 'engine-unreachable');
  });
});
