import { symlink } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  FaultProxy,
  IMPATIENT,
  ScriptedEngine,
  type ScriptedHost,
  adapterOn,
  eventually,
  playHost,
  realClock,
} from '../../test/faultproxy/index.ts';
import { type Clock, FakeClock } from '../api/index.ts';
import type { Engine, EngineEvent, Stoppable } from '../reconcile/index.ts';
import { retryDelay } from './event-watch.ts';

let scripted: ScriptedEngine;
let host: ScriptedHost;
let streams: ServerResponse[];
let events: EngineEvent[];
let watches: Stoppable[];

beforeEach(async () => {
  [host, streams, events, watches] = [{}, [], [], []];
  host.also = ({ path }) =>
    path.endsWith('/events')
      ? (response) => {
          streams.push(response);
          response.flushHeaders();
        }
      : undefined;
  scripted = await ScriptedEngine.start(playHost(host));
});

afterEach(async () => {
  for (const watch of watches) watch.stop();
  await scripted.close();
});

function watch(engine: Engine): Stoppable {
  const stoppable = engine.watch((event) => events.push(event));
  watches.push(stoppable);
  return stoppable;
}

function tell(...lines: object[]): void {
  streams.at(-1)?.write(lines.map((line) => JSON.stringify(line)).join('\n'));
}

/** Ends when the adapter has taken in everything told before. */
async function heard(): Promise<void> {
  const networkName = `mark-${events.length}-${performance.now()}`;
  tell({ Type: 'network', Action: 'create', Actor: { ID: 'n', Attributes: { name: networkName } } });
  await eventually(() => expect(events).toContainEqual({ type: 'changed', networkName }));
}

function types(): string[] {
  return events.map(({ type }) => type);
}

