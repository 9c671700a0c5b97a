import { describe, expect, it } from 'vitest';
import { DEFAULT_UPDATE_STRATEGY, type ContainerSpec } from '../manifest/index.ts';
import type { ContainerCreate } from '../plan/index.ts';
import { createBody } from './create-body.ts';
import { NEWEST_API } from './version.ts';

const BARE: ContainerSpec = {
  image: 'nginx:1.27',
  imagePullPolicy: 'IfNotPresent',
  nodeConstraint: [],
  reschedule: 'never',
  updateStrategy: DEFAULT_UPDATE_STRATEGY,
  dependsOn: [],
  env: [],
  volumes: [],
  ports: [],
  restartPolicy: { name: 'always', maximumRetryCount: 0 },
  resources: { limits: {}, requests: {} },
  labels: {},
};

function bodyOf(
  spec: Partial<ContainerSpec>,
  {
    apiVersion = NEWEST_API,
    env = [],
    ...create
  }: Partial<ContainerCreate> & {
    apiVersion?: string;
    env?: readonly string[];
  } = {},
): object {
  const merged = { name: 'web', labels: {}, ...create, spec: { ...BARE, ...spec } };
  return createBody(merged, env, apiVersion);
}

describe('the body of a container create', () => {
  it('says nothing of what the manifest does not set', () => {
    expect(bodyOf({})).toEqual({
      Image: 'nginx:1.27',
      Env: [],
      Labels: {},
      HostConfig: { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } },
    });
  });

  it('has the environment and labels that it is given, not those of the manifest', () => {
    const spec = { env: [{ name: 'A', file: '/run/secrets/a' }], labels: { team: 'web' } };
    expect(bodyOf(spec, { env: ['A=secret'], labels: { 'ovr.kind': 'Container' } })).toMatchObject({
      Env: ['A=secret'],
      Labels: { 'ovr.kind': 'Container' },
    });
  });

  it.each<[string, Partial<ContainerSpec>, object]>([
    ['command', { command: ['/bin/nginx'] }, { Entrypoint: ['/bin/nginx'] }],
    ['args', { args: ['-g', 'daemon off;'] }, { Cmd: ['-g', 'daemon off;'] }],
    ['hostname', { hostname: 'web' }, { Hostname: 'web' }],
    ['user', { user: '1000:1000' }, { User: '1000:1000' }],
    ['workingDir', { workingDir: '/srv' }, { WorkingDir: '/srv' }],
    ['stopSignal', { stopSignal: 'SIGQUIT' }, { StopSignal: 'SIGQUIT' }],
    ['stopGracePeriod, rounded up', { stopGracePeriodMs: 1_500 }, { StopTimeout: 2 }],
    [
      'healthcheck',
      {
        healthcheck: {
          test: ['CMD', 'true'],
          intervalMs: 1_500,
          timeoutMs: 250,
          retries: 3,
          startPeriodMs: 1,
        },
      },
      {
        Healthcheck: {
          Test: ['CMD', 'true'],
          Interval: 1_500_000_000,
          Timeout: 250_000_000,
          Retries: 3,
          StartPeriod: 1_000_000,
        },
      },
    ],
    ['a healthcheck with defaults', { healthcheck: { test: ['NONE'] } }, { Healthcheck: { Test: ['NONE'] } }],
  ])('has %s', (_, spec, body) => {
    expect(bodyOf(spec)).toMatchObject(body);
  });

  it.each<[string, Partial<ContainerSpec>, object]>([
    [
      'volumes',
      {
        volumes: [
          { type: 'bind', source: '/data', target: '/srv', mode: 'ro,z' },
          { type: 'volume', source: 'logs', target: '/logs' },
        ],
      },
      { Binds: ['/data:/srv:ro,z', 'logs:/logs'] },
    ],
    [
      'restartPolicy',
      { restartPolicy: { name: 'on-failure', maximumRetryCount: 5 } },
      { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 5 } },
    ],
    [
      'limits, not requests',
      { resources: { limits: { nanoCpus: 500_000_000, memoryBytes: 1024 }, requests: { memoryBytes: 9 } } },
      { NanoCpus: 500_000_000, Memory: 1024 },
    ],
    ['init', { init: true }, { Init: true }],
    ['readOnly', { readOnly: true }, { ReadonlyRootfs: true }],
    [
      'tmpfs',
      { tmpfs: ['/run', '/tmp:size=1m,mode=1777'] },
      { Tmpfs: { '/run': '', '/tmp': 'size=1m,mode=1777' } },
    ],
    [
      'capabilities',
      { capAdd: ['NET_ADMIN'], capDrop: ['ALL'] },
      { CapAdd: ['NET_ADMIN'], CapDrop: ['ALL'] },
    ],
    [
      'ulimits',
      { ulimits: [{ name: 'nofile', soft: 1, hard: 2 }] },
      { Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 2 }] },
    ],
    ['sysctls', { sysctls: { 'net.core.somaxconn': '9' } }, { Sysctls: { 'net.core.somaxconn': '9' } }],
    [
      'dns',
      { dns: ['10.0.0.1'], dnsSearch: ['lan'], dnsOptions: ['ndots:1'] },
      { Dns: ['10.0.0.1'], DnsSearch: ['lan'], DnsOptions: ['ndots:1'] },
    ],
    ['extraHosts', { extraHosts: ['db:10.0.0.2'] }, { ExtraHosts: ['db:10.0.0.2'] }],
    [
      'logging',
      { logging: { driver: 'json-file', options: { 'max-size': '1m' } } },
      { LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } } },
    ],
    [
      'devices',
      { devices: [{ hostPath: '/dev/a', containerPath: '/dev/b', permissions: 'rw' }] },
      { Devices: [{ PathOnHost: '/dev/a', PathInContainer: '/dev/b', CgroupPermissions: 'rw' }] },
    ],
    ['shmSize', { shmSizeBytes: 1024 }, { ShmSize: 1024 }],
    ['securityOpt', { securityOpt: ['no-new-privileges'] }, { SecurityOpt: ['no-new-privileges'] }],
  ])('has %s among the host settings', (_, spec, hostConfig) => {
    expect(bodyOf(spec)).toMatchObject({ HostConfig: hostConfig });
  });

  it('publishes ports, several of the host for one of the container too', () => {
    const ports = [
      { hostPort: 8001, containerPort: 22, protocol: 'tcp' },
      { hostIp: '127.0.0.1', hostPort: 8002, containerPort: 22, protocol: 'tcp' },
      { containerPort: 53, protocol: 'udp' },
    ] as const;
    expect(bodyOf({ ports })).toMatchObject({
      ExposedPorts: { '22/tcp': {}, '53/udp': {} },
      HostConfig: {
        PortBindings: {
          '22/tcp': [
            { HostIp: '', HostPort: '8001' },
            { HostIp: '127.0.0.1', HostPort: '8002' },
          ],
          '53/udp': [{ HostIp: '', HostPort: '' }],
        },
      },
    });
  });

  it('attaches to its first network by ID, and names it by name', () => {
    const network = { name: 'ovr0', id: 'abc' };
    const endpoint = { network, aliases: ['nginx', 'web'], ipv4Address: '10.0.9.10' };
    expect(bodyOf({}, { endpoint })).toMatchObject({
      HostConfig: { NetworkMode: 'ovr0' },
      NetworkingConfig: {
        EndpointsConfig: {
          ovr0: { NetworkID: 'abc', Aliases: ['nginx', 'web'], IPAMConfig: { IPv4Address: '10.0.9.10' } },
        },
      },
    });
  });

  it('attaches by name to a network that the engine does not list', () => {
    expect(bodyOf({}, { endpoint: { network: { name: 'ovr0' }, aliases: [] } })).toMatchObject({
      HostConfig: { NetworkMode: 'ovr0' },
      NetworkingConfig: { EndpointsConfig: { ovr0: {} } },
    });
  });

  it('attaches to none where the manifest says so', () => {
    expect(bodyOf({ networks: [] })).toMatchObject({ HostConfig: { NetworkMode: 'none' } });
    expect(bodyOf({ networks: [] })).not.toHaveProperty('NetworkingConfig');
  });

  it.each<[string, string, Partial<ContainerSpec>]>([
    ['healthcheck', '1.24', { healthcheck: { test: ['CMD', 'true'] } }],
    ['sysctls', '1.24', { sysctls: {} }],
    ['init', '1.25', { init: false }],
    ['healthcheck.startPeriod', '1.29', { healthcheck: { test: ['CMD', 'true'], startPeriodMs: 1 } }],
  ])('refuses %s before API %s', (field, since, spec) => {
    const before = `1.${Number(since.slice(2)) - 1}`;
    expect(() => bodyOf(spec, { apiVersion: before })).toThrow(
      expect.objectContaining({
        code: 'invalid-request',
        kind: 'invalid',
        message: `Cannot create container web: spec.${field} needs Docker API ${since}, the one in use is ${before}. Remove the field or upgrade Docker.`,
      }) as Error,
    );
    expect(() => bodyOf(spec, { apiVersion: since })).not.toThrow();
  });

  it('says before API 1.25 with other words how much CPU', () => {
    const resources = { limits: { nanoCpus: 1_500_000_000 }, requests: {} };
    expect(bodyOf({ resources, stopGracePeriodMs: 1_000 }, { apiVersion: '1.22' })).toEqual({
      Image: 'nginx:1.27',
      Env: [],
      Labels: {},
      HostConfig: {
        RestartPolicy: { Name: 'always', MaximumRetryCount: 0 },
        CpuPeriod: 100_000,
        CpuQuota: 150_000,
      },
    });
  });
});
