import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { InspectedContainer } from '../build/docker-api.ts';
import { container, manifest, network, place, startNode, testFolder, undoAfterAll } from '../build/live.ts';
import { FaultProxy } from '../faultproxy/index.ts';
import { startLab, type LabHost } from '../lab/lab.ts';
import { run } from '../lab/run.ts';
import { ovrdArgs } from '../tools/ovrd.ts';

let host: LabHost;
const undo = undoAfterAll();

beforeAll(async () => {
  const lab = await startLab({ topology: 'single', name: 'it-single' });
  undo(() => lab.down());
  host = lab.hosts[0]!;
});

const MEBI = 1024 * 1024;
const SECOND = 1_000_000_000;

/** A proxy that only counts what is asked of the daemon. */
async function countingProxy(): Promise<FaultProxy> {
  const proxy = await FaultProxy.start({ path: host.socket });
  onTestFinished(() => proxy.close());
  return proxy;
}

describe('every field of a Container reaches Docker', () => {
  const spec = {
    args: ['1000'],
    restartPolicy: 'on-failure:3',
    ports: ['8001:22', '127.0.0.1:8080:80/tcp', '9000:9000/udp'],
    resources: { limits: { cpu: '0.5', memory: '64Mi' }, requests: { cpu: '0.1', memory: '16Mi' } },
    healthcheck: { test: ['CMD', 'true'], interval: '1s', timeout: '2s', retries: 3, startPeriod: '5s' },
    user: '65534:65534',
    workingDir: '/tmp',
    hostname: 'web-host',
    readOnly: true,
    tmpfs: ['/scratch:size=1m'],
    capAdd: ['NET_ADMIN'],
    capDrop: ['MKNOD'],
    ulimits: ['nofile=1024:2048'],
    sysctls: { 'net.core.somaxconn': '1024' },
    dns: ['10.0.0.53'],
    dnsSearch: ['example.com'],
    dnsOptions: ['ndots:1'],
    extraHosts: ['db:10.0.0.7'],
    stopSignal: 'SIGQUIT',
    stopGracePeriod: '3s',
    logging: { driver: 'json-file', options: { 'max-size': '1m' } },
    devices: ['/dev/null:/dev/xnull:rw'],
    shmSize: '32Mi',
    securityOpt: ['no-new-privileges:true'],
    labels: { team: 'web' },
    networks: [{ name: 'fields', aliases: ['site'], ipv4Address: '10.77.0.20' }],
  };

  /** Where Docker shows each field, and what must be there. */
  const shown: [field: string, look: (found: InspectedContainer) => unknown, expected: unknown][] = [
    ['image', ({ Config }) => Config.Image, 'busybox:latest'],
    ['command', ({ Config }) => Config['Entrypoint'], ['sleep']],
    ['args', ({ Config }) => Config['Cmd'], ['1000']],
    [
      'restartPolicy',
      ({ HostConfig }) => HostConfig['RestartPolicy'],
      { Name: 'on-failure', MaximumRetryCount: 3 },
    ],
    [
      'ports',
      ({ HostConfig }) => HostConfig['PortBindings'],
      {
        '22/tcp': [{ HostIp: '', HostPort: '8001' }],
        '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }],
        '9000/udp': [{ HostIp: '', HostPort: '9000' }],
      },
    ],
    ['resources.limits.cpu', ({ HostConfig }) => HostConfig['NanoCpus'], 500_000_000],
    ['resources.limits.memory', ({ HostConfig }) => HostConfig['Memory'], 64 * MEBI],
    [
      'healthcheck',
      ({ Config }) => Config['Healthcheck'],
      { Test: ['CMD', 'true'], Interval: SECOND, Timeout: 2 * SECOND, StartPeriod: 5 * SECOND, Retries: 3 },
    ],
    ['user', ({ Config }) => Config['User'], '65534:65534'],
    ['workingDir', ({ Config }) => Config['WorkingDir'], '/tmp'],
    ['hostname', ({ Config }) => Config['Hostname'], 'web-host'],
    ['readOnly', ({ HostConfig }) => HostConfig['ReadonlyRootfs'], true],
    ['tmpfs', ({ HostConfig }) => HostConfig['Tmpfs'], { '/scratch': 'size=1m' }],
    ['capAdd', ({ HostConfig }) => HostConfig['CapAdd'], ['NET_ADMIN']],
    ['capDrop', ({ HostConfig }) => HostConfig['CapDrop'], ['MKNOD']],
    ['ulimits', ({ HostConfig }) => HostConfig['Ulimits'], [{ Name: 'nofile', Hard: 2048, Soft: 1024 }]],
    ['sysctls', ({ HostConfig }) => HostConfig['Sysctls'], { 'net.core.somaxconn': '1024' }],
    ['dns', ({ HostConfig }) => HostConfig['Dns'], ['10.0.0.53']],
    ['dnsSearch', ({ HostConfig }) => HostConfig['DnsSearch'], ['example.com']],
    ['dnsOptions', ({ HostConfig }) => HostConfig['DnsOptions'], ['ndots:1']],
    ['extraHosts', ({ HostConfig }) => HostConfig['ExtraHosts'], ['db:10.0.0.7']],
    ['stopSignal', ({ Config }) => Config['StopSignal'], 'SIGQUIT'],
    ['stopGracePeriod', ({ Config }) => Config['StopTimeout'], 3],
    [
      'logging',
      ({ HostConfig }) => HostConfig['LogConfig'],
      { Type: 'json-file', Config: { 'max-size': '1m' } },
    ],
    [
      'devices',
      ({ HostConfig }) => HostConfig['Devices'],
      [{ PathOnHost: '/dev/null', PathInContainer: '/dev/xnull', CgroupPermissions: 'rw' }],
    ],
    ['shmSize', ({ HostConfig }) => HostConfig['ShmSize'], 32 * MEBI],
    ['securityOpt', ({ HostConfig }) => HostConfig['SecurityOpt'], ['no-new-privileges:true']],
    ['labels', ({ Config }) => Config.Labels['team'], 'web'],
    [
      'networks.ipv4Address',
      ({ NetworkSettings }) => NetworkSettings.Networks['fields']?.IPAddress,
      '10.77.0.20',
    ],
    [
      'networks.aliases',
      ({ NetworkSettings }) => NetworkSettings.Networks['fields']?.Aliases?.includes('site'),
      true,
    ],
  ];

  test('and a second look finds nothing to do', async () => {
    const proxy = await countingProxy();
    const node = await startNode({ host, socket: proxy.socketPath });
    const folder = await testFolder('values');
    await mkdir(join(folder, 'data'));
    await writeFile(join(folder, 'secret'), 'hush\n');
    const env = [
      { name: 'PLAIN', value: 'b=c d' },
      { name: 'SECRET', valueFrom: { file: join(folder, 'secret') } },
    ];
    const volumes = [`${folder}/data:/data:ro`, 'fields-volume:/volume'];
    await node.declare(
      'all.yaml',
      network('fields', { driver: 'bridge', ipam: { subnet: '10.77.0.0/24', gateway: '10.77.0.1' } }),
      container('all', { ...spec, env, volumes }),
      container('tini', { init: true, networks: [] }),
    );

    const found = await node.docker.mustInspect('all');
    for (const [field, look, expected] of shown) expect(look(found), field).toEqual(expected);
    expect(found.Config.Env).toEqual(expect.arrayContaining(['PLAIN=b=c d', 'SECRET=hush']));
    expect(found.HostConfig['Binds']).toEqual(volumes);
    const { HostConfig } = await node.docker.mustInspect('tini');
    expect(HostConfig).toMatchObject({ Init: true, NetworkMode: 'none' });
    const [made] = await node.docker.networksNamed('fields');
    expect(made).toMatchObject({ Driver: 'bridge', IPAM: { Config: [{ Subnet: '10.77.0.0/24' }] } });

    const mark = await node.mark();
    const asked = proxy.requests.length;
    await node.lookAgain();
    await node.lookAgain();
    expect(await node.steps(mark)).toEqual([]);
    const changes = proxy.requests.slice(asked).filter(({ method }) => method !== 'GET' && method !== 'HEAD');
    expect(changes).toEqual([]);
  });
});

