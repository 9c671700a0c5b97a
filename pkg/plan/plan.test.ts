import { describe, expect, test } from 'vitest';
import { attach, container, network, revision } from '../../test/build/objects.ts';
import {
  appliedBefore,
  conditionOf,
  containerOf,
  facts,
  networkOf,
  outline,
  planCase,
} from '../../test/build/observed.ts';
import { formatCause } from '../api/index.ts';
import type { ManifestObject } from '../manifest/index.ts';
import type { EngineKind } from '../state/index.ts';
import { parkedName } from './names.ts';

const ovr0 = network('ovr0');
const web = container('web', { networks: [attach('ovr0', 'nginx')] });
const there = { networks: [networkOf(ovr0)] };

function engine(kind: EngineKind): { engine: typeof facts } {
  return { engine: { ...facts, kind } };
}

describe('containers', () => {
  const rows: [string, Parameters<typeof planCase>[0], string[], string][] = [
    [
      'absent: everything is made, the container after its network',
      { objects: [ovr0, web] },
      ['Network/ovr0: CreateNetwork', 'Container/web: EnsureImage CreateContainer StartContainer'],
      'Progressing',
    ],
    [
      'as declared: nothing',
      { objects: [ovr0, web], observed: { ...there, containers: [containerOf(web)] } },
      [],
      'Ready',
    ],
    [
      'on two networks: the second is connected before the start',
      {
        objects: [ovr0, network('n1'), container('web', { networks: [attach('ovr0'), attach('n1')] })],
        observed: { networks: [networkOf(ovr0), networkOf(network('n1'))] },
      },
      ['Container/web: EnsureImage CreateContainer ConnectEndpoint StartContainer'],
      'Progressing',
    ],
    [
      'created but never started: started',
      {
        objects: [ovr0, web],
        observed: { ...there, containers: [containerOf(web, { state: 'created' })] },
      },
      ['Container/web: StartContainer'],
      'Progressing',
    ],
    [
      'being restarted by the engine: left alone',
      {
        objects: [ovr0, web],
        observed: { ...there, containers: [containerOf(web, { state: 'restarting' })] },
      },
      [],
      'Progressing',
    ],
    [
      'dead: removed, to be made again',
      { objects: [ovr0, web], observed: { ...there, containers: [containerOf(web, { state: 'dead' })] } },
      ['Container/web: RemoveContainer'],
      'Progressing',
    ],
    [
      'another spec: pulled, parked, made and proven',
      {
        objects: [ovr0, web],
        observed: {
          ...there,
          containers: [containerOf(container('web', { image: 'old', networks: web.spec.networks ?? [] }))],
        },
      },
      [
        'Container/web: EnsureImage StopContainer RenameContainer CreateContainer StartContainer VerifyRunning',
      ],
      'Progressing',
    ],
    [
      'a replacement cut off after parking goes on',
      {
        objects: [ovr0, web],
        observed: { ...there, containers: [containerOf(web, { name: parkedName('web'), state: 'exited' })] },
      },
      ['Container/web: EnsureImage CreateContainer StartContainer VerifyRunning'],
      'Progressing',
    ],
    [
      'a replacement cut off before the end drops the old one',
      {
        objects: [ovr0, web],
        observed: {
          ...there,
          containers: [
            containerOf(web),
            containerOf(web, { id: 'id-old', name: parkedName('web'), state: 'exited' }),
          ],
        },
      },
      ['Container/web: RemoveContainer'],
      'Progressing',
    ],
    ['on a network that does not exist and nobody declares: waits', { objects: [web] }, [], 'Waiting'],
    [
      'on a network that is not attachable: waits and says so',
      { objects: [web], observed: { networks: [networkOf(ovr0, { attachable: false, labels: {} })] } },
      [],
      'Waiting',
    ],
    [
      'on a Swarm worker that does not list the overlay: attaches by name',
      { objects: [ovr0, web], observed: engine('swarm-worker') },
      ['Container/web: EnsureImage CreateContainer StartContainer'],
      'Progressing',
    ],
    [
      'ended well under restartPolicy no: completed',
      {
        objects: [container('web', { restartPolicy: { name: 'no', maximumRetryCount: 0 } })],
        observed: {
          containers: [
            containerOf(container('web', { restartPolicy: { name: 'no', maximumRetryCount: 0 } }), {
              state: 'exited',
            }),
          ],
        },
      },
      [],
      'Completed',
    ],
    [
      'constraint of another node: not here',
      { objects: [container('web', { nodeConstraint: ['node==node-2'] })] },
      [],
      'NotHere',
    ],
    [
      'constraint of another node, but it is here: removed here',
      {
        objects: [container('web', { nodeConstraint: ['node==node-2'] })],
        observed: { containers: [containerOf(container('web'))] },
      },
      ['Container/web: StopContainer RemoveContainer'],
      'Progressing',
    ],
    [
      'constraint of another node, here, and only observed: stays',
      {
        objects: [container('web', { nodeConstraint: ['node==node-2'] }, { mode: 'observe' })],
        observed: { containers: [containerOf(container('web'))] },
      },
      [],
      'NotHere',
    ],
    [
      'foreign: conflict',
      { objects: [container('web')], observed: { containers: [containerOf(web, { labels: {} })] } },
      [],
      'Conflict',
    ],
    [
      'of another cluster: conflict even when adoption is asked for',
      {
        objects: [container('web', {}, { adopt: true })],
        observed: {
          containers: [containerOf(web, { labels: { ...containerOf(web).labels, 'ovr.cluster': 'other' } })],
        },
      },
      [],
      'Conflict',
    ],
    [
      'a Swarm task: conflict even when adoption is asked for',
      {
        objects: [container('web', {}, { adopt: true })],
        observed: { containers: [containerOf(web, { labels: { 'com.docker.swarm.task.id': 't' } })] },
      },
      [],
      'Conflict',
    ],
  ];

  test.each(rows)('%s', (_name, given, steps, condition) => {
    const planned = planCase(given);
    expect(outline(planned)).toEqual(steps);
    expect(conditionOf(planned, 'Container/web')).toBe(condition);
  });

  test('an alias that is gone is drift, told with both values, and costs one disconnect and one connect', () => {
    const bare = containerOf(web);
    const details = { ...bare.details!, aliases: new Map([['id-ovr0', []]]) };
    const planned = planCase({
      objects: [ovr0, web],
      observed: { ...there, containers: [{ ...bare, details }] },
      memory: appliedBefore([ovr0, web]),
    });
    expect(outline(planned)).toEqual(['Container/web: DisconnectEndpoint ConnectEndpoint']);
    expect(planned.verdicts.flatMap(({ causes }) => causes.map(formatCause))).toEqual([
      'networks[ovr0].aliases: [] → [nginx] (AliasesDiffer, drift)',
    ]);
    expect(planned.objects[0]?.steps[1]).toMatchObject({
      endpoint: { aliases: ['nginx'], ipv4Address: '10.64.0.2', addressOrigin: 'kept' },
    });
  });

  test('names that the engine adds by itself are no difference', () => {
    const bare = containerOf(web);
    const details = { ...bare.details!, hostname: 'nginx', aliases: new Map([['id-ovr0', []]]) };
    const planned = planCase({
      objects: [ovr0, web],
      observed: { ...there, containers: [{ ...bare, details }] },
    });
    expect(outline(planned)).toEqual([]);
  });

  test('an endpoint on a replaced network of the same name moves', () => {
    const stale = containerOf(web, {
      endpoints: [{ networkId: 'gone', networkName: 'ovr0', ipv4Address: '' }],
      state: 'exited',
    });
    const planned = planCase({ objects: [ovr0, web], observed: { ...there, containers: [stale] } });
    expect(outline(planned)).toEqual(['Container/web: DisconnectEndpoint ConnectEndpoint StartContainer']);
    expect(planned.objects[0]?.steps[0]).toMatchObject({ network: { id: 'gone' }, force: true });
  });

  test('an endpoint that went with a network made again for its manifest is no drift', () => {
    const before = network('ovr0', { internal: true });
    const lost = (objects: ManifestObject[]): boolean | undefined =>
      planCase({
        objects: [ovr0, web],
        observed: { ...there, containers: [containerOf(web, { endpoints: [] })] },
        memory: appliedBefore(objects),
      }).objects[0]?.steps[0]?.cause.drift;
    expect(lost([before, web])).toBe(false);
    expect(lost([ovr0, web])).toBe(true);
    expect(lost([web])).toBe(true);
  });

  test('a replacement whose failure is remembered is not tried again, and the old container is kept up', () => {
    const old = containerOf(container('web', { image: 'old' }), { state: 'exited' });
    const failedUpdates = new Map([[web.key, { specHash: web.specHash, message: 'port taken' }]]);
    const planned = planCase({
      objects: [ovr0, web],
      observed: { ...there, containers: [old] },
      memory: { ...appliedBefore([]), failedUpdates },
    });
    expect(outline(planned)).toEqual(['Container/web: StartContainer']);
    expect(conditionOf(planned, 'Container/web')).toBe('UpdateFailed');
  });
});

