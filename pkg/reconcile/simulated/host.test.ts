import { describe, expect, it } from 'vitest';
import { FakeClock, OvrError } from '../../api/index.ts';
import type { EngineEvent } from '../ports.ts';
import { SimulatedWorld, type WorldOptions } from './index.ts';

function setUp(options: Partial<WorldOptions> = {}) {
  const clock = new FakeClock();
  const world = new SimulatedWorld({ clock, ...options });
  return { clock, world, host: world.host() };
}

describe('faults', () => {
  it('before a call keep it from happening, after it lose the answer', async () => {
    const { world, host } = setUp();
    const box = host.hand.runContainer('box');
    const timeOut = new OvrError('engine-timeout', 'transient', 'no answer');
    world.faults = ({ operation, phase }) => {
      if (operation === 'stopContainer' && phase === 'before') throw timeOut;
      if (operation === 'removeContainer' && phase === 'after') throw timeOut;
      return undefined;
    };
    await expect(host.engine.stopContainer(box)).rejects.toBe(timeOut);
    expect(await host.engine.containerState(box)).toEqual({ state: 'running', exitCode: 0 });
    await expect(host.engine.removeContainer(box)).rejects.toBe(timeOut);
    world.faults = undefined;
    expect((await host.engine.observe()).containers).toEqual([]);
  });

  it('are told who calls what, and can take their time', async () => {
    const { world, host, clock } = setUp();
    const seen: unknown[] = [];
    world.faults = (call) => {
      seen.push(call);
      return new Promise((resolve) => void clock.after(100, resolve));
    };
    let isDone = false;
    const call = host.engine.ensureImage('busybox', 'IfNotPresent').then(() => (isDone = true));
    await clock.advanceAsync(199);
    expect(isDone).toBe(false);
    await clock.advanceAsync(1);
    await call;
    const base = { host: 'swarm-master', operation: 'ensureImage', args: ['busybox', 'IfNotPresent'] };
    expect(seen).toEqual([
      { ...base, phase: 'before' },
      { ...base, phase: 'after' },
    ]);
  });
});

describe('calls', () => {
  it('are counted by operation, those that fail too', async () => {
    const { host } = setUp();
    await host.engine.observe();
    await host.engine.observe();
    await expect(host.engine.startContainer('none')).rejects.toMatchObject({ code: 'not-found' });
    expect(Object.fromEntries(host.calls)).toEqual({ observe: 2, startContainer: 1 });
  });

  it('take the time they are said to, partly one after the other', async () => {
    const { host, clock } = setUp({ latency: { operations: { observe: 100 }, serialShare: 0.5 } });
    const doneAtMs: number[] = [];
    const all = Promise.all(
      [1, 2, 3].map(() => host.engine.observe().then(() => doneAtMs.push(clock.monotonic()))),
    );
    await host.engine.facts();
    await clock.advanceAsync(1_000);
    await all;
    expect(doneAtMs).toEqual([100, 150, 200]);
  });
});

describe('an outage', () => {
  it('fails every call, also one under way, and rings when it begins and ends', async () => {
    const { host, clock } = setUp({ latency: { operations: { observe: 100 } } });
    const events: EngineEvent[] = [];
    host.engine.watch((event) => events.push(event));
    const underWay = host.engine.observe();
    underWay.catch(() => undefined);
    await clock.advanceAsync(50);
    host.setDown('connection refused');
    host.setDown('still down');
    host.hand.runContainer('unseen');
    await clock.advanceAsync(50);
    const unreachable = { code: 'engine-unreachable', kind: 'transient' };
    await expect(underWay).rejects.toMatchObject(unreachable);
    await expect(host.engine.facts()).rejects.toMatchObject(unreachable);
    host.setUp();
    host.setUp();
    await clock.advanceAsync(0);
    expect(events).toEqual([{ type: 'up' }, { type: 'down', message: 'connection refused' }, { type: 'up' }]);
    expect(await host.engine.facts()).toHaveProperty('kind', 'plain');
  });

  it('is what a watch that begins in it hears first', async () => {
    const { host, clock } = setUp();
    host.setDown('no such file');
    const events: EngineEvent[] = [];
    host.engine.watch((event) => events.push(event));
    await clock.advanceAsync(0);
    expect(events).toEqual([{ type: 'down', message: 'no such file' }]);
  });
});

describe('events', () => {
  it('come after the call that caused them has returned to its caller', async () => {
    const { host, clock } = setUp();
    const events: EngineEvent[] = [];
    host.engine.watch((event) => events.push(event));
    await clock.advanceAsync(0);
    host.hand.runContainer('box');
    expect(events).toHaveLength(1);
    await clock.advanceAsync(0);
    expect(events.slice(1)).toEqual([
      { type: 'changed', containerName: 'box' },
      { type: 'changed', containerName: 'box' },
      { type: 'changed', containerName: 'box', networkName: 'bridge' },
    ]);
  });

  it('can be late, lost and doubled', async () => {
    const copies = (_event: EngineEvent, index: number): number => [0, 2, 1][index] ?? 1;
    const { host, clock } = setUp({ bell: { delayMs: 10, copies } });
    const networks: (string | undefined)[] = [];
    host.engine.watch((event) => {
      if (event.type === 'changed') networks.push(event.networkName);
    });
    for (const name of ['lost', 'doubled', 'plain']) host.hand.createNetwork(name);
    await clock.advanceAsync(9);
    expect(networks).toEqual([]);
    await clock.advanceAsync(1);
    expect(networks).toEqual(['doubled', 'doubled', 'plain']);
  });

  it('reach each watch of one listener, until that watch stops', async () => {
    const { host, clock } = setUp();
    let rings = 0;
    const listener = (): void => void (rings += 1);
    const [first, second] = [host.engine.watch(listener), host.engine.watch(listener)];
    await clock.advanceAsync(0);
    expect(rings).toBe(2);
    first.stop();
    host.hand.createNetwork('side');
    second.stop();
    await clock.advanceAsync(0);
    expect(rings).toBe(2);
  });
});
