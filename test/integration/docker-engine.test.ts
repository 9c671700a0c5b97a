/** The engine adapter and one real daemon on its bad days; what both promise on good ones is in engine-contract.test.ts. */
import { mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Engine, EngineEvent, Stoppable } from '../../pkg/reconcile/index.ts';
import { containerSpec, networkSpec, ownedLabels } from '../contract/specs.ts';
import { type Fault, FaultProxy, adapterOn, eventually } from '../faultproxy/index.ts';
import { type Lab, type LabHost, startLab } from '../lab/lab.ts';
import { ensureDebianPackages } from '../tools/packages.ts';

const IMAGE = 'busybox:latest';
const PATIENCE_MS = 60_000;

let lab: Lab;
let host: LabHost;
let proxy: FaultProxy;
let engine: Engine;
let events: EngineEvent[];
let watches: Stoppable[];

beforeAll(async () => {
  lab = await startLab({ topology: 'single', name: 'dockeradapter' });
  const [first] = lab.hosts;
  if (first === undefined) throw new Error('the lab has no host');
  host = first;
});

afterAll(() => lab.down());

beforeEach(async () => {
  proxy = await FaultProxy.start({ path: host.socket });
  engine = adapterOn(proxy.socketPath);
  [events, watches] = [[], []];
});

afterEach(async () => {
  for (const watch of watches) watch.stop();
  proxy.heal();
  const direct = adapterOn(host.socket);
  const { containers, networks } = await direct.observe();
  for (const { id } of containers) await direct.removeContainer(id);
  for (const { id, labels } of networks) if (labels['ovr.cluster']) await direct.removeNetwork(id);
  await proxy.close();
});

async function watched(): Promise<void> {
  watches.push(engine.watch((event) => events.push(event)));
  await eventually(() => expect(types()).toContain('up'), PATIENCE_MS);
}

function types(): string[] {
  return events.map(({ type }) => type);
}

async function container(name: string, changes: Parameters<typeof containerSpec>[1] = {}): Promise<string> {
  const spec = containerSpec(IMAGE, changes);
  return engine.createContainer({ name, spec, labels: ownedLabels('Container', name) }, []);
}

async function running(name: string): Promise<string> {
  const id = await container(name);
  await engine.startContainer(id);
  return id;
}

async function network(name: string): Promise<string> {
  const spec = networkSpec('bridge', { ipam: { subnet: '10.203.1.0/24' } });
  return engine.createNetwork({ name, spec, labels: ownedLabels('Network', name) });
}

/** What was asked of the engine since the last time, without the version and pings. */
function asked(): string[] {
  const lines = proxy.requests
    .splice(0)
    .map(({ method, path }) => `${method} ${path.replace(/^\/v[\d.]+/, '')}`);
  return lines.filter((line) => line !== 'GET /_ping');
}

async function codeOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => 'no failure',
    (error: unknown) => (error as { code?: unknown }).code,
  );
}

const LISTS = ['GET /containers/json?all=1', 'GET /networks'];

describe('a look at an engine where nothing happens', () => {
  it('is two lists', async () => {
    for (let count = 0; count < 10; count += 1) await container(`web_${count}`);
    await watched();
    await eventually(async () => {
      await engine.observe();
      asked();
      expect((await engine.observe()).containers).toHaveLength(10);
      expect(asked()).toEqual(LISTS);
    });
  });
});

describe('what is done behind the back of the agent', () => {
  it('is seen by the first look after its event', async () => {
    const id = await running('web');
    await network('ovr0');
    await engine.connect(id, { network: { name: 'ovr0' }, aliases: ['nginx'] });
    await watched();
    const seen = async (): Promise<unknown> => {
      const { containers } = await engine.observe();
      const found = containers.find((candidate) => candidate.id === id);
      const networks = found?.endpoints.map(({ networkName }) => networkName).sort();
      return [found?.state, networks, found?.details?.restartPolicy.name];
    };
    expect(await seen()).toEqual(['running', ['bridge', 'ovr0'], 'no']);

    /** The state at the first event that is meant: a daemon tells some events before its list shows them. */
    const atFirst = async (
      isMeant: (event: EngineEvent) => boolean,
      act: () => Promise<unknown>,
    ): Promise<unknown> => {
      events.length = 0;
      const done = act();
      await eventually(() => expect(events.some(isMeant)).toBe(true));
      const state = await seen();
      await done;
      return state;
    };
    const ofWeb = (event: EngineEvent): boolean => event.type === 'changed' && event.containerName === 'web';
    const ofNetwork = (event: EngineEvent): boolean => ofWeb(event) && 'networkName' in event;
    const disconnect = (): Promise<unknown> => host.docker(['network', 'disconnect', 'ovr0', 'web']);
    expect(await atFirst(ofNetwork, disconnect)).toEqual(['running', ['bridge'], 'no']);
    const connect = (): Promise<unknown> => host.docker(['network', 'connect', 'ovr0', 'web']);
    expect(await atFirst(ofNetwork, connect)).toEqual(['running', ['bridge', 'ovr0'], 'no']);
    const update = (): Promise<unknown> => host.docker(['update', '--restart', 'always', 'web']);
    expect(await atFirst(ofWeb, update)).toEqual(['running', ['bridge', 'ovr0'], 'always']);
    await host.docker(['update', '--restart', 'no', 'web']);
    await eventually(async () => expect(await seen()).toEqual(['running', ['bridge', 'ovr0'], 'no']));
    const kill = (): Promise<unknown> => host.docker(['kill', 'web']);
    expect(await atFirst(ofWeb, kill)).toEqual(['exited', ['bridge', 'ovr0'], 'no']);
  });
});

