import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type ScriptedHost,
  ScriptedEngine,
  adapterOn,
  eventually,
  playHost,
} from '../../test/faultproxy/index.ts';
import { passTime } from '../../test/build/passing.ts';
import { FakeClock, silentLogger } from '../api/index.ts';
import { createDockerEngine } from './engine.ts';
import { OLDEST_API } from './version.ts';

let scripted: ScriptedEngine;
let host: ScriptedHost;

beforeEach(async () => {
  host = {};
  scripted = await ScriptedEngine.start(playHost(host));
});

afterEach(() => scripted.close());

const LISTS = ['GET /v1.41/containers/json', 'GET /v1.41/networks'];

/** The calls since the last time it was asked, but for pings. */
function newCalls(): string[] {
  const calls = scripted.calls;
  scripted.requests.length = 0;
  return calls;
}

describe('the API version', () => {
  it.each([
    ['1.41', '1.41'],
    ['1.22', '1.22'],
    ['1.55', '1.47'],
  ])('of an engine that speaks up to %s is %s', async (newest, agreed) => {
    scripted.apiVersion = newest;
    const engine = adapterOn(scripted.socketPath);
    expect(await engine.facts()).toHaveProperty('apiVersion', agreed);
    await engine.observe();
    const pings = scripted.requests.filter(({ path }) => path === '/_ping');
    expect(pings).toHaveLength(1);
    expect(scripted.calls.every((call) => call.split(' ')[1]?.startsWith(`/v${agreed}/`))).toBe(true);
  });

  it('of an engine that does not tell in a ping is asked for with the oldest', async () => {
    scripted.apiVersion = undefined;
    host.also = ({ path }) =>
      path.endsWith('/version') ? { json: { Version: '1.12.0', ApiVersion: '1.24' } } : undefined;
    expect(await adapterOn(scripted.socketPath).facts()).toHaveProperty('apiVersion', '1.24');
    expect(newCalls()).toEqual([`GET /v${OLDEST_API}/version`, 'GET /v1.24/info']);
  });

  it.each([
    ['too old', '1.21', 'api-version'],
    ['nonsense', 'latest', 'engine-garbled'],
  ])('is refused when it is %s', async (_, newest, code) => {
    scripted.apiVersion = newest;
    await expect(adapterOn(scripted.socketPath).observe()).rejects.toHaveProperty('code', code);
    expect(scripted.calls).toEqual([]);
  });

  it('can be forced', async () => {
    const engine = adapterOn(scripted.socketPath, { apiVersion: '1.30' });
    expect(await engine.facts()).toHaveProperty('apiVersion', '1.30');
    expect(scripted.requests.map(({ path }) => path)).toEqual(['/v1.30/info']);
    expect(() => adapterOn(scripted.socketPath, { apiVersion: 'v1.30' })).toThrow(/write it as 1\.40/);
  });

  it('is agreed on anew when the engine does not take it any more', async () => {
    const engine = adapterOn(scripted.socketPath);
    await engine.facts();
    scripted.apiVersion = '1.47';
    host.also = ({ path }) =>
      path.startsWith('/v1.41/')
        ? {
            status: 400,
            json: { message: 'client version 1.41 is too old. Minimum supported API version is 1.44' },
          }
        : undefined;
    await expect(engine.observe()).rejects.toMatchObject({ code: 'api-version', kind: 'invalid' });
    await engine.observe();
    expect(newCalls().slice(-2)).toEqual(['GET /v1.47/containers/json', 'GET /v1.47/networks']);
  });
});

