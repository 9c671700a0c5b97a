import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { containerSpec, networkSpec } from '../../test/contract/specs.ts';
import {
  FaultProxy,
  ScriptedEngine,
  type ScriptedHost,
  adapterOn,
  eventually,
  playHost,
} from '../../test/faultproxy/index.ts';
import { FakeClock, type Logger, silentLogger } from '../api/index.ts';
import type { Engine } from '../reconcile/index.ts';

let scripted: ScriptedEngine;
let host: ScriptedHost;

beforeEach(async () => {
  host = {};
  scripted = await ScriptedEngine.start(playHost(host));
});

afterEach(() => scripted.close());

/** The adapter at an API version, against an engine that answers every change with success. */
function engineAt(apiVersion = '1.41', logger: Logger = silentLogger): Engine {
  host.also ??= ({ method, path }) => {
    if (method === 'GET') return undefined;
    if (path.endsWith('/create'))
      return { status: 201, json: { Id: 'new', Warnings: ['no swap'], Warning: '' } };
    return (response) => response.writeHead(204).end();
  };
  return adapterOn(scripted.socketPath, { apiVersion, logger });
}

interface Sent {
  readonly call: string;
  readonly query: Record<string, string>;
  readonly body: unknown;
}

function lastSent(): Sent {
  const request = scripted.requests.at(-1);
  if (request === undefined) throw new Error('nothing was sent');
  const { method, path, query, body } = request;
  return { call: `${method} ${path}`, query: Object.fromEntries(query), body };
}

const OVR0 = { name: 'ovr0', id: 'n1' };