describe('an engine that goes away', () => {
  it('and comes back, on a socket made anew, is watched again within two seconds', async () => {
    await container('web');
    engine = adapterOn(host.socket);
    await watched();
    expect((await engine.observe()).containers).toHaveLength(1);
    await host.stopDaemon();
    await eventually(() => expect(types()).toEqual(['up', 'down']), PATIENCE_MS);
    expect(await codeOf(engine.observe())).toBe('engine-unreachable');
    await host.startDaemon();
    const backMs = performance.now();
    await eventually(() => expect(types()).toEqual(['up', 'down', 'up']));
    expect((await engine.observe()).containers).toHaveLength(1);
    expect(performance.now() - backMs).toBeLessThan(2_000);
  });

  it('by freezing is noticed, though its connections stay', async () => {
    engine = adapterOn(host.socket, { timeouts: { livenessMs: 500, readMs: 1_000 } });
    await watched();
    host.freezeDaemon();
    try {
      await eventually(() => expect(types().at(-1)).toBe('down'), PATIENCE_MS);
      expect(await codeOf(engine.observe())).toBe('engine-timeout');
    } finally {
      host.thawDaemon();
    }
    await eventually(() => expect(types().at(-1)).toBe('up'), PATIENCE_MS);
    await engine.observe();
  });
});

describe('an answer', () => {
  it('that is cut anywhere is no answer, and never a shorter list', async () => {
    for (let count = 0; count < 5; count += 1) await container(`web_${count}`);
    await engine.facts();
    const whole = await engine.observe();
    for (let bodyBytes = 0; bodyBytes < 3_000; bodyBytes += 97) {
      proxy.fault(/containers\/json/, { type: 'cut', bodyBytes });
      expect([bodyBytes, await codeOf(engine.observe())]).toEqual([bodyBytes, 'engine-garbled']);
    }
    proxy.heal();
    expect((await engine.observe()).containers).toEqual(whole.containers);
  });

  it('that fails in any way leaves no connection open', async () => {
    const faults: Fault[] = [
      { type: 'stall' },
      { type: 'close' },
      { type: 'silence' },
      { type: 'cut', bodyBytes: 9 },
      { type: 'drop-answer' },
      { type: 'answer', status: 500, body: '<html>', contentType: 'text/html' },
    ];
    engine = adapterOn(proxy.socketPath, { timeouts: { readMs: 200 } });
    await eventually(() => engine.facts());
    const before = await openSockets();
    for (let round = 0; round < 5; round += 1) {
      for (const fault of faults) {
        proxy.fault(/containers|networks/, fault);
        expect(await codeOf(engine.observe())).not.toBe('no failure');
      }
    }
    proxy.heal();
    await eventually(() => engine.observe());
    await eventually(async () => expect(await openSockets()).toBeLessThanOrEqual(before));
    expect(proxy.openConnections).toBe(0);
  });
});

/** The sockets that this process has open. */
async function openSockets(): Promise<number> {
  const files = await readdir('/proc/self/fd');
  const links = await Promise.all(files.map((file) => readlink(`/proc/self/fd/${file}`).catch(() => '')));
  return links.filter((link) => link.startsWith('socket:')).length;
}

