import fc from 'fast-check';
import { stringify } from 'yaml';
import { describe, expect, it } from 'vitest';
import { parseManifest, type ManifestObject } from './index.ts';

function parse(text: string): ManifestObject {
  const { objects, diagnostics } = parseManifest(text, 'x.yaml');
  const [object] = objects;
  if (!object) throw new Error(JSON.stringify(diagnostics));
  return object;
}

function container(spec: object, metadata: object = { name: 'web' }): ManifestObject {
  return parse(
    stringify({ apiVersion: 'ovr/v1', kind: 'Container', metadata, spec: { image: 'nginx', ...spec } }),
  );
}

function network(spec: object): ManifestObject {
  return parse(stringify({ apiVersion: 'ovr/v1', kind: 'Network', metadata: { name: 'ovr0' }, spec }));
}

const full = {
  imagePullPolicy: 'Always',
  nodeConstraint: ['node==a', 'storage==ssd'],
  reschedule: 'on-node-failure',
  networks: [{ name: 'ovr0', aliases: ['x', 'y'], ipv4Address: '10.0.9.10' }],
  command: ['sh'],
  args: ['-c', 'x'],
  env: [
    { name: 'A', value: '1' },
    { name: 'B', valueFrom: { file: '/b' } },
  ],
  volumes: ['/a:/b', 'data:/c:ro'],
  ports: ['80:80', '53:53/udp'],
  restartPolicy: 'no',
  resources: { limits: { cpu: '0.5', memory: '64Mi' }, requests: { cpu: '0.1' } },
  healthcheck: { test: ['CMD', 'x'], interval: '10s' },
  user: 'root',
  capAdd: ['NET_ADMIN', 'SYS_TIME'],
  ulimits: ['nofile=1:2', 'nproc=5'],
  sysctls: { a: '1', b: '2' },
  dns: ['10.0.0.1', '10.0.0.2'],
  logging: { driver: 'json-file', options: { a: '1', b: '2' } },
  labels: { a: '1', b: '2' },
};

/** The same document with the keys of every map in another order. */
function shuffled(value: unknown, order: (keys: string[]) => string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, order));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    order(Object.keys(value)).map((key) => [key, shuffled(Reflect.get(value, key), order)]),
  );
}

