import { describe, expect, it } from 'vitest';
import { fromInspect, fromList, networkFromInspect, networkFromList, withNetworkNames } from './observed.ts';
import { containerListShape, containerShape, networkListShape, networkShape } from './wire.ts';

const ID = 'cad812582a757d40bdf4ed3db1799ac8635fef080e7bbde37d4ede7dbf1bfa83';

function list(changes: object): ReturnType<typeof fromList> {
  const entry = {
    Id: ID,
    Names: ['/web'],
    Image: 'nginx',
    Created: 1_795_404_890,
    State: 'running',
    ...changes,
  };
  const [listed] = containerListShape.parse([entry]);
  if (listed === undefined) throw new Error('no entry');
  return fromList(listed);
}

interface Inspected {
  readonly state?: object;
  readonly config?: object;
  readonly hostConfig?: object;
  readonly networks?: unknown;
}

function inspect(changes: Inspected): ReturnType<typeof fromInspect> {
  const [listed] = containerListShape.parse([{ Id: ID, Created: 1_795_404_890, State: 'created' }]);
  if (listed === undefined) throw new Error('no entry');
  const inspected = containerShape.parse({
    Id: ID,
    Name: '/web',
    State: { Status: 'running', ExitCode: 0, StartedAt: '2026-11-23T03:34:51.1Z', ...changes.state },
    Config: { Hostname: 'cad812582a75', Image: 'nginx:1.27', Labels: null, ...changes.config },
    HostConfig: { ...changes.hostConfig },
    NetworkSettings: { Networks: changes.networks },
  });
  return fromInspect(listed, inspected);
}

describe('a listed container', () => {
  it('is told without details', () => {
    const networks = { ovr0: { NetworkID: 'n1', EndpointID: 'e1', IPAddress: '10.0.9.2' } };
    const status = 'Up 5 minutes (healthy)';
    expect(list({ Labels: { a: 'b' }, Status: status, NetworkSettings: { Networks: networks } })).toEqual({
      id: ID,
      name: 'web',
      image: 'nginx',
      labels: { a: 'b' },
      state: 'running',
      createdAtMs: 1_795_404_890_000,
      health: 'healthy',
      endpoints: [{ id: 'e1', networkId: 'n1', networkName: 'ovr0', ipv4Address: '10.0.9.2' }],
    });
  });

  it.each([
    ['nothing', {}],
    ['null', { Labels: null, NetworkSettings: null }],
    ['no networks', { Labels: {}, NetworkSettings: { Networks: null } }],
  ])('may have %s', (_, changes) => {
    expect(list(changes)).toMatchObject({ labels: {}, endpoints: [] });
  });

  it('has endpoints by name only until it is started', () => {
    const networks = { ovr0: { NetworkID: '', IPAddress: '' }, ovr1: null };
    expect(list({ State: 'created', NetworkSettings: { Networks: networks } }).endpoints).toEqual([
      { networkId: '', networkName: 'ovr0', ipv4Address: '' },
      { networkId: '', networkName: 'ovr1', ipv4Address: '' },
    ]);
  });

  it.each([
    ['its own', ['/web'], 'web'],
    ['its own among those of links', ['/proxy/backend', '/web'], 'web'],
    ["classic Swarm's, with the node", ['/swarm-node-1/web'], 'web'],
    ['its ID when it has none', null, ID],
  ])('goes by %s', (_, Names, name) => {
    expect(list({ Names }).name).toBe(name);
  });

  it.each([
    ['Up 5 minutes', 'running'],
    ['Up 5 minutes (Paused)', 'paused'],
    ['Up Less than a second (health: starting)', 'running'],
    ['Exited (137) 3 minutes ago', 'exited'],
    ['Created', 'created'],
    ['Restarting (1) 2 seconds ago', 'restarting'],
    ['Removal In Progress', 'removing'],
    ['Dead', 'dead'],
  ])('of an old API is "%s", which means %s', (Status, state) => {
    expect(list({ State: undefined, Status }).state).toBe(state);
  });

  it.each([
    [{ State: undefined, Status: 'Host Down' }],
    [{ State: undefined }],
    [{ State: 'confused' }],
    [{ Id: '' }],
    [{ Created: 'yesterday' }],
    [{ NetworkSettings: { Networks: [] } }],
  ])('of no known form is an error: %j', (changes) => {
    expect(() => list(changes)).toThrow();
  });

  it.each([
    ['Up 5 minutes', 'none'],
    ['Up 1 second (health: starting)', 'starting'],
    ['Up 5 minutes (healthy)', 'healthy'],
    ['Up 5 minutes (unhealthy)', 'unhealthy'],
    ['Exited (0) 1 second ago', 'none'],
  ])('with status "%s" has health %s', (Status, health) => {
    expect(list({ Status }).health).toBe(health);
  });
});