describe('networks', () => {
  const overlay = (): ReturnType<typeof networkOf> => networkOf(ovr0, { scope: 'global' });
  const store = engine('cluster-store');

  test('an overlay on a plain daemon is refused with the mend', () => {
    const planned = planCase({ objects: [ovr0, web], observed: engine('plain') });
    expect(outline(planned)).toEqual([]);
    expect(
      planned.verdicts.find(({ condition }) => condition.key === 'Network/ovr0')?.condition,
    ).toMatchObject({
      type: 'Failed',
      message: expect.stringContaining('driver: bridge') as string,
    });
  });

  test('a subnet comes from the pool, past host routes, networks and manifests', () => {
    const planned = planCase({
      objects: [network('a'), network('b'), network('c', { ipam: { subnet: '10.64.2.0/24' } })],
      observed: {
        networks: [networkOf(network('x'), { subnets: [{ subnet: '10.64.0.0/25' }], labels: {} })],
      },
      settings: { hostRoutes: ['10.64.1.0/24'] },
    });
    const subnets = planned.objects.map(({ steps: [step] }) =>
      step?.type === 'CreateNetwork' ? `${step.network.name} ${step.network.spec.ipam?.subnet}` : '',
    );
    expect(subnets).toEqual(['a 10.64.3.0/24', 'b 10.64.4.0/24', 'c 10.64.2.0/24']);
  });

  test('a young overlay of a cluster store is left alone until it has settled', () => {
    const planned = planCase({
      objects: [ovr0, web],
      observed: { ...store, networks: [{ ...overlay(), createdAtMs: 999_900 }] },
    });
    expect(outline(planned)).toEqual([]);
    expect(planned.recheckAfterMs).toBe(400);
  });

  test('an own younger duplicate that has not settled is looked at again', () => {
    const young = { ...overlay(), id: 'young', createdAtMs: 999_900 };
    const planned = planCase({ objects: [ovr0], observed: { ...store, networks: [young, overlay()] } });
    expect(outline(planned)).toEqual([]);
    expect(planned.recheckAfterMs).toBe(400);
  });

  test('of several of one name the oldest is used, and own younger empty ones go', () => {
    const younger = { ...overlay(), id: 'younger', createdAtMs: 10 };
    const used = { ...overlay(), id: 'used', createdAtMs: 20 };
    const other = containerOf(container('other'), {
      endpoints: [{ networkId: 'used', networkName: 'ovr0', ipv4Address: '' }],
    });
    const planned = planCase({
      objects: [ovr0, web, container('other')],
      observed: { ...store, networks: [used, younger, overlay()], containers: [other] },
    });
    expect(outline(planned)).toEqual([
      'Network/ovr0: RemoveNetwork',
      'Container/web: EnsureImage CreateContainer StartContainer',
    ]);
    expect(planned.objects[0]?.steps[0]).toMatchObject({ network: { id: 'younger' } });
    expect(planned.objects[1]?.steps[1]).toMatchObject({
      container: { endpoint: { network: { id: 'id-ovr0' } } },
    });
  });

  test('a changed spec is refused, and says who would lose the network', () => {
    const changed = network('ovr0', { internal: true });
    const planned = planCase({
      objects: [changed, web],
      observed: { ...there, containers: [containerOf(web)] },
    });
    expect(outline(planned)).toEqual([]);
    const { condition, causes } = planned.verdicts.find(
      (verdict) => verdict.condition.key === 'Network/ovr0',
    )!;
    expect(condition).toMatchObject({
      type: 'NeedsRecreate',
      message: expect.stringContaining('[web]') as string,
    });
    expect(causes.map(formatCause)).toEqual(['internal: false → true (SpecDiffers)']);
  });

  test('a changed spec with ovr/recreate takes the network down, unless a foreign container uses it', () => {
    const changed = network('ovr0', { internal: true }, { recreate: true });
    const ours = containerOf(web);
    expect(
      outline(planCase({ objects: [changed, web], observed: { ...there, containers: [ours] } })),
    ).toEqual(['Network/ovr0: DisconnectEndpoint RemoveNetwork']);
    const foreign = { ...ours, id: 'foreign', name: 'foreign', labels: {} };
    const refused = planCase({
      objects: [changed, web],
      observed: { ...there, containers: [ours, foreign] },
    });
    expect(outline(refused)).toEqual([]);
    expect(conditionOf(refused, 'Network/ovr0')).toBe('NeedsRecreate');
  });

  test('a foreign network of the name is a conflict, and containers wait', () => {
    const planned = planCase({
      objects: [ovr0, web],
      observed: { networks: [networkOf(ovr0, { labels: {} })] },
    });
    expect(outline(planned)).toEqual([]);
    expect(conditionOf(planned, 'Network/ovr0')).toBe('Conflict');
    expect(conditionOf(planned, 'Container/web')).toBe('Waiting');
  });
});

