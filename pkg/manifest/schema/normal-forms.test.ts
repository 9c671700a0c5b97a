import { describe, expect, it } from 'vitest';
import { parseManifest } from '../index.ts';
import type { ContainerSpec, NetworkSpec } from '../objects.ts';

function container(spec: string, name = 'web'): string {
  return `apiVersion: ovr/v1\nkind: Container\nmetadata: {name: ${name}}\nspec:\n  image: nginx\n${spec.replaceAll(/^/gm, '  ')}\n`;
}

function network(spec: string): string {
  return `apiVersion: ovr/v1\nkind: Network\nmetadata: {name: ovr0}\nspec: ${spec}\n`;
}

function containerSpec(spec: string, name?: string): ContainerSpec {
  const { objects, diagnostics } = parseManifest(container(spec, name), 'x.yaml');
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  const object = objects[0];
  if (object?.kind !== 'Container') throw new Error('no container');
  return object.spec;
}

function networkSpec(spec: string): NetworkSpec {
  const { objects, diagnostics } = parseManifest(network(spec), 'x.yaml');
  expect(diagnostics).toEqual([]);
  const object = objects[0];
  if (object?.kind !== 'Network') throw new Error('no network');
  return object.spec;
}

describe('defaults', () => {
  it('fills in those of a container and leaves out what is not set', () => {
    expect(containerSpec('')).toEqual({
      image: 'nginx',
      imagePullPolicy: 'IfNotPresent',
      nodeConstraint: [],
      reschedule: 'never',
      updateStrategy: { type: 'Recreate', readyTimeoutMs: 120_000, drainMs: 10_000 },
      dependsOn: [],
      env: [],
      volumes: [],
      ports: [],
      restartPolicy: { name: 'always', maximumRetryCount: 0 },
      resources: { limits: {}, requests: {} },
      labels: {},
    });
  });

  it('fills in those of a network', () => {
    const rest = { internal: false, encrypted: false, options: {}, labels: {} };
    expect(networkSpec('{}')).toEqual({ driver: 'overlay', attachable: true, ...rest });
    expect(networkSpec('{driver: bridge}')).toEqual({ driver: 'bridge', attachable: false, ...rest });
    expect(networkSpec('{attachable: false}')).toMatchObject({ attachable: false });
  });

  it('reads what surrounds the spec', () => {
    const text =
      'apiVersion: ovr/v1\nkind: Network\n' +
      'metadata: {name: n, labels: {a: b}, annotations: {ovr/mode: observe, ovr/adopt: "true", ovr/recreate: "true", x/y: z}}\n' +
      'spec: {}\n';
    expect(parseManifest(text, 'x.yaml').objects[0]).toMatchObject({
      key: 'Network/n',
      kind: 'Network',
      name: 'n',
      labels: { a: 'b' },
      annotations: { 'x/y': 'z' },
      mode: 'observe',
      adopt: true,
      recreate: true,
      origin: { file: 'x.yaml', line: 1, column: 1 },
    });
    expect(parseManifest(container(''), 'x.yaml').objects[0]).toMatchObject({
      mode: 'enforce',
      adopt: false,
      prune: true,
    });
  });
});