describe('an inspected container', () => {
  it('has details', () => {
    const networks = {
      ovr0: {
        NetworkID: 'n1',
        EndpointID: 'e1',
        IPAddress: '10.0.9.10',
        Aliases: ['WEB', 'nginx', 'cad812582a75', 'web'],
        IPAMConfig: { IPv4Address: '10.0.9.10' },
      },
      ovr1: { NetworkID: '', IPAddress: '', Aliases: ['late'], IPAMConfig: {} },
      bridge: { NetworkID: 'n2', IPAddress: '172.17.0.2', Aliases: null, IPAMConfig: null },
    };
    const { details, ...rest } = inspect({
      state: { ExitCode: 3, Health: { Status: 'unhealthy' } },
      hostConfig: {
        RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 4 },
        NanoCpus: 500_000_000,
        Memory: 1024,
      },
      networks,
    });
    expect(rest).toMatchObject({
      name: 'web',
      image: 'nginx:1.27',
      state: 'running',
      health: 'unhealthy',
      labels: {},
    });
    expect(details).toEqual({
      exitCode: 3,
      started: true,
      restarts: 0,
      startedAtMs: 1795404891100,
      hostname: 'cad812582a75',
      restartPolicy: { name: 'on-failure', maximumRetryCount: 4 },
      nanoCpus: 500_000_000,
      memoryBytes: 1024,
      aliases: new Map([
        ['n1', ['nginx']],
        ['ovr1', ['late']],
        ['n2', []],
      ]),
      requestedIpv4: new Map([['n1', '10.0.9.10']]),
    });
  });

  it('may lack all that is not always there', () => {
    expect(inspect({ state: { StartedAt: '0001-01-01T00:00:00Z' }, networks: null }).details).toEqual({
      exitCode: 0,
      started: false,
      restarts: 0,
      startedAtMs: 0,
      hostname: 'cad812582a75',
      restartPolicy: { name: 'no', maximumRetryCount: 0 },
      nanoCpus: 0,
      memoryBytes: 0,
      aliases: new Map(),
      requestedIpv4: new Map(),
    });
  });

  it('of an old API has a CPU limit in other words', () => {
    const hostConfig = { NanoCpus: 0, CpuQuota: 150_000, CpuPeriod: 100_000 };
    expect(inspect({ hostConfig }).details?.nanoCpus).toBe(1_500_000_000);
    expect(inspect({ hostConfig: { CpuQuota: -1, CpuPeriod: 0 } }).details?.nanoCpus).toBe(0);
  });
});

describe('what a refused connect leaves', () => {
  const Networks = {
    left: { NetworkID: '', EndpointID: '', IPAddress: '' },
    ovr0: { NetworkID: 'n1', EndpointID: 'e1', IPAddress: '10.0.9.2' },
  };

  it.each([
    ['running', ['ovr0']],
    ['paused', ['ovr0']],
    ['exited', ['left', 'ovr0']],
  ])('of a container that is %s shows as endpoints %j', (state, expected) => {
    const { endpoints } = list({ State: state, NetworkSettings: { Networks } });
    expect(endpoints.map(({ networkName }) => networkName)).toEqual(expected);
  });
});

describe('the network of a container that Swarm mode has not attached yet', () => {
  const ids = new Map([['ir38lft94dh6x3ebw13v6ovmz', 'ovr0']]);

  it('is recorded by its ID', () => {
    const Networks = { ir38lft94dh6x3ebw13v6ovmz: { NetworkID: '' }, other: { NetworkID: 'n2' } };
    expect(
      withNetworkNames(list({ State: 'created', NetworkSettings: { Networks } }), ids).endpoints,
    ).toEqual([
      { networkId: 'ir38lft94dh6x3ebw13v6ovmz', networkName: 'ovr0', ipv4Address: '' },
      { networkId: 'n2', networkName: 'other', ipv4Address: '' },
    ]);
  });

  it('or by its name', () => {
    const container = list({ NetworkSettings: { Networks: { ovr0: { NetworkID: '' } } } });
    expect(withNetworkNames(container, ids)).toBe(container);
  });
});