describe('the call to', () => {
  it.each<[string, (engine: Engine) => Promise<unknown>, Sent]>([
    [
      'start a container',
      (engine) => engine.startContainer('c1'),
      { call: 'POST /v1.41/containers/c1/start', query: {}, body: undefined },
    ],
    [
      'stop one',
      (engine) => engine.stopContainer('c1', 1_500),
      { call: 'POST /v1.41/containers/c1/stop', query: { t: '2' }, body: undefined },
    ],
    [
      'stop one at once',
      (engine) => engine.stopContainer('c1', 0),
      { call: 'POST /v1.41/containers/c1/stop', query: { t: '0' }, body: undefined },
    ],
    [
      'unpause one',
      (engine) => engine.unpauseContainer('c1'),
      { call: 'POST /v1.41/containers/c1/unpause', query: {}, body: undefined },
    ],
    [
      'rename one',
      (engine) => engine.renameContainer('c1', 'web'),
      { call: 'POST /v1.41/containers/c1/rename', query: { name: 'web' }, body: undefined },
    ],
    [
      'remove one, and not its volumes',
      (engine) => engine.removeContainer('c1'),
      { call: 'DELETE /v1.41/containers/c1', query: { force: '1', v: '0' }, body: undefined },
    ],
    [
      'change how it is restarted',
      (engine) =>
        engine.updateContainer('c1', { restartPolicy: { name: 'on-failure', maximumRetryCount: 2 } }),
      {
        call: 'POST /v1.41/containers/c1/update',
        query: {},
        body: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } },
      },
    ],
    [
      'change its limits',
      (engine) => engine.updateContainer('c1', { nanoCpus: 5, memoryBytes: 100 }),
      {
        call: 'POST /v1.41/containers/c1/update',
        query: {},
        body: { NanoCpus: 5, Memory: 100, MemorySwap: 200 },
      },
    ],
    [
      'connect one',
      (engine) => engine.connect('c1', { network: OVR0, aliases: ['nginx'], ipv4Address: '10.0.9.10' }),
      {
        call: 'POST /v1.41/networks/n1/connect',
        query: {},
        body: {
          Container: 'c1',
          EndpointConfig: { NetworkID: 'n1', Aliases: ['nginx'], IPAMConfig: { IPv4Address: '10.0.9.10' } },
        },
      },
    ],
    [
      'connect one to a network that is not listed',
      (engine) => engine.connect('c1', { network: { name: 'a/b' }, aliases: [] }),
      {
        call: 'POST /v1.41/networks/a/b/connect',
        query: {},
        body: { Container: 'c1', EndpointConfig: {} },
      },
    ],
    [
      'disconnect one',
      (engine) => engine.disconnect('c1', OVR0),
      { call: 'POST /v1.41/networks/n1/disconnect', query: {}, body: { Container: 'c1', Force: false } },
    ],
    [
      'drop the record of a network that is gone, which is under its name',
      (engine) => engine.disconnect('c1', OVR0, true),
      { call: 'POST /v1.41/networks/ovr0/disconnect', query: {}, body: { Container: 'c1', Force: true } },
    ],
    [
      'remove a network',
      (engine) => engine.removeNetwork('n1'),
      { call: 'DELETE /v1.41/networks/n1', query: {}, body: undefined },
    ],
    [
      'create a network',
      (engine) => engine.createNetwork({ name: 'ovr0', spec: networkSpec('bridge'), labels: {} }),
      {
        call: 'POST /v1.41/networks/create',
        query: {},
        body: {
          Name: 'ovr0',
          Driver: 'bridge',
          Internal: false,
          CheckDuplicate: true,
          Attachable: false,
          Options: {},
          Labels: {},
        },
      },
    ],
    [
      'create a container',
      (engine) =>
        engine.createContainer({ name: 'web', spec: containerSpec('busybox'), labels: { a: 'b' } }, ['X=y']),
      {
        call: 'POST /v1.41/containers/create',
        query: { name: 'web' },
        body: {
          Image: 'busybox',
          Entrypoint: ['sleep', '1000'],
          Env: ['X=y'],
          Labels: { a: 'b' },
          HostConfig: { RestartPolicy: { Name: 'no', MaximumRetryCount: 0 } },
        },
      },
    ],
  ])('%s', async (_, act, sent) => {
    await act(engineAt());
    expect(lastSent()).toEqual(sent);
  });

  it('change a CPU limit has other words before API 1.25', async () => {
    await engineAt('1.24').updateContainer('c1', { nanoCpus: 500_000_000 });
    expect(lastSent().body).toEqual({ CpuPeriod: 100_000, CpuQuota: 50_000 });
  });

  it.each([{ nanoCpus: 0 }, { memoryBytes: 0 }])('lift a limit is refused: %j', async (update) => {
    await expect(engineAt().updateContainer('c1', update)).rejects.toMatchObject({
      code: 'invalid-request',
      kind: 'invalid',
    });
    expect(scripted.requests).toEqual([]);
  });

  it('create something answers with its ID, and tells warnings', async () => {
    const warnings: unknown[] = [];
    const engine = engineAt('1.41', { ...silentLogger, warn: (fields) => warnings.push(fields) });
    expect(
      await engine.createContainer({ name: 'web', spec: containerSpec('busybox'), labels: {} }, []),
    ).toBe('new');
    expect(warnings).toEqual([{ container: 'web', warning: 'no swap' }]);
    expect(await engine.createNetwork({ name: 'n', spec: networkSpec('bridge'), labels: {} })).toBe('new');
  });

  it('create something that answers without an ID has failed', async () => {
    host.also = () => ({ status: 201, json: {} });
    const create = engineAt().createNetwork({ name: 'n', spec: networkSpec('bridge'), labels: {} });
    await expect(create).rejects.toHaveProperty('code', 'engine-garbled');
  });

  it.each([
    [7, 22_000],
    [undefined, 25_000],
  ])(
    'stop a container whose own grace period is %s s has a deadline of %i ms',
    async (StopTimeout, deadlineMs) => {
      const clock = new FakeClock();
      host.also = ({ method }) =>
        method === 'GET'
          ? {
              json: {
                Id: 'c1',
                Name: '/web',
                State: { Status: 'running', ExitCode: 0 },
                Config: { StopTimeout },
                HostConfig: {},
              },
            }
          : () => undefined;
      const engine = adapterOn(scripted.socketPath, { apiVersion: '1.41', clock });
      const stop = engine.stopContainer('c1');
      stop.catch(() => undefined);
      await eventually(() => expect(lastSent().call).toBe('POST /v1.41/containers/c1/stop'));
      expect(lastSent().query).toEqual({ t: String(StopTimeout ?? 10) });
      clock.advance(deadlineMs - 1);
      expect(clock.pending).toBe(1);
      clock.advance(1);
      await expect(stop).rejects.toHaveProperty('code', 'engine-timeout');
    },
  );

  it('look at a container fails when it is not there', async () => {
    await expect(engineAt().containerState('c1')).rejects.toMatchObject({
      code: 'not-found',
      kind: 'waiting',
    });
  });
});