describe('removal', () => {
  test('containers go before the network they leave', () => {
    const planned = planCase({
      objects: [container('stays')],
      observed: { ...there, containers: [containerOf(web)] },
    });
    expect(outline(planned)).toEqual([
      'Container/stays: EnsureImage CreateContainer StartContainer',
      'Container/web: StopContainer RemoveContainer',
      'Network/ovr0: RemoveNetwork',
    ]);
    expect(planned.objects[2]?.waitsFor).toEqual(['Container/web']);
  });

  test('a network that foreign containers use stays, and says which', () => {
    const foreign = containerOf(web, { labels: {} });
    const planned = planCase({
      objects: [container('stays')],
      observed: { ...there, containers: [foreign] },
    });
    expect(outline(planned)).toEqual(['Container/stays: EnsureImage CreateContainer StartContainer']);
    expect(conditionOf(planned, 'Network/ovr0')).toBe('Waiting');
  });

  test('what the sources mention but do not decide stays', () => {
    const planned = planCase({
      objects: [ovr0],
      observed: { ...there, containers: [containerOf(web)] },
      ...{ revision: revision([ovr0], [web.key]) },
    });
    expect(outline(planned)).toEqual([]);
  });

  test('labels inherited through an image make nothing ours', () => {
    const inherited = containerOf(web, { name: 'somebody-elses' });
    expect(outline(planCase({ objects: [ovr0], observed: { ...there, containers: [inherited] } }))).toEqual(
      [],
    );
  });
});

test('10,000 objects are planned in one pass', () => {
  const objects = Array.from({ length: 10_000 }, (_, index) =>
    container(`c${index}`, { networks: [attach('ovr0', 'all')] }),
  );
  const containers = objects.map((object) => containerOf(object));
  const planned = planCase({ objects: [ovr0, ...objects], observed: { ...there, containers } });
  expect(planned.objects).toEqual([]);
  expect(planned.verdicts).toHaveLength(10_001);
});