test('a Network without a subnet gets one from the pool, and keeps it', async () => {
  const node = await startNode({ host, args: ['--subnet-pool', '10.90.0.0/16'] });
  await host.docker(['network', 'create', '--subnet', '10.90.0.0/24', 'taken']);
  await node.declare('net.yaml', network('pooled', { driver: 'bridge' }));
  const subnet = async (): Promise<string | undefined> =>
    (await node.docker.networksNamed('pooled'))[0]?.IPAM.Config[0]?.Subnet;
  expect(await subnet()).toBe('10.90.1.0/24');
  await host.docker(['network', 'rm', 'taken']);
  await node.lookAgain();
  expect(await subnet()).toBe('10.90.1.0/24');
});

test('Docker API 1.22: network, aliases and repairs as with the newest', async () => {
  const proxy = await countingProxy();
  const args = ['--docker-api-version', '1.22'];
  const node = await startNode({ host, args, socket: proxy.socketPath });
  await node.declare(
    'old.yaml',
    network('old', { driver: 'bridge' }),
    container('old_1', {
      networks: [{ name: 'old', aliases: ['both'] }],
      resources: { limits: { cpu: '0.5' } },
    }),
    container('old_2', { networks: [{ name: 'old', aliases: ['both'] }], ports: ['8001:22'] }),
  );
  expect((await node.status()).engine.apiVersion).toBe('1.22');
  const aliases = async (name: string): Promise<readonly string[]> =>
    (await node.docker.container(name))?.NetworkSettings.Networks['old']?.Aliases ?? [];
  expect(await aliases('old_1')).toContain('both');

  await host.docker(['network', 'disconnect', 'old', 'old_1']);
  await node.eventually('the endpoint is back', async () => (await aliases('old_1')).includes('both'));
  await host.docker(['rm', '--force', 'old_2']);
  await node.eventually('the container is back', async () =>
    (await node.docker.containerNames('running')).includes('old_2'),
  );
  await node.converged();
  const versions = proxy.requests.map(({ path }) => path.split('/')[1]);
  expect(new Set(versions.filter((version) => version !== '_ping'))).toEqual(new Set(['v1.22']));
});

