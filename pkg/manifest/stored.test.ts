import fc from 'fast-check';
import { stringify } from 'yaml';
import { describe, expect, it } from 'vitest';
import { containerText, networkText, parsedRevision } from '../../test/build/revisions.ts';
import { assemble, parseManifest, restoreRevision, storeRevision, type Revision } from './index.ts';

const fields = {
  imagePullPolicy: 'Always',
  nodeConstraint: ['node==a', 'storage==ssd'],
  reschedule: 'on-node-failure',
  networks: [{ name: 'ovr0', aliases: ['x', 'y'], ipv4Address: '10.0.9.10' }],
  command: ['sh'],
  env: [
    { name: 'A', value: '1' },
    { name: 'B', valueFrom: { file: '/b' } },
  ],
  volumes: ['/a:/b', 'data:/c:ro'],
  ports: ['80:80', '53:53/udp'],
  restartPolicy: 'on-failure:3',
  resources: { limits: { cpu: '0.5', memory: '64Mi' }, requests: { cpu: '0.1' } },
  healthcheck: { test: ['CMD', 'x'], interval: '10s' },
  stopGracePeriod: '3s',
  ulimits: ['nofile=1:2'],
  sysctls: { a: '1' },
  logging: { driver: 'json-file', options: { a: '1' } },
  labels: { a: '1' },
};
const metadata = {
  labels: { app: 'web' },
  annotations: { 'ovr/mode': 'observe', 'ovr/adopt': 'true' },
};

function some<T extends object>(all: T): fc.Arbitrary<Partial<T>> {
  return fc
    .subarray(Object.keys(all))
    .map(
      (names) =>
        Object.fromEntries(names.map((name) => [name, Reflect.get(all, name) as unknown])) as Partial<T>,
    );
}

function reload(revision: Revision): Revision {
  return restoreRevision(JSON.parse(JSON.stringify(storeRevision(revision))));
}

function parsed(text: string): unknown {
  return JSON.parse(text);
}

describe('a stored revision', () => {
  it('comes back exactly, whatever its objects say', () => {
    const container = fc.tuple(some(fields), some(metadata));
    fc.assert(
      fc.property(fc.array(container, { maxLength: 4 }), fc.boolean(), (containers, isBridge) => {
        const revision = parsedRevision(
          networkText(
            'ovr0',
            isBridge ? { driver: 'bridge', mtu: 1400 } : { ipam: { subnet: '10.0.9.0/24' } },
          ),
          ...containers.map(([spec, meta], index) => {
            const networks = index === 0 ? spec.networks : [{ name: 'ovr0' }];
            return containerText(`c${index}`, { ...spec, ...(networks ? { networks } : {}) }, meta);
          }),
        );
        expect(reload(revision)).toEqual(revision);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ['named after itself', { network: 'ovr0', selector: { app: 'web' } }],
    [
      'with all there is',
      { network: 'ovr0', selector: { app: 'web' }, name: 'WWW', readiness: 'Healthy', overlap: '5s' },
    ],
  ])('comes back with an alias %s', (_what, spec) => {
    const text = stringify({ apiVersion: 'ovr/v1', kind: 'Alias', metadata: { name: 'web' }, spec });
    const revision = parsedRevision(networkText('ovr0'), text);
    expect(revision.objects.size).toBe(2);
    expect(reload(revision)).toEqual(revision);
  });

  it('keeps what is not decided', () => {
    const text = containerText('aa');
    const { revision } = assemble(
      ['x.yaml', 'y.yaml'].map((file) => ({ file, ...parseManifest(text, file) })),
    );
    expect([...revision.undecided]).toEqual(['Container/aa']);
    expect(reload(revision)).toEqual(revision);
  });

  it('of before a field came has its default', () => {
    const revision = parsedRevision(containerText('aa'));
    const stored = JSON.parse(JSON.stringify(storeRevision(revision))) as { objects: { spec: object }[] };
    for (const name of ['labels', 'reschedule', 'resources'])
      Reflect.deleteProperty(stored.objects[0]!.spec, name);
    expect(restoreRevision(stored)).toEqual(revision);
  });

  it.each<[string, (stored: Record<string, never>) => unknown, string]>([
    ['nothing', () => undefined, 'the revision is no JSON object'],
    ['another digest', (stored) => ({ ...stored, digest: 'x' }), 'its digest is'],
    ['an object less', (stored) => ({ ...stored, objects: [] }), 'its digest is'],
    [
      'another image',
      (stored) => parsed(JSON.stringify(stored).replace('busybox', 'other')),
      'Container/aa is not what it was',
    ],
    [
      'an unknown kind',
      (stored) => parsed(JSON.stringify(stored).replaceAll('"Container"', '"Pod"')),
      'no known kind',
    ],
    ['no origin', (stored) => parsed(JSON.stringify(stored).replace('"origin"', '"o"')), 'origin is no JSON'],
  ])('with %s is refused', (_what, damage, problem) => {
    const stored = JSON.parse(JSON.stringify(storeRevision(parsedRevision(containerText('aa'))))) as never;
    expect(() => restoreRevision(damage(stored))).toThrow(problem);
  });
});