describe('a message', () => {
  it('speaks of containers and networks by the names of the last look', async () => {
    host.containers = [{ id: 'c1', name: 'web', isOwned: false }];
    host.networks = [{ Id: 'n1', Name: 'ovr0' }];
    host.also = ({ method }) => (method === 'GET' ? undefined : { status: 500, json: { message: 'no' } });
    const engine = engineAt();
    await engine.observe();
    await expect(engine.startContainer('c1')).rejects.toThrow('Cannot start container web: no (HTTP 500).');
    await expect(engine.removeNetwork('n1')).rejects.toThrow('Cannot remove network ovr0: no (HTTP 500).');
    await expect(engine.connect('c1', { network: OVR0, aliases: [] })).rejects.toThrow(
      'Cannot connect container web to network ovr0: no (HTTP 500).',
    );
    await expect(engine.startContainer('a'.repeat(64))).rejects.toThrow(
      'Cannot start container aaaaaaaaaaaa:',
    );
  });

  it('speaks of a container by the name that it was just given', async () => {
    const engine = engineAt();
    await engine.createContainer({ name: 'web', spec: containerSpec('busybox'), labels: {} }, []);
    host.also = () => ({ status: 500, json: { message: 'no' } });
    await expect(engine.startContainer('new')).rejects.toThrow('Cannot start container web: no');
  });
});

describe('an endpoint that exists already', () => {
  const message = 'endpoint with name web already exists in network ovr0';

  function engineWith(networks: Record<string, object>): Engine {
    host.containers = [{ id: 'c1', name: 'web', networks }];
    host.also = ({ method }) => (method === 'POST' ? { status: 403, json: { message } } : undefined);
    return engineAt();
  }

  it.each<[string, Record<string, object>, object, string]>([
    ['is its own', { ovr0: { NetworkID: 'n1', EndpointID: 'e1' } }, OVR0, 'already-connected'],
    [
      'is its own, by name',
      { ovr0: { NetworkID: 'n1', EndpointID: 'e1' } },
      { name: 'ovr0' },
      'already-connected',
    ],
    ['is that of a crashed one', {}, OVR0, 'stale-endpoint'],
    [
      'is on another network of that name',
      { ovr0: { NetworkID: 'n2', EndpointID: 'e1' } },
      OVR0,
      'stale-endpoint',
    ],
    ['is only a record', { ovr0: { NetworkID: 'n1', EndpointID: '' } }, OVR0, 'stale-endpoint'],
  ])('%s', async (_, networks, network, code) => {
    const ref = network as typeof OVR0;
    await expect(engineWith(networks).connect('c1', { network: ref, aliases: [] })).rejects.toHaveProperty(
      'code',
      code,
    );
  });
});

describe('a disconnect that finds no connection by ID', () => {
  it.each<[string, Record<string, object>, boolean]>([
    ['goes by name where the record has that ID', { ovr0: { NetworkID: 'n1' } }, true],
    ['goes by name where the record has no ID', { ovr0: { NetworkID: '' } }, true],
    ['leaves another network of that name', { ovr0: { NetworkID: 'n2' } }, false],
    ['is done when there is no record', {}, false],
  ])('%s', async (_, networks, goesByName) => {
    host.containers = [{ id: 'c1', name: 'web', networks }];
    const message = 'container c1 is not connected to the network n1';
    host.also = ({ method, path }) => {
      if (method === 'GET') return undefined;
      return path.includes('/n1/') ? { status: 500, json: { message } } : (response) => response.end();
    };
    const disconnect = engineAt().disconnect('c1', OVR0);
    if (goesByName) await disconnect;
    else await expect(disconnect).rejects.toMatchObject({ code: 'not-connected', kind: 'already-so' });
    const changes = scripted.calls.filter((call) => call.startsWith('POST'));
    expect(changes.slice(1)).toEqual(goesByName ? ['POST /v1.41/networks/ovr0/disconnect'] : []);
  });
});

describe('a change whose answer is lost', () => {
  it('is done once, and told as unknown', async () => {
    host.also = ({ method }) => (method === 'POST' ? { status: 201, json: { Id: 'new' } } : undefined);
    const proxy = await FaultProxy.start({ path: scripted.socketPath });
    try {
      proxy.fault(/POST/, { type: 'drop-answer' });
      const engine = adapterOn(proxy.socketPath);
      const create = engine.createNetwork({ name: 'ovr0', spec: networkSpec('bridge'), labels: {} });
      await expect(create).rejects.toMatchObject({ code: 'engine-unreachable', kind: 'transient' });
      expect(scripted.calls).toEqual(['POST /v1.41/networks/create']);
    } finally {
      await proxy.close();
    }
  });
});