describe('a change whose answer is lost has happened once', () => {
  it('when a container is created', async () => {
    proxy.fault(/POST .*\/containers\/create/, { type: 'drop-answer' });
    expect(await codeOf(container('web'))).toBe('engine-unreachable');
    proxy.heal();
    await eventually(async () => {
      const { containers } = await engine.observe();
      expect(containers.map(({ name }) => name)).toEqual(['web']);
    });
    expect(await codeOf(container('web'))).toBe('name-in-use');
  });

  it('when a network is created', async () => {
    proxy.fault(/POST .*\/networks\/create/, { type: 'drop-answer' });
    expect(await codeOf(network('ovr0'))).toBe('engine-unreachable');
    proxy.heal();
    await eventually(async () => expect(await codeOf(network('ovr0'))).toBe('already-exists'));
    const { networks } = await engine.observe();
    expect(networks.filter(({ name }) => name === 'ovr0')).toHaveLength(1);
  });

  it('when a container is connected', async () => {
    const id = await running('web');
    const ovr0 = { name: 'ovr0', id: await network('ovr0') };
    proxy.fault(/connect/, { type: 'drop-answer' });
    expect(await codeOf(engine.connect(id, { network: ovr0, aliases: [] }))).toBe('engine-unreachable');
    proxy.heal();
    await eventually(async () =>
      expect(await codeOf(engine.connect(id, { network: ovr0, aliases: [] }))).toBe('already-connected'),
    );
  });

  it('when a container is started, stopped or removed', async () => {
    const id = await container('web');
    const twice: [pattern: RegExp, call: () => Promise<void>, again: string][] = [
      [/start/, () => engine.startContainer(id), 'not-modified'],
      [/stop/, () => engine.stopContainer(id, 0), 'not-modified'],
      [/DELETE/, () => engine.removeContainer(id), 'not-found'],
    ];
    for (const [pattern, call, again] of twice) {
      proxy.fault(pattern, { type: 'drop-answer' });
      expect(await codeOf(call())).toBe('engine-unreachable');
      proxy.heal();
      await eventually(async () => expect(await codeOf(call())).toBe(again));
    }
  });
});

describe('what a manifest says', () => {
  it('reaches the container', async () => {
    const spec = containerSpec(IMAGE, {
      readOnly: true,
      init: false,
      tmpfs: ['/scratch:size=1m'],
      capDrop: ['ALL'],
      ulimits: [{ name: 'nofile', soft: 100, hard: 200 }],
      sysctls: { 'net.ipv4.ip_default_ttl': '33' },
      dns: ['10.0.0.1'],
      dnsSearch: ['lan'],
      dnsOptions: ['ndots:1'],
      extraHosts: ['db:10.0.0.9'],
      logging: { driver: 'json-file', options: { 'max-size': '1m' } },
      shmSizeBytes: 1024 * 1024,
      securityOpt: ['no-new-privileges'],
      devices: [{ hostPath: '/dev/null', containerPath: '/dev/nothing', permissions: 'rw' }],
      user: '65534',
      workingDir: '/var',
      hostname: 'some-host',
      stopGracePeriodMs: 1_500,
      healthcheck: { test: ['CMD', 'true'], intervalMs: 1_500, retries: 2, startPeriodMs: 1_000 },
      volumes: [{ type: 'volume', source: 'adapter', target: '/data', mode: 'ro' }],
      ports: [{ hostIp: '127.0.0.1', hostPort: 18_080, containerPort: 80, protocol: 'tcp' }],
      resources: { limits: { nanoCpus: 500_000_000, memoryBytes: 32 * 2 ** 20 }, requests: {} },
    });
    const mtu = networkSpec('bridge', { mtu: 1333, ipam: { subnet: '10.203.2.0/24' } });
    const id = await engine.createNetwork({ name: 'mtu', spec: mtu, labels: ownedLabels('Network', 'mtu') });
    const endpoint = { network: { name: 'mtu', id }, aliases: [] };
    const create = { name: 'web', spec, labels: {}, endpoint };
    await engine.startContainer(await engine.createContainer(create, ['COLOUR=blue']));

    const inside = async (command: string): Promise<string> =>
      host.docker(['exec', 'web', 'sh', '-c', command]);
    expect(await inside('hostname; id -u; pwd; echo $COLOUR')).toBe(
      ['some-host', '65534', '/var', 'blue'].join('\n'),
    );
    // Of the container itself: some versions of runc raise the soft limit of what is executed in it.
    expect(await inside('grep "Max open files" /proc/1/limits')).toMatch(/files\s+100\s+200\s/);
    expect(await inside('ip link show eth0')).toContain('mtu 1333');
    expect(await inside('cat /proc/sys/net/ipv4/ip_default_ttl')).toBe('33');
    expect(await inside('cat /etc/resolv.conf')).toMatch(/search lan[^]*ndots:1/);
    expect(await inside('cat /etc/hosts')).toMatch(/10\.0\.0\.9\s+db/);
    expect(await inside('grep -c " /scratch tmpfs rw.*size=1024k" /proc/mounts; ls /dev/nothing')).toMatch(
      /^1\n/,
    );
    expect(await inside('touch /data/x 2>&1; touch /x 2>&1; true')).toMatch(/Read-only[^]*Read-only/);

    const format = '{{json .HostConfig}}\n{{json .Config}}';
    const lines = (await host.docker(['inspect', '--format', format, 'web'])).split('\n');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      Init: false,
      CapDrop: ['ALL'],
      Dns: ['10.0.0.1'],
      LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } },
      ShmSize: 1024 * 1024,
      SecurityOpt: ['no-new-privileges'],
      NanoCpus: 500_000_000,
      Memory: 32 * 2 ** 20,
      PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '18080' }] },
    });
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({
      StopTimeout: 2,
      Healthcheck: { Test: ['CMD', 'true'], Interval: 1_500_000_000, Retries: 2, StartPeriod: 1_000_000_000 },
    });
  });
});