describe('a listed network', () => {
  function network(changes: object): ReturnType<typeof networkFromList> {
    const [listed] = networkListShape.parse([{ Id: 'n1', Name: 'ovr0', ...changes }]);
    if (listed === undefined) throw new Error('no entry');
    return networkFromList(listed);
  }

  it('has what Docker says of it', () => {
    const listed = network({
      Created: '2026-11-23T03:34:23.137804932+01:00',
      Scope: 'swarm',
      Driver: 'overlay',
      Internal: true,
      Attachable: true,
      Labels: { a: 'b' },
      Options: { encrypted: '' },
      IPAM: {
        Config: [
          { Subnet: '10.0.9.0/24', Gateway: '10.0.9.1', IPRange: '10.0.9.128/25' },
          { Subnet: '172.18.0.0/16', Gateway: '172.18.0.1/16' },
          { Subnet: 'fd00::/64', Gateway: '' },
          {},
        ],
      },
    });
    expect(listed).toEqual({
      id: 'n1',
      name: 'ovr0',
      driver: 'overlay',
      scope: 'swarm',
      attachable: true,
      internal: true,
      labels: { a: 'b' },
      options: { encrypted: '' },
      subnets: [
        { subnet: '10.0.9.0/24', gateway: '10.0.9.1', ipRange: '10.0.9.128/25' },
        { subnet: '172.18.0.0/16', gateway: '172.18.0.1' },
        { subnet: 'fd00::/64' },
      ],
      createdAtMs: Date.UTC(2026, 10, 23, 2, 34, 23, 137),
    });
  });

  it.each([
    {},
    { Labels: null, Options: null, IPAM: null, Created: null },
    { IPAM: { Config: null }, Scope: '' },
  ])('may lack nearly everything: %j', (changes) => {
    expect(network(changes)).toEqual({
      id: 'n1',
      name: 'ovr0',
      driver: '',
      scope: 'local',
      attachable: false,
      internal: false,
      labels: {},
      options: {},
      subnets: [],
      createdAtMs: 0,
    });
  });

  it.each(['0001-01-01T00:00:00Z', '', 'yesterday'])('made at "%s" was made nobody knows when', (Created) => {
    expect(network({ Created }).createdAtMs).toBe(0);
  });

  it.each([[{ Name: '' }], [{ Id: undefined }], [{ Scope: 'galaxy' }], [{ Labels: [] }]])(
    'of no known form is an error: %j',
    (changes) => {
      expect(() => network(changes)).toThrow();
    },
  );
});

describe('an inspected network', () => {
  it('tells who holds each endpoint here; `ep-…` is another host’s, or nobody’s', () => {
    const Containers = {
      [ID]: { Name: 'web', EndpointID: 'e1', IPv4Address: '10.50.0.3/24' },
      'ep-e2': { Name: 'other', EndpointID: 'e2', IPv4Address: '10.50.0.2/24' },
      'lb-sw0': { Name: 'sw0-endpoint', EndpointID: 'e3', IPv4Address: '10.50.0.4/24' },
    };
    const Peers = [
      { Name: 'c775a5cd97e5', IP: '10.6.21.12' },
      { Name: 'x', IP: null },
    ];
    expect(networkFromInspect(networkShape.parse({ Id: 'n1', Containers, Peers }))).toEqual({
      endpoints: [
        { id: 'e1', name: 'web', holder: ID },
        { id: 'e2', name: 'other' },
        { id: 'e3', name: 'sw0-endpoint', holder: 'lb-sw0' },
      ],
      peers: ['10.6.21.12'],
    });
  });

  it('may have nobody on it', () => {
    expect(networkFromInspect(networkShape.parse({ Id: 'n1', Containers: null }))).toEqual({ endpoints: [] });
    expect(() => networkShape.parse([])).toThrow();
  });
});