describe('ovrd --once', () => {
  async function once(text: string): Promise<{ code: number; stderr: string }> {
    const [manifests, folder] = await Promise.all([testFolder('manifests'), testFolder('once')]);
    await place(manifests, 'all.yaml', text);
    const options = { dockerHost: `unix://${host.socket}`, manifests, args: ['--once'] };
    return await run([process.execPath, ...ovrdArgs(options, folder)], { timeoutMs: 60_000 });
  }

  test('exits with 0 when all is as declared, and leaves it so', async () => {
    const text = manifest(network('once', { driver: 'bridge' }), container('once-1', { networks: ['once'] }));
    expect((await once(text)).code).toBe(0);
    expect(await host.docker(['ps', '--format', '{{.Names}}'])).toBe('once-1');
    expect((await once(text)).code).toBe(0);
    await host.docker(['rm', '--force', 'once-1']);
    await host.docker(['network', 'rm', 'once']);
  });

  test('exits with 1 when something cannot be, and has made the rest', async () => {
    const text = manifest(
      container('once-good', { networks: [] }),
      container('once-bad', { image: 'nowhere:1', imagePullPolicy: 'Never' }),
    );
    const { code, stderr } = await once(text);
    expect(stderr).toContain('nowhere:1');
    expect(code).toBe(1);
    expect(await host.docker(['ps', '--format', '{{.Names}}'])).toBe('once-good');
    await host.docker(['rm', '--force', 'once-good']);
  });

  test('exits with 1 when the manifests have mistakes', async () => {
    const { code, stderr } = await once(
      'apiVersion: ovr/v1\nkind: Container\nmetadata: {name: x1}\nspec: {imge: a}\n',
    );
    expect(code).toBe(1);
    expect(stderr).toContain('imge');
  });
});

