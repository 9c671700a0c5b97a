import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ScriptedEngine,
  type ScriptedHost,
  adapterOn,
  eventually,
  playHost,
} from '../../test/faultproxy/index.ts';
import { FakeClock } from '../api/index.ts';
import type { Engine } from '../reconcile/index.ts';

const IMAGE = 'registry:5000/nginx:1.27';
const LOOK = `GET /v1.41/images/${IMAGE}/json`;
const PULL = 'POST /v1.41/images/create';

let scripted: ScriptedEngine;
let host: ScriptedHost;
let present: Set<string>;
/** How the next pull goes. */
let pull: (response: ServerResponse) => void;
let engine: Engine;

beforeEach(async () => {
  host = {};
  present = new Set();
  pull = (response) => {
    present.add(IMAGE);
    response.end(
      '{"status":"Pulling from nginx"}\r\n{"status":"Downloading","progressDetail":{"current":1}}\r\n',
    );
  };
  host.also = ({ path }) => {
    const image = /\/images\/(.+)\/json$/.exec(path)?.[1];
    if (image !== undefined && present.has(image)) return { json: { Id: 'sha256:abc' } };
    if (image !== undefined) return { status: 404, json: { message: `no such image: ${image}` } };
    return path.endsWith('/images/create') ? pull : undefined;
  };
  scripted = await ScriptedEngine.start(playHost(host));
  engine = adapterOn(scripted.socketPath, { apiVersion: '1.41' });
});

afterEach(() => scripted.close());

describe('an image', () => {
  it('that is there is only looked for', async () => {
    present.add(IMAGE);
    await engine.ensureImage(IMAGE, 'IfNotPresent');
    await engine.ensureImage(IMAGE, 'Never');
    expect(scripted.calls).toEqual([LOOK, LOOK]);
  });

  it('that is not there is pulled, by its tag', async () => {
    await engine.ensureImage(IMAGE, 'IfNotPresent');
    expect(scripted.calls).toEqual([LOOK, PULL]);
    expect(Object.fromEntries(scripted.requests.at(-1)?.query ?? [])).toEqual({
      fromImage: 'registry:5000/nginx',
      tag: '1.27',
    });
  });

  it('is always pulled where the policy says so', async () => {
    present.add(IMAGE);
    await engine.ensureImage(IMAGE, 'Always');
    await engine.ensureImage(IMAGE, 'Always');
    expect(scripted.calls).toEqual([PULL, PULL]);
  });

  it('is never pulled where the policy says so', async () => {
    await expect(engine.ensureImage(IMAGE, 'Never')).rejects.toMatchObject({
      code: 'image-not-found',
      kind: 'waiting',
    });
    expect(scripted.calls).toEqual([LOOK]);
  });

  it('is pulled once for all who want it at the same time', async () => {
    const answers: ServerResponse[] = [];
    pull = (response) => answers.push(response);
    const calls = Promise.all(Array.from({ length: 10 }, () => engine.ensureImage(IMAGE, 'IfNotPresent')));
    await eventually(() => expect(answers).toHaveLength(1));
    answers[0]?.end('{"status":"done"}\n');
    await calls;
    expect(scripted.calls).toEqual([LOOK, PULL]);
  });

  it('whose pull failed is pulled again the next time', async () => {
    const works = pull;
    pull = (response) =>
      response.end('{"errorDetail":{"message":"connection refused"},"error":"connection refused"}');
    await expect(engine.ensureImage(IMAGE, 'IfNotPresent')).rejects.toHaveProperty(
      'code',
      'image-pull-failed',
    );
    pull = works;
    await engine.ensureImage(IMAGE, 'IfNotPresent');
  });

  it.each<[string, string, string, string]>([
    [
      'an error on the way',
      '{"status":"Pulling"}\n{"errorDetail":{"message":"unexpected EOF"},"error":"unexpected EOF"}\n',
      'image-pull-failed',
      'transient',
    ],
    ['an error of the old form', '{"error":"manifest unknown"}\n', 'image-not-found', 'waiting'],
    ['a page', '<html></html>', 'engine-garbled', 'transient'],
  ])('whose pull has %s has failed', async (_, stream, code, kind) => {
    pull = (response) => response.end(stream);
    await expect(engine.ensureImage(IMAGE, 'Always')).rejects.toMatchObject({ code, kind });
  });

  it('whose pull is cut has failed', async () => {
    pull = (response) => {
      response.write('{"status":"Pulling"}\n');
      setTimeout(() => response.destroy(), 20);
    };
    await expect(engine.ensureImage(IMAGE, 'Always')).rejects.toHaveProperty('code', 'engine-garbled');
  });

  it('whose pull is refused at once has failed', async () => {
    pull = (response) => {
      response.writeHead(404, { 'Content-Type': 'application/json' });
      response.end('{"message":"pull access denied for nginx, repository does not exist"}');
    };
    await expect(engine.ensureImage(IMAGE, 'Always')).rejects.toHaveProperty('code', 'image-not-found');
  });

  it.each([
    ['tells nothing for a minute', 60_000, 60_000],
    ['goes on for more than a quarter of an hour', 30_000, 15 * 60_000],
  ])('whose pull %s has failed', async (_, everyMs, untilMs) => {
    const clock = new FakeClock();
    engine = adapterOn(scripted.socketPath, { apiVersion: '1.41', clock });
    let response: ServerResponse | undefined;
    pull = (answer) => {
      response = answer;
      response.write('{"status":"Downloading"}\n');
    };
    let failure: unknown;
    const call = engine.ensureImage(IMAGE, 'Always').catch((error: unknown) => {
      failure = error;
    });
    // The deadlines of the whole pull and of the next piece of it.
    await eventually(() => expect([response !== undefined, clock.pending]).toEqual([true, 2]));
    for (let passedMs = 0; passedMs < untilMs; passedMs += everyMs) {
      expect(failure).toBeUndefined();
      const asked = clock.pending;
      clock.advance(everyMs);
      if (passedMs + everyMs < untilMs) {
        response?.write('{"status":"Downloading"}\n');
        await progress(clock, asked);
      }
    }
    await call;
    expect(failure).toMatchObject({ code: 'engine-timeout', kind: 'transient' });
    await eventually(async () => expect(await scripted.openConnections()).toBe(0));
  });

  it('that is known to be there is not looked for while watched, until an image goes', async () => {
    present.add(IMAGE);
    let stream: ServerResponse | undefined;
    const also = host.also;
    host.also = (request) =>
      request.path.endsWith('/events')
        ? (response) => {
            stream = response;
            response.flushHeaders();
          }
        : also?.(request);
    const events: string[] = [];
    const watch = engine.watch(({ type }) => events.push(type));
    await eventually(() => expect(events).toEqual(['up']));
    scripted.requests.length = 0;
    for (let count = 0; count < 3; count += 1) await engine.ensureImage(IMAGE, 'IfNotPresent');
    expect(scripted.calls).toEqual([LOOK]);
    stream?.write('{"Type":"image","Action":"untag","Actor":{"ID":"x"}}{"Type":"network","Action":"create"}');
    await eventually(() => expect(events).toEqual(['up', 'changed']));
    await engine.ensureImage(IMAGE, 'IfNotPresent');
    expect(scripted.calls).toEqual([LOOK, LOOK]);
    watch.stop();
  });
});

/** Ends when the adapter has taken in what was written: it then waits for the next piece, with a deadline made anew. */
async function progress(clock: FakeClock, pending: number): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
  await eventually(() => expect(clock.pending).toBe(pending));
}