describe('digest and spec hash', () => {
  it('do not change between versions of ovr: a change here replaces containers on every host', () => {
    expect(
      [container({}), container(full), network({}), network({ driver: 'bridge', mtu: 1400 })].map(
        ({ digest, specHash }) => `${digest} ${specHash}`,
      ),
    ).toMatchInlineSnapshot(`
      [
        "bf5f5ee6f4fb62e449eb103a1ec05493 55ba9e52c83d5e1fdf3bc32d60df7771",
        "9210cf33fb2d5d10e61472515f0c68fd 8312bac4a85b327ea909e4e3098f3d81",
        "d277bb6ff41355674a320aecb8dafbaf 44136fa355b3678a1146ad16f7e8649e",
        "8762528ab7d732a71e29220b0ea30fa2 280a5ac65adb73862d807cf0c24eab75",
      ]
    `);
  });

  it('mean the same for any order of keys', () => {
    const document = {
      apiVersion: 'ovr/v1',
      kind: 'Container',
      metadata: { name: 'web', labels: { a: '1', b: '2' } },
      spec: { image: 'x', ...full },
    };
    const plain = parse(stringify(document));
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), (numbers) => {
        const order = (keys: string[]): string[] => {
          const ranked = keys.map((key) => ({ key, rank: Number(numbers.next().value) }));
          return ranked.sort((a, b) => a.rank - b.rank).map(({ key }) => key);
        };
        const other = parse(stringify(shuffled(document, order)));
        expect([other.digest, other.specHash]).toEqual([plain.digest, plain.specHash]);
      }),
      { numRuns: 50 },
    );
  });

  const containerDefaults = {
    imagePullPolicy: 'IfNotPresent',
    nodeConstraint: [],
    reschedule: 'never',
    command: [],
    args: [],
    env: [],
    volumes: [],
    ports: [],
    restartPolicy: 'always',
    resources: { limits: {}, requests: {} },
    labels: {},
  };
  const networkDefaults = {
    driver: 'overlay',
    attachable: true,
    internal: false,
    encrypted: false,
    options: {},
    labels: {},
  };
  it('mean the same for defaults spelled out and left out', () => {
    fc.assert(
      fc.property(
        fc.subarray(Object.entries(containerDefaults)),
        fc.subarray(Object.entries(networkDefaults)),
        (some, others) => {
          const [a, b] = [container(Object.fromEntries(some)), container({})];
          expect([a.digest, a.specHash]).toEqual([b.digest, b.specHash]);
          const [c, d] = [network(Object.fromEntries(others)), network({})];
          expect([c.digest, c.specHash]).toEqual([d.digest, d.specHash]);
        },
      ),
      { numRuns: 100 },
    );
  });

  const equal: [what: string, a: object, b: object][] = [
    ['order of env', { env: full.env }, { env: [...full.env].reverse() }],
    ['order of volumes', { volumes: full.volumes }, { volumes: [...full.volumes].reverse() }],
    ['order of ports', { ports: full.ports }, { ports: [...full.ports].reverse() }],
    [
      'order of constraints',
      { nodeConstraint: ['node==a', 'b==cc'].map((c) => c.replace('b=', 'bb=')) },
      { nodeConstraint: ['bb==cc', 'node==a'] },
    ],
    ['spelling of a duration', { stopGracePeriod: '60s' }, { stopGracePeriod: '1m' }],
    [
      'spelling of an amount',
      { resources: { limits: { cpu: 0.5, memory: '64Mi' } } },
      { resources: { limits: { cpu: '500m', memory: '64m' } } },
    ],
    ['spelling of a capability', { capAdd: ['cap_net_admin'] }, { capAdd: ['NET_ADMIN'] }],
    ['spelling of a path', { volumes: ['/a//b/:/c:rw'] }, { volumes: ['/a/b:/c'] }],
    ['form of a network', { networks: ['ovr0'] }, { networks: [{ name: 'ovr0', aliases: [] }] }],
    ['the own name as an alias', { networks: ['ovr0'] }, { networks: [{ name: 'ovr0', aliases: ['web'] }] }],
    ['form of a health test', { healthcheck: { test: 'x' } }, { healthcheck: { test: ['CMD-SHELL', 'x'] } }],
  ];
  it.each(equal)('do not tell apart: %s', (_, a, b) => {
    const [one, other] = [container(a), container(b)];
    expect([one.digest, one.specHash]).toEqual([other.digest, other.specHash]);
  });

  it.each([
    ['networks', ['ovr1']],
    ['networks', []],
    ['restartPolicy', 'always'],
    ['resources', { limits: { cpu: '1' } }],
    ['nodeConstraint', 'node==b'],
    ['reschedule', 'never'],
    ['imagePullPolicy', 'Never'],
    ['updateStrategy', { type: 'Recreate', readyTimeout: '5s' }],
  ])('a changed %s changes only the digest: no replacement', (field, value) => {
    const [before, after] = [container(full), container({ ...full, [field]: value })];
    expect(after.specHash).toBe(before.specHash);
    expect(after.digest).not.toBe(before.digest);
  });

  it.each([
    ['image', 'nginx:2'],
    ['env', [{ name: 'A', value: '2' }]],
    ['env', [{ name: 'B', valueFrom: { file: '/other' } }]],
    ['args', ['x', '-c']],
    ['dns', ['10.0.0.2', '10.0.0.1']],
    ['labels', { a: '1' }],
    ['user', 'nobody'],
    ['init', false],
  ])('a changed %s changes both', (field, value) => {
    const [before, after] = [container(full), container({ ...full, [field]: value })];
    expect(after.specHash).not.toBe(before.specHash);
    expect(after.digest).not.toBe(before.digest);
  });

  it('cover names, labels and annotations in the digest, but not the place', () => {
    const metadata = { name: 'web', labels: { a: '1' }, annotations: { 'ovr/mode': 'observe' } };
    const digests = [{ name: 'web' }, { name: 'web2' }, { ...metadata, annotations: {} }, metadata].map(
      (entry) => container({}, entry).digest,
    );
    expect(new Set(digests).size).toBe(4);
    const moved = parseManifest(
      `# elsewhere\n${stringify({ apiVersion: 'ovr/v1', kind: 'Container', metadata, spec: { image: 'nginx' } })}`,
      'y.yaml',
    );
    expect(moved.objects[0]?.digest).toBe(digests[3]);
  });

  it('tell networks: [] from no networks at all', () => {
    expect(container({ networks: [] }).digest).not.toBe(container({}).digest);
  });

  it('see the whole spec of a network', () => {
    const specs = [
      {},
      { driver: 'bridge' },
      { attachable: false },
      { driver: 'bridge', attachable: true },
      { mtu: 1400 },
      { labels: { a: 'b' } },
    ];
    expect(new Set(specs.map((spec) => network(spec).specHash)).size).toBe(specs.length);
  });
});