describe('facts', () => {
  it('are asked for once in five minutes', async () => {
    const clock = new FakeClock();
    const engine = adapterOn(scripted.socketPath, { clock });
    await Promise.all([engine.facts(), engine.facts()]);
    clock.advance(299_000);
    await engine.facts();
    expect(newCalls()).toEqual(['GET /v1.41/info']);
    clock.advance(1_000);
    await engine.facts();
    expect(newCalls()).toEqual(['GET /v1.41/info']);
  });

  it('are asked for again soon while the daemon is finding its Swarm', async () => {
    const clock = new FakeClock();
    host.info = { Swarm: { NodeID: 'n1', LocalNodeState: 'pending' } };
    const engine = adapterOn(scripted.socketPath, { clock });
    expect(await engine.facts()).toHaveProperty('kind', 'swarm-worker');
    host.info = { Swarm: { NodeID: 'n1', LocalNodeState: 'active', ControlAvailable: true } };
    host.also = ({ path }) => (path.endsWith('/nodes/n1') ? { json: { Spec: { Labels: null } } } : undefined);
    clock.advance(1_000);
    expect(await engine.facts()).toHaveProperty('kind', 'swarm-manager');
  });

  it('that were read before the engine came back are not kept', async () => {
    const held: (() => void)[] = [];
    host.also = ({ path }) => {
      if (!path.endsWith('/info') || held.length > 0) return undefined;
      return (response) => held.push(() => response.end('{"Name":"before"}'));
    };
    const engine = adapterOn(scripted.socketPath);
    const before = engine.facts();
    await eventually(() => expect(held).toHaveLength(1));
    const events: string[] = [];
    const watch = engine.watch(({ type }) => events.push(type));
    await eventually(() => expect(events).toEqual(['up']));
    held[0]?.();
    expect((await before).node.name).toBe('before');
    expect((await engine.facts()).node.name).toBe('swarm-node-1');
    watch.stop();
  });

  it('keep the labels of the Swarm node while nobody can read them', async () => {
    const clock = new FakeClock();
    host.info = { Swarm: { NodeID: 'n1', LocalNodeState: 'active', ControlAvailable: true } };
    host.also = ({ path }) =>
      path.endsWith('/nodes/n1')
        ? { status: 503, json: { message: 'The swarm does not have a leader.' } }
        : undefined;
    const engine = adapterOn(scripted.socketPath, { clock, nodeLabels: { zone: 'a' } });
    await expect(engine.facts()).rejects.toMatchObject({ code: 'engine-error', kind: 'transient' });

    const hasLabels = host.also;
    host.also = ({ path }) =>
      path.endsWith('/nodes/n1') ? { json: { Spec: { Labels: { disk: 'ssd' } } } } : undefined;
    expect((await engine.facts()).node.labels).toEqual({ disk: 'ssd', zone: 'a' });
    for (const change of [
      () => (host.also = hasLabels),
      () => (host.info = { Swarm: { NodeID: 'n1', LocalNodeState: 'active' } }),
    ]) {
      change();
      clock.advance(300_000);
      expect((await engine.facts()).node.labels).toEqual({ disk: 'ssd', zone: 'a' });
    }
  });
});

