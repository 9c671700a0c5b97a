import { describe, expect, it } from 'vitest';
import { alias, attach, container, network } from '../../test/build/objects.ts';
import {
  appliedBefore,
  conditionOf,
  containerOf,
  facts,
  networkOf,
  outline,
  planCase,
  type PlanCase,
} from '../../test/build/observed.ts';
import type { ObjectKey } from '../api/index.ts';
import type { Suspensions } from './suspension.ts';

const ovr0 = network('ovr0');
const web = container('web', { networks: [attach('ovr0', 'nginx')] });
const other = container('other', { networks: [attach('ovr0')] });
const objects = [ovr0, web, other];
const networks = [networkOf(ovr0)];
const here = { networks, containers: [containerOf(web), containerOf(other)] };
const stopped = { networks, containers: [containerOf(web, { state: 'exited' }), containerOf(other)] };

function suspended(...keys: ObjectKey[]): { suspended: Suspensions } {
  return { suspended: { objects: new Map(keys.map((key) => [key, 'ann'])) } };
}
const all: { suspended: Suspensions } = { suspended: { all: 'bob', objects: new Map() } };
const one = suspended('Container/web');

function messageOf(given: PlanCase, key: string): string {
  return planCase(given).verdicts.find(({ condition }) => condition.key === key)?.condition.message ?? 'none';
}

describe('what is suspended', () => {
  const memory = appliedBefore(objects);
  const rows: [string, PlanCase, string[], [key: string, condition: string, message: string]][] = [
    [
      'and as declared is shown as suspended',
      { objects, observed: here, ...one },
      [],
      ['Container/web', 'Suspended', 'by ann; as declared: running'],
    ],
    [
      'and has drifted is told and not repaired',
      { objects, observed: stopped, memory, ...one },
      [],
      ['Container/web', 'Suspended', 'by ann; differs: state'],
    ],
    [
      'and is not there is not made; others are',
      { objects, observed: { networks }, ...one },
      ['Container/other: EnsureImage CreateContainer StartContainer'],
      ['Container/web', 'Suspended', 'by ann; differs: container'],
    ],
    [
      'as everything is',
      { objects, observed: stopped, memory, ...all },
      [],
      ['Container/other', 'Suspended', 'by bob; as declared: running'],
    ],
    [
      'is not removed when its manifest goes, and counts for no guard',
      { objects: [ovr0, other], observed: here, ...one },
      [],
      ['Container/web', 'Suspended', 'by ann; no manifest declares it, so it goes once it is resumed'],
    ],
    [
      'stays where it does not belong any more',
      {
        objects: [ovr0, other, container('web', { ...web.spec, nodeConstraint: ['node==elsewhere'] })],
        observed: here,
        ...one,
      },
      [],
      [
        'Container/web',
        'Suspended',
        'by ann; does not belong here: node==elsewhere: this node is node-1, so it goes once it is resumed',
      ],
    ],
    [
      'and belongs elsewhere is not here',
      { objects: [container('web', { nodeConstraint: ['node==elsewhere'] })], ...one },
      [],
      ['Container/web', 'NotHere', 'node==elsewhere: this node is node-1'],
    ],
    [
      'keeps another trouble, with a word on the suspension',
      { objects: [web], ...one },
      [],
      [
        'Container/web',
        'Waiting',
        'network ovr0 does not exist and no manifest declares it (suspended by ann)',
      ],
    ],
    [
      'and a network: containers of it wait',
      { objects: [ovr0, web], ...suspended('Network/ovr0') },
      [],
      ['Container/web', 'Waiting', 'network ovr0 does not exist and is not to be made (suspended)'],
    ],
    [
      'keeps its network when the manifest of that goes',
      {
        objects: [],
        observed: { networks, containers: [containerOf(web)] },
        pruneConfirmed: true,
        ...one,
      },
      [],
      ['Network/ovr0', 'Waiting', 'containers that are suspended still use it: [web]; resume them first'],
    ],
    [
      'keeps its network when that should be made again',
      {
        objects: [network('ovr0', { driver: 'bridge' }, { recreate: true }), web, other],
        observed: here,
        ...one,
      },
      [],
      [
        'Network/ovr0',
        'NeedsRecreate',
        'it would be made again, but containers that are suspended use it: [web]; resume them first',
      ],
    ],
    [
      'and ignored anyway stays ignored',
      { objects: [container('web', {}, { mode: 'ignore' })], ...one },
      [],
      ['Container/web', 'Ignored', 'annotation ovr/mode: ignore'],
    ],
  ];
  it.each(rows)('%s', (_what, given, steps, [key, condition, message]) => {
    expect(outline(planCase(given))).toEqual(steps);
    expect([conditionOf(planCase(given), key), messageOf(given, key)]).toEqual([condition, message]);
  });

  it('has its drift told all the same', () => {
    const { verdicts } = planCase({ objects, observed: stopped, memory, ...one });
    const causes = verdicts.find(({ condition }) => condition.key === 'Container/web')?.causes;
    expect(causes).toMatchObject([{ reason: 'NotRunning', drift: true, field: 'state' }]);
  });

  it('and an alias: its holders stay as they are', () => {
    const given = {
      objects: [
        ovr0,
        container('blue', { networks: [attach('ovr0')] }, { labels: { track: 'blue' } }),
        container('green', { networks: [attach('ovr0')] }, { labels: { track: 'green' } }),
        alias('nginx', { selector: { track: 'green' } }),
      ],
      observed: {
        networks,
        containers: [
          containerOf(container('blue', { networks: [attach('ovr0', 'nginx')] })),
          containerOf(container('green', { networks: [attach('ovr0')] })),
        ],
      },
    };
    expect(outline(planCase(given))).toEqual(['Container/green: DisconnectEndpoint ConnectEndpoint']);
    const held = { ...given, ...suspended('Alias/nginx') };
    expect(outline(planCase(held))).toEqual([]);
    expect(conditionOf(planCase(held), 'Alias/nginx')).toBe('Suspended');
    expect(messageOf(held, 'Alias/nginx')).toBe('by ann; differs: holders[green]');
  });

  it('stops all the same where another node may run it by now', () => {
    const moving = container('web', { reschedule: 'on-node-failure' });
    const cluster = {
      bound: new Set(['web']),
      unplaced: new Map(),
      unplacedOmitted: 0,
      leaseHeld: false,
      fenceGraceMs: 1_000,
      makesOverlays: true,
    };
    const given = {
      objects: [moving],
      observed: { engine: facts, containers: [containerOf(moving)] },
      cluster,
      ...one,
    };
    expect(outline(planCase(given))).toEqual(['Container/web: StopContainer']);
    expect(conditionOf(planCase(given), 'Container/web')).toBe('Fenced');
  });
});