/** The inspects and image calls since the last time it was asked. */
function newCalls(): string[] {
  const calls = scripted.calls.filter((call) => /\/containers\/.+\/|\/images\//.test(call));
  scripted.requests.length = 0;
  return calls;
}

describe('a watch', () => {
  it('begins with up, asks for what matters, and tells changes', async () => {
    host.containers = [{ id: 'c1', name: 'web' }];
    const engine = adapterOn(scripted.socketPath);
    watch(engine);
    await eventually(() => expect(types()).toEqual(['up']));
    const asked = scripted.requests.find(({ path }) => path.endsWith('/events'));
    expect(JSON.parse(asked?.query.get('filters') ?? '')).toEqual({
      type: ['container', 'network', 'image', 'daemon', 'node', 'swarm'],
    });
    await engine.observe();
    tell(
      { Type: 'container', Action: 'die', Actor: { ID: 'c1', Attributes: { name: 'web' } } },
      {
        Type: 'network',
        Action: 'disconnect',
        Actor: { ID: 'n1', Attributes: { name: 'ovr0', container: 'c1' } },
      },
      { Type: 'container', Action: 'exec_die', Actor: { ID: 'c1' } },
    );
    await heard();
    expect(events.slice(1, 3)).toEqual([
      { type: 'changed', containerName: 'web' },
      { type: 'changed', networkName: 'ovr0', containerName: 'web' },
    ]);
    expect(events).toHaveLength(4);
  });

  it('knows the name of a container that came after the last list', async () => {
    watch(adapterOn(scripted.socketPath));
    await eventually(() => expect(types()).toEqual(['up']));
    tell(
      { Type: 'container', Action: 'create', Actor: { ID: 'c9', Attributes: { name: 'late' } } },
      {
        Type: 'network',
        Action: 'connect',
        Actor: { ID: 'n1', Attributes: { name: 'ovr0', container: 'c9' } },
      },
    );
    await eventually(() =>
      expect(events).toContainEqual({ type: 'changed', networkName: 'ovr0', containerName: 'late' }),
    );
  });

  it('tells nothing after its end, and leaves no connection', async () => {
    const stoppable = watch(adapterOn(scripted.socketPath));
    await eventually(() => expect(types()).toEqual(['up']));
    stoppable.stop();
    tell({ Type: 'network', Action: 'create', Actor: { ID: 'n1', Attributes: { name: 'ovr0' } } });
    await eventually(async () => expect(await scripted.openConnections()).toBe(0));
    expect(types()).toEqual(['up']);
  });

  it('can be ended by what it tells', async () => {
    const seen: string[] = [];
    const stoppable = adapterOn(scripted.socketPath).watch(({ type }) => {
      seen.push(type);
      if (type === 'changed') stoppable.stop();
    });
    await eventually(() => expect(seen).toEqual(['up']));
    tell({ Type: 'network', Action: 'create' }, { Type: 'network', Action: 'create' });
    await eventually(async () => expect(await scripted.openConnections()).toBe(0));
    expect(seen).toEqual(['up', 'changed']);
  });

  it('outlives a listener that fails', async () => {
    const seen: string[] = [];
    const stoppable = adapterOn(scripted.socketPath).watch(({ type }) => {
      seen.push(type);
      throw new Error('mistake');
    });
    watches.push(stoppable);
    await eventually(() => expect(seen).toEqual(['up']));
    tell({ Type: 'network', Action: 'create' });
    await eventually(() => expect(seen).toEqual(['up', 'changed']));
  });

  it.each([
    ['ends', () => streams.at(-1)?.end()],
    ['breaks', () => streams.at(-1)?.destroy()],
    ['is no longer JSON', () => streams.at(-1)?.write('<html>')],
  ])('whose stream %s says so once and begins again', async (_, lose) => {
    watch(adapterOn(scripted.socketPath));
    await eventually(() => expect(types()).toEqual(['up']));
    lose();
    await eventually(() => expect(types()).toEqual(['up', 'down', 'up']));
    await heard();
  });

  it('agrees on the API version anew when it begins again', async () => {
    const engine = adapterOn(scripted.socketPath);
    watch(engine);
    await eventually(() => expect(types()).toEqual(['up']));
    expect(await engine.facts()).toHaveProperty('apiVersion', '1.41');
    scripted.apiVersion = '1.45';
    streams.at(-1)?.destroy();
    await eventually(() => expect(types()).toEqual(['up', 'down', 'up']));
    expect(await engine.facts()).toHaveProperty('apiVersion', '1.45');
  });

  it('notices an engine that is frozen, and one that thaws', async () => {
    const proxy = await FaultProxy.start({ path: scripted.socketPath });
    try {
      watch(adapterOn(proxy.socketPath, { timeouts: IMPATIENT }));
      await eventually(() => expect(types().at(-1)).toBe('up'));
      events.length = 0;
      proxy.freeze();
      await eventually(() => expect(types()).toEqual(['down']));
      proxy.thaw();
      await eventually(() => expect(types().slice(0, 2)).toEqual(['down', 'up']));
    } finally {
      for (const stoppable of watches) stoppable.stop();
      await eventually(() => expect(proxy.openConnections).toBe(0));
      await proxy.close();
    }
  });

  it('finds an engine that comes later, under a socket made anew', async () => {
    const { socketPath } = scripted;
    watch(adapterOn(`${socketPath}.later`));
    await eventually(() => expect(types()).toEqual(['down']));
    await symlink(socketPath, `${socketPath}.later`);
    await eventually(() => expect(types()).toEqual(['down', 'up']));
  });

  it('waits longer and longer between tries, and not for ever', () => {
    expect([1, 2, 3, 4, 5, 20].map((failures) => retryDelay(failures, 0))).toEqual([
      100, 200, 400, 800, 1_000, 1_000,
    ]);
    expect(retryDelay(30, 59_999)).toBe(1_000);
    expect([retryDelay(90, 60_000), retryDelay(100_000, 1e9)]).toEqual([5_000, 5_000]);
  });

  it('waits by its clock, and tries for as long as it takes', async () => {
    const clock = new FakeClock();
    await scripted.close();
    watch(adapterOn(scripted.socketPath, { clock }));
    await eventually(() => expect(events).toHaveLength(1));
    expect(events[0]).toMatchObject({ type: 'down' });
    // A try leaves one timer: the one that waits for the next.
    for (let waitedMs = 0; waitedMs < 300_000; waitedMs += 5_000) {
      await eventually(() => expect(clock.pending).toBe(1));
      clock.advance(5_000);
    }
    expect(types()).toEqual(['down']);
  });
});

describe('what is known of containers while watched', () => {
  async function watched(clock: Clock = realClock): Promise<Engine> {
    const engine = adapterOn(scripted.socketPath, { clock });
    watch(engine);
    await eventually(() => expect(types()).toEqual(['up']));
    await engine.observe();
    newCalls();
    return engine;
  }

  const INSPECT = 'GET /v1.41/containers/c1/json';

  beforeEach(() => {
    host.containers = [
      { id: 'c1', name: 'web_1' },
      { id: 'c2', name: 'web_2' },
    ];
  });

  it('is not asked for again while nothing happens', async () => {
    const engine = await watched();
    const first = await engine.observe();
    const second = await engine.observe();
    expect(second.containers).toEqual(first.containers);
    expect(scripted.calls).toEqual([
      'GET /v1.41/containers/json',
      'GET /v1.41/networks',
      'GET /v1.41/containers/json',
      'GET /v1.41/networks',
    ]);
  });

  it.each<[string, object]>([
    [
      'an event of the container',
      { Type: 'container', Action: 'update', Actor: { ID: 'c1', Attributes: { name: 'web_1' } } },
    ],
    [
      'an event of an endpoint',
      { Type: 'network', Action: 'connect', Actor: { ID: 'n1', Attributes: { container: 'c1' } } },
    ],
  ])('is asked for again after %s', async (_, event) => {
    const engine = await watched();
    tell(event);
    await heard();
    await engine.observe();
    expect(newCalls()).toEqual([INSPECT]);
    await engine.observe();
    expect(newCalls()).toEqual([]);
  });

  it('is asked for each time while the watch is down', async () => {
    const engine = await watched(new FakeClock());
    streams.at(-1)?.destroy();
    await eventually(() => expect(types()).toEqual(['up', 'down']));
    for (let count = 0; count < 2; count += 1) {
      await engine.observe();
      expect(newCalls()).toHaveLength(2);
    }
  });

  it.each<[string, object]>([
    ['its state', { state: 'exited' }],
    ['its name', { name: 'web_9' }],
    ['an endpoint', { networks: { ovr0: { NetworkID: 'n1', EndpointID: 'e1', IPAddress: '10.0.9.2' } } }],
  ])('is asked for again when the list has %s changed', async (_, change) => {
    const engine = await watched();
    host.containers = [{ id: 'c1', name: 'web_1', ...change }];
    const { containers } = await engine.observe();
    expect(newCalls()).toEqual([INSPECT]);
    expect(containers).toHaveLength(1);
  });

  it('is what the inspect says where the list lags behind it', async () => {
    const engine = await watched();
    const also = host.also;
    host.also = (request) =>
      request.path.endsWith('/c1/json')
        ? {
            json: {
              Id: 'c1',
              Name: '/web_1',
              State: { Status: 'exited', ExitCode: 137, StartedAt: '2026-11-23T03:34:51Z' },
              Config: { Labels: {} },
              HostConfig: {},
              NetworkSettings: { Networks: {} },
            },
          }
        : also?.(request);
    tell({ Type: 'container', Action: 'die', Actor: { ID: 'c1', Attributes: { name: 'web_1' } } });
    await heard();
    const { containers } = await engine.observe();
    expect(containers[0]).toMatchObject({ id: 'c1', state: 'exited', details: { exitCode: 137 } });
  });

  it('is not kept from an inspect that was under way when the container changed', async () => {
    const engine = adapterOn(scripted.socketPath);
    watch(engine);
    await eventually(() => expect(types()).toEqual(['up']));
    const also = host.also;
    const held: (() => void)[] = [];
    host.also = (request) => {
      if (!request.path.endsWith('/c1/json')) return also?.(request);
      if (also) host.also = also;
      return (response) => {
        const answer = playHost(host)(request);
        held.push(() =>
          response.end(typeof answer === 'object' && 'json' in answer ? JSON.stringify(answer.json) : ''),
        );
      };
    };
    const look = engine.observe();
    await eventually(() => expect(held).toHaveLength(1));
    tell({ Type: 'container', Action: 'update', Actor: { ID: 'c1', Attributes: { name: 'web_1' } } });
    await heard();
    held[0]?.();
    await look;
    newCalls();
    await engine.observe();
    expect(newCalls()).toEqual([INSPECT]);
  });

  it.each<[string, (engine: Engine) => Promise<void>]>([
    ['container', (engine) => engine.updateContainer('c1', { nanoCpus: 1 })],
    ['endpoint', (engine) => engine.disconnect('c1', { name: 'ovr0' })],
  ])('is asked for again after ovr changed the %s, also when that failed', async (_, change) => {
    const engine = await watched();
    await expect(change(engine)).rejects.toThrow();
    newCalls();
    await engine.observe();
    expect(newCalls()).toEqual([INSPECT]);
  });

  it.each([
    [12, 5, 3],
    [600, 10, 2],
  ])('of %i containers is asked for again, %i a minute', async (count, share, minutes) => {
    const clock = new FakeClock();
    host.containers = Array.from({ length: count }, (_, index) => ({
      id: `c${index}`,
      name: `web_${index}`,
    }));
    const engine = await watched(clock);
    const renewed = new Set<string>();
    for (let minute = 0; minute < minutes; minute += 1) {
      clock.advance(60_000);
      await engine.observe();
      const calls = newCalls();
      expect(calls).toHaveLength(share);
      for (const call of calls) renewed.add(call);
    }
    expect(renewed.size).toBe(Math.min(count, share * minutes));
    await engine.observe();
    expect(newCalls()).toEqual([]);
  });

  it('is all asked for again when events may have been missed', async () => {
    const engine = await watched();
    streams.at(-1)?.destroy();
    await eventually(() => expect(types()).toEqual(['up', 'down', 'up']));
    await engine.observe();
    expect(newCalls()).toHaveLength(2);
  });

  it('of facts is asked for again when the daemon has other labels', async () => {
    const engine = await watched();
    host.info = { Labels: ['disk=ssd'] };
    tell({ Type: 'daemon', Action: 'reload' });
    await heard();
    expect((await engine.facts()).node.engineLabels).toMatchObject({ disk: 'ssd' });
  });
});