describe('a look at the engine', () => {
  it('without a watch reads everything each time', async () => {
    host.containers = [
      { id: 'c1', name: 'web_1' },
      { id: 'c2', name: 'other', isOwned: false },
    ];
    host.networks = [{ Id: 'n1', Name: 'ovr0', Driver: 'bridge' }];
    const engine = adapterOn(scripted.socketPath);
    for (const calls of [['GET /v1.41/info'], []]) {
      expect(await engine.observe()).toMatchObject({
        engine: { kind: 'plain' },
        containers: [
          { id: 'c1', details: { hostname: 'c1' } },
          { id: 'c2', name: 'other' },
        ],
        networks: [{ id: 'n1', name: 'ovr0' }],
      });
      expect(newCalls()).toEqual([...calls, LISTS[0], 'GET /v1.41/containers/c1/json', LISTS[1]]);
    }
  });

  describe('that lists no overlay of a cluster store any more', () => {
    const overlay = { Id: 'n1', Name: 'ovr0', Driver: 'overlay', Scope: 'global' };
    const bridge = { Id: 'n2', Name: 'bridge', Driver: 'bridge', Scope: 'local' };

    /** What is seen when this many lists lack the overlay after it was seen once, and how many lists were asked for. */
    async function seenAfter(
      lacking: number,
      gone: object = overlay,
    ): Promise<{ names: string[]; lists: number }> {
      const clock = new FakeClock();
      const engine = adapterOn(scripted.socketPath, { clock });
      host.networks = [gone, bridge];
      await engine.observe();
      newCalls();
      let lists = 0;
      host.also = ({ path }) => {
        if (!path.endsWith('/networks')) return undefined;
        lists += 1;
        return { json: lists > lacking ? [gone, bridge] : [bridge] };
      };
      let seen: readonly string[] | undefined;
      const observing = engine.observe().then(({ networks }) => (seen = networks.map(({ name }) => name)));
      for (let tries = 0; seen === undefined && tries < 100; tries += 1) await passTime(clock, 50, 50);
      return { names: await observing, lists };
    }

    it.each([
      ['is looked for again', 1, ['ovr0', 'bridge'], 2],
      ['and again', 2, ['ovr0', 'bridge'], 3],
      ['and is gone after that', 3, ['bridge'], 3],
    ])('%s', async (_, lacking, names, lists) => {
      expect(await seenAfter(lacking)).toEqual({ names, lists });
    });

    it('believes its own removal', async () => {
      const engine = adapterOn(scripted.socketPath);
      host.networks = [overlay, bridge];
      await engine.observe();
      host.also = ({ method }) => (method === 'DELETE' ? { status: 204, text: '' } : undefined);
      await engine.removeNetwork(overlay.Id);
      host.networks = [bridge];
      newCalls();
      expect((await engine.observe()).networks).toHaveLength(1);
      expect(newCalls().filter((call) => call === LISTS[1])).toHaveLength(1);
    });

    it('believes what this engine alone has', async () => {
      const local = { ...overlay, Driver: 'bridge', Scope: 'local' };
      expect(await seenAfter(1, local)).toEqual({ names: ['bridge'], lists: 1 });
    });
  });

  it('asks for all containers, also those that do not run', async () => {
    await adapterOn(scripted.socketPath).observe();
    const list = scripted.requests.find(({ path }) => path.endsWith('/containers/json'));
    expect(list?.query.get('all')).toBe('1');
  });

  it('leaves out a container that goes between list and inspect, if it is gone', async () => {
    host.containers = [
      { id: 'c1', name: 'web_1' },
      { id: 'c2', name: 'web_2' },
    ];
    host.also = ({ path }) => {
      if (path.endsWith('/c2/json')) host.containers = [{ id: 'c1', name: 'web_1' }];
      return undefined;
    };
    const { containers } = await adapterOn(scripted.socketPath).observe();
    expect(containers.map(({ id }) => id)).toEqual(['c1']);
  });

  it('leaves unknown a container that stays in the list and cannot be inspected', async () => {
    host.containers = [{ id: 'c1', name: 'web_1' }];
    host.also = ({ path }) =>
      path.endsWith('/c1/json') ? { status: 404, json: { message: 'No such container: c1' } } : undefined;
    const { containers } = await adapterOn(scripted.socketPath).observe();
    expect(containers).toMatchObject([{ id: 'c1', name: 'web_1' }]);
    expect(containers[0]).not.toHaveProperty('details');
  });

  it('leaves unknown the one container that the engine does not tell about', async () => {
    host.containers = Array.from({ length: 30 }, (_, index) => ({ id: `c${index}`, name: `web_${index}` }));
    host.also = ({ path }) =>
      path.endsWith('/c7/json') ? { status: 500, json: { message: 'x' } } : undefined;
    const { containers } = await adapterOn(scripted.socketPath).observe();
    expect(containers.filter(({ details }) => details === undefined).map(({ id }) => id)).toEqual(['c7']);
    expect(containers).toHaveLength(30);
  });

  it('does not ask about busy containers', async () => {
    host.containers = [
      { id: 'c1', name: 'web_1' },
      { id: 'c2', name: 'web_2' },
    ];
    const { containers } = await adapterOn(scripted.socketPath).observe(new Set(['web_2']));
    expect(containers.map(({ details }) => details !== undefined)).toEqual([true, false]);
  });

  it('tells both containers of one name', async () => {
    host.containers = [
      { id: 'c1', name: 'web', isOwned: false },
      { id: 'c2', name: 'web', isOwned: false },
    ];
    const { containers } = await adapterOn(scripted.socketPath).observe();
    expect(containers.map(({ id }) => id)).toEqual(['c1', 'c2']);
  });
});

describe('options', () => {
  it.each([{ host: 'docker.sock' }, { host: '/run/docker.sock', apiVersion: '1' }])(
    '%j are refused',
    (options) => {
      const engine = (): unknown =>
        createDockerEngine({ clock: new FakeClock(), logger: silentLogger, ...options });
      expect(engine).toThrow(expect.objectContaining({ code: 'invalid-request' }) as Error);
    },
  );

  it('are not mixed with DOCKER_HOST', async () => {
    const before = process.env['DOCKER_HOST'];
    process.env['DOCKER_HOST'] = 'tcp://127.0.0.1:1';
    try {
      expect(await adapterOn(scripted.socketPath).facts()).toHaveProperty('kind', 'plain');
      process.env['DOCKER_HOST'] = 'not:an:address';
      expect(() => adapterOn(scripted.socketPath)).toThrow(/DOCKER_HOST/);
    } finally {
      if (before === undefined) delete process.env['DOCKER_HOST'];
      else process.env['DOCKER_HOST'] = before;
    }
  });
});