describe('one container that hangs', () => {
  it('holds up no other', async () => {
    const [first, second] = [await container('web_1'), await container('web_2')];
    proxy.fault(new RegExp(`${first}/start`), { type: 'stall' });
    let isStuck = true;
    const stuck = codeOf(engine.startContainer(first)).finally(() => (isStuck = false));
    await engine.startContainer(second);
    expect(await engine.containerState(second)).toHaveProperty('state', 'running');
    expect(isStuck).toBe(true);
    proxy.cutAll();
    expect(await stuck).toBe('engine-unreachable');
  });
});

describe('an image of a registry', () => {
  const image = '127.0.0.1:5000/team/web:1';
  let folder: string;
  let registry: ReturnType<LabHost['spawn']>;

  beforeAll(async () => {
    await ensureDebianPackages(['docker-registry']);
    folder = await mkdtemp(join(tmpdir(), 'ovr-registry-'));
    const config = join(folder, 'config.yml');
    await writeFile(
      config,
      [
        'version: 0.1',
        'storage:',
        `  filesystem: {rootdirectory: ${folder}}`,
        'http: {addr: 127.0.0.1:5000}',
        '',
      ].join('\n'),
    );
    registry = host.spawn(['docker-registry', 'serve', config], { stdio: 'ignore' });
    await host.docker(['tag', IMAGE, image]);
    await eventually(() => host.docker(['push', image]), PATIENCE_MS);
  });

  afterAll(async () => {
    registry.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    await host.docker(['rmi', image]).catch(() => undefined);
  });

  it('is pulled once for all who want it, and again when it went', async () => {
    await watched();
    asked();
    await Promise.all(Array.from({ length: 5 }, () => engine.ensureImage(image, 'IfNotPresent')));
    await engine.ensureImage(image, 'Never');
    const pull = 'POST /images/create?fromImage=127.0.0.1%3A5000%2Fteam%2Fweb&tag=1';
    expect(asked()).toEqual([`GET /images/${image}/json`, pull]);
    await host.docker(['rmi', image]);
    await eventually(async () =>
      expect(await codeOf(engine.ensureImage(image, 'Never'))).toBe('image-not-found'),
    );
    await engine.ensureImage(image, 'IfNotPresent');
    expect(asked().at(-1)).toBe(pull);
  });

  it.each([
    ['a tag that it has not', '127.0.0.1:5000/team/web:2', 'image-not-found'],
    ['a name that it has not', '127.0.0.1:5000/team/none:1', 'image-not-found'],
    ['a registry that is not there', '127.0.0.1:5001/team/web:1', 'image-pull-failed'],
    ['a name that is none', '127.0.0.1:5000/TEAM/web:1', 'invalid-request'],
  ])('fails for %s', async (_, wanted, code) => {
    expect(await codeOf(engine.ensureImage(wanted, 'Always'))).toBe(code);
  });

  it('whose pull stands still is given up, and comes the next time', async () => {
    engine = adapterOn(proxy.socketPath, { timeouts: { pullIdleMs: 500 } });
    proxy.fault(/images\/create/, { type: 'silence' });
    expect(await codeOf(engine.ensureImage(image, 'Always'))).toBe('engine-timeout');
    proxy.heal();
    await eventually(() => engine.ensureImage(image, 'Always'), PATIENCE_MS);
  });
});