describe('normal forms of a container', () => {
  const table: [spec: string, expected: Partial<ContainerSpec>][] = [
    ['networks: []', { networks: [] }],
    ['networks: [ovr0]', { networks: [{ name: 'ovr0', aliases: [] }] }],
    ['networks: [bridge]', { networks: [{ name: 'bridge', aliases: [] }] }],
    [
      'networks: [{name: ovr0, aliases: [Www, api, WWW, WEB], ipv4Address: 10.0.9.10}]',
      { networks: [{ name: 'ovr0', aliases: ['api', 'www'], ipv4Address: '10.0.9.10' }] },
    ],
    [
      'networks: [{name: a, aliases: [x_y, a.b.c]}]',
      { networks: [{ name: 'a', aliases: ['a.b.c', 'x_y'] }] },
    ],
    ['nodeConstraint: node==a', { nodeConstraint: ['node==a'] }],
    ['nodeConstraint: [node==a, storage==ssd, node==a]', { nodeConstraint: ['node==a', 'storage==ssd'] }],
    [
      'env: [{name: A, value: ""}, {name: B, valueFrom: {file: /run//b}}]',
      {
        env: [
          { name: 'A', value: '' },
          { name: 'B', file: '/run/b' },
        ],
      },
    ],
    ['volumes: ["/a//b/:/c/:rw"]', { volumes: [{ type: 'bind', source: '/a/b', target: '/c' }] }],
    [
      'volumes: ["data:/c:ro,z"]',
      { volumes: [{ type: 'volume', source: 'data', target: '/c', mode: 'ro,z' }] },
    ],
    ['ports: ["8001:22"]', { ports: [{ hostPort: 8001, containerPort: 22, protocol: 'tcp' }] }],
    ['ports: [80]', { ports: [{ containerPort: 80, protocol: 'tcp' }] }],
    [
      'ports: ["127.0.0.1:80:80/TCP", "127.0.0.1::81/udp"]',
      {
        ports: [
          { hostIp: '127.0.0.1', hostPort: 80, containerPort: 80, protocol: 'tcp' },
          { hostIp: '127.0.0.1', containerPort: 81, protocol: 'udp' },
        ],
      },
    ],
    [
      'ports: ["8000-8001:9000-9001/sctp"]',
      {
        ports: [
          { hostPort: 8000, containerPort: 9000, protocol: 'sctp' },
          { hostPort: 8001, containerPort: 9001, protocol: 'sctp' },
        ],
      },
    ],
    [
      'ports: ["53:53/udp", "53:53/tcp"]',
      {
        ports: [
          { hostPort: 53, containerPort: 53, protocol: 'udp' },
          { hostPort: 53, containerPort: 53, protocol: 'tcp' },
        ],
      },
    ],
    ['restartPolicy: no', { restartPolicy: { name: 'no', maximumRetryCount: 0 } }],
    ['restartPolicy: on-failure', { restartPolicy: { name: 'on-failure', maximumRetryCount: 0 } }],
    ['restartPolicy: on-failure:3', { restartPolicy: { name: 'on-failure', maximumRetryCount: 3 } }],
    [
      'resources: {limits: {cpu: "0.5", memory: 256Mi}, requests: {cpu: 100m, memory: 64m}}',
      {
        resources: {
          limits: { nanoCpus: 500_000_000, memoryBytes: 268_435_456 },
          requests: { nanoCpus: 100_000_000, memoryBytes: 67_108_864 },
        },
      },
    ],
    [
      'resources: {limits: {cpu: 2, memory: 1.5g}}',
      {
        resources: { limits: { nanoCpus: 2_000_000_000, memoryBytes: 1_610_612_736 }, requests: {} },
      },
    ],
    ['healthcheck: {test: curl x}', { healthcheck: { test: ['CMD-SHELL', 'curl x'] } }],
    ['healthcheck: {test: [NONE]}', { healthcheck: { test: ['NONE'] } }],
    [
      'healthcheck: {test: [CMD, a], interval: 1m30s, timeout: 500ms, retries: 3, startPeriod: 2h}',
      {
        healthcheck: {
          test: ['CMD', 'a'],
          intervalMs: 90_000,
          timeoutMs: 500,
          retries: 3,
          startPeriodMs: 7_200_000,
        },
      },
    ],
    ['tmpfs: [/run/, "/tmp:size=64m,mode=1777"]', { tmpfs: ['/run', '/tmp:size=64m,mode=1777'] }],
    ['capAdd: [cap_net_admin]\ncapDrop: [ALL]', { capAdd: ['NET_ADMIN'], capDrop: ['ALL'] }],
    [
      'ulimits: ["nofile=1024:2048", nproc=64, {name: core, soft: -1}]',
      {
        ulimits: [
          { name: 'nofile', soft: 1024, hard: 2048 },
          { name: 'nproc', soft: 64, hard: 64 },
          { name: 'core', soft: -1, hard: -1 },
        ],
      },
    ],
    ['sysctls: {net.core.somaxconn: "1024"}', { sysctls: { 'net.core.somaxconn': '1024' } }],
    ['dns: [10.0.0.53, "fd00::1"]', { dns: ['10.0.0.53', 'fd00::1'] }],
    [
      'dnsSearch: [example.com]\ndnsOptions: ["ndots:1"]',
      { dnsSearch: ['example.com'], dnsOptions: ['ndots:1'] },
    ],
    [
      'extraHosts: ["db:10.0.0.7", "h:host-gateway", "v6:::1"]',
      { extraHosts: ['db:10.0.0.7', 'h:host-gateway', 'v6:::1'] },
    ],
    [
      'devices: [/dev/fuse, "/dev/a:/dev/b:r"]',
      {
        devices: [
          { hostPath: '/dev/fuse', containerPath: '/dev/fuse', permissions: 'rwm' },
          { hostPath: '/dev/a', containerPath: '/dev/b', permissions: 'r' },
        ],
      },
    ],
    [
      'dependsOn: [cache, {kind: Container, name: db, condition: Healthy}, {name: queue}]',
      {
        dependsOn: [
          { name: 'cache', condition: 'Started' },
          { name: 'db', condition: 'Healthy' },
          { name: 'queue', condition: 'Started' },
        ],
      },
    ],
    [
      'updateStrategy: StartFirst',
      { updateStrategy: { type: 'StartFirst', readyTimeoutMs: 120_000, drainMs: 10_000 } },
    ],
    [
      'updateStrategy: {type: StartFirst, readyTimeout: 1m, drain: 500ms}\nports: ["80"]',
      {
        updateStrategy: { type: 'StartFirst', readyTimeoutMs: 60_000, drainMs: 500 },
        ports: [{ containerPort: 80, protocol: 'tcp' }],
      },
    ],
    ['stopSignal: quit', { stopSignal: 'SIGQUIT' }],
    ['stopSignal: "15"', { stopSignal: '15' }],
    ['stopSignal: SIGRTMIN+3', { stopSignal: 'SIGRTMIN+3' }],
    ['stopGracePeriod: 2.5s', { stopGracePeriodMs: 2500 }],
    ['shmSize: 64m', { shmSizeBytes: 67_108_864 }],
    ['shmSize: 1048576', { shmSizeBytes: 1_048_576 }],
    [
      'logging: {driver: json-file, options: {max-size: 10m}}',
      {
        logging: { driver: 'json-file', options: { 'max-size': '10m' } },
      },
    ],
    ['logging: {driver: none}', { logging: { driver: 'none', options: {} } }],
    [
      'securityOpt: ["no-new-privileges:true", seccomp=unconfined]',
      {
        securityOpt: ['no-new-privileges:true', 'seccomp=unconfined'],
      },
    ],
    ['command: []\nargs: [a, ""]', { args: ['a', ''] }],
    [
      'user: "1000:1000"\nworkingDir: /srv/\nhostname: Web-1.x',
      { user: '1000:1000', workingDir: '/srv', hostname: 'Web-1.x' },
    ],
    ['init: true\nreadOnly: false', { init: true, readOnly: false }],
  ];
  it.each(table)('%s', (spec, expected) => {
    expect(containerSpec(spec)).toMatchObject(expected);
  });

  it('knows nothing of what is not set', () => {
    expect(Object.keys(containerSpec('command: []'))).not.toContain('command');
    expect(Object.keys(containerSpec('networks: [a]'))).toContain('networks');
  });

  it.each([
    'nginx',
    'nginx:1.27',
    'team/app',
    'localhost/app',
    'registry:5000/a/b:v1',
    'Registry.example.com/a__b/c-d',
    'a@sha256:' + 'a'.repeat(64),
    `sha256:${'0'.repeat(64)}`,
  ])('takes the image %s', (image) => {
    const text = container('').replace('image: nginx', `image: "${image}"`);
    expect(parseManifest(text, 'x.yaml').diagnostics).toEqual([]);
  });
});