describe('modes', () => {
  const declared = [
    network('seen', { driver: 'bridge' }),
    container('seen-1', { networks: ['seen'] }),
  ] as const;

  test('--mode observe reports and changes nothing', async () => {
    const proxy = await countingProxy();
    const node = await startNode({ host, args: ['--mode', 'observe'], socket: proxy.socketPath });
    await node.offer('all.yaml', ...declared);
    await node.shows('Container/seen-1', /^(Drifted|Waiting)/);
    await node.shows('Network/seen', /^Drifted/);
    await node.lookAgain();
    expect(await node.docker.containerNames()).toEqual([]);
    expect(await node.docker.networks()).toEqual([]);
    expect(proxy.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
    expect((await node.status()).converged).toBe(false);
  });

  test('ovr/mode: observe and ignore leave one object alone and keep the others', async () => {
    const node = await startNode({ host });
    const names = ['kept', 'seen', 'lost'];
    const enforced = names.map((name) => container(name, { networks: [] }));
    const modes = [{}, { 'ovr/mode': 'observe' }, { 'ovr/mode': 'ignore' }];
    await node.declare('all.yaml', ...enforced);
    await node.declare('all.yaml', ...names.map((name, at) => container(name, { networks: [] }, modes[at])));
    for (const name of names) await host.docker(['stop', '--time', '0', name]);
    await node.eventually('the enforced one runs again', async () =>
      (await node.docker.containerNames('running')).includes('kept'),
    );
    await node.shows('Container/seen', /^Drifted/);
    await node.shows('Container/lost', /^Ignored/);
    await node.lookAgain();
    expect(await node.docker.containerNames('running')).toEqual(['kept']);
    await node.declare('all.yaml', ...enforced);
    expect(await node.docker.containerNames('running')).toEqual(['kept', 'lost', 'seen']);
  });
});

describe('what is left as it is', () => {
  const pair = (annotations: Record<string, string> = {}) =>
    [
      network('left', { driver: 'bridge' }),
      container('left-1', { networks: ['left'] }, annotations),
    ] as const;

  test('a suspended container is neither started, replaced nor removed, also after a restart', async () => {
    const folder = await testFolder('suspend');
    let node = await startNode({ host, folder });
    await node.declare('all.yaml', ...pair(), container('other', { networks: [] }));
    const { Id } = await node.docker.mustInspect('left-1');
    await node.ovrd.client.suspend({ target: 'Container/left-1', who: 'ann' });
    await node.shows('Container/left-1', /^Suspended: by ann; as declared/);
    const mark = await node.mark();
    await host.docker(['stop', '--time', '0', 'left-1']);
    await node.shows('Container/left-1', /^Suspended: by ann; differs: state/);
    await node.offer('all.yaml', network('left', { driver: 'bridge' }), container('other', { networks: [] }));
    await node.shows('Container/left-1', /^Suspended: by ann; no manifest declares it/);
    await node.lookAgain();
    expect(await node.steps(mark)).toEqual([]);
    await node.ovrd.stop();
    node = await startNode({ host, folder, manifests: node.manifests });
    await node.shows('Container/left-1', /^Suspended: by ann; no manifest declares it/);
    expect((await node.docker.mustInspect('left-1')).Id).toBe(Id);
    await node.ovrd.client.release('all');
    await node.eventually('it is gone', async () => !(await node.docker.containerNames()).includes('left-1'));
  });

  test('ovr/prune: "false" keeps a container that outlives its manifest', async () => {
    const node = await startNode({ host });
    await node.declare('all.yaml', ...pair(), container('other', { networks: [] }));
    const { Id } = await node.docker.mustInspect('left-1');
    await node.declare('all.yaml', ...pair({ 'ovr/prune': 'false' }), container('other', { networks: [] }));
    await node.declare('all.yaml', container('other', { networks: [] }));
    await node.shows('Container/left-1', /^Kept: .*docker rm --force left-1$/);
    await node.shows('Network/left', /^Waiting: .*\[left-1\]/);
    expect((await node.docker.mustInspect('left-1')).Id).toBe(Id);
    await host.docker(['rm', '--force', 'left-1']);
    await node.eventually(
      'its network is gone',
      async () => (await node.docker.networksNamed('left')).length === 0,
    );
  });
});

test('dependsOn: started in order, healthy first where asked for, removed in reverse', async () => {
  const node = await startNode({ host });
  const healthcheck = { test: ['CMD', 'test', '-e', '/tmp/well'], interval: '1s', retries: 30 };
  await node.offer(
    'all.yaml',
    container('base', { networks: [] }),
    container('db', { networks: [], healthcheck, dependsOn: ['base'] }),
    container('web', { networks: [], dependsOn: [{ name: 'db', condition: 'Healthy' }] }),
    container('other', { networks: [] }),
  );
  await node.shows('Container/web', /^Waiting: waits for Container db to be healthy: its health is starting/);
  expect(await node.docker.containerNames('running')).toEqual(['base', 'db', 'other']);
  await host.docker(['exec', 'db', 'touch', '/tmp/well']);
  await node.converged();
  const started = await Promise.all(
    ['base', 'db', 'web'].map(async (name) => (await node.docker.mustInspect(name)).State.StartedAt),
  );
  expect(started).toEqual(started.toSorted());
  await host.docker(['stop', '--time', '0', 'base']);
  await node.converged();
  const mark = await node.mark();
  await node.declare('all.yaml', container('other', { networks: [] }));
  const removed = (await node.steps(mark)).filter(({ action }) => action === 'RemoveContainer');
  expect(removed.map(({ key }) => key)).toEqual(['Container/web', 'Container/db', 'Container/base']);
});

test('ovr/adopt takes over a network as it is and replaces a container', async () => {
  const node = await startNode({ host });
  const adopt = { 'ovr/adopt': 'true' };
  await host.docker(['network', 'create', '--subnet', '10.78.0.0/24', 'ours']);
  await host.docker(['run', '--detach', '--name', 'theirs', '--network', 'ours', 'busybox', 'sleep', '1000']);
  const before = await node.docker.mustInspect('theirs');
  const [net] = await node.docker.networksNamed('ours');

  await node.offer(
    'all.yaml',
    network('ours', { driver: 'bridge' }),
    container('theirs', { networks: ['ours'] }),
  );
  await node.shows('Container/theirs', /^(Conflict|Waiting)/);
  await node.shows('Network/ours', /^Conflict: .*ovr\/adopt/);
  expect((await node.docker.mustInspect('theirs')).Id).toBe(before.Id);

  await node.declare(
    'all.yaml',
    network('ours', { driver: 'bridge' }, adopt),
    container('theirs', { networks: ['ours'] }, adopt),
  );
  const after = await node.docker.mustInspect('theirs');
  expect(after.Id).not.toBe(before.Id);
  expect(after.Config.Labels['ovr.name']).toBe('theirs');
  expect(after.NetworkSettings.Networks['ours']?.IPAddress).toBe(
    before.NetworkSettings.Networks['ours']?.IPAddress,
  );
  expect((await node.docker.networksNamed('ours')).map(({ Id }) => Id)).toEqual([net?.Id]);
  expect(await node.docker.containerNames()).toEqual(['theirs']);
});
