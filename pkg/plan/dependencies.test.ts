import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { container } from '../../test/build/objects.ts';
import {
  appliedBefore,
  conditionOf,
  containerOf,
  outline,
  planCase,
  type PlanCase,
} from '../../test/build/observed.ts';
import {
  sortTopologically,
  type ContainerObject,
  type ContainerSpec,
  type Dependency,
} from '../manifest/index.ts';
import type { ObservedContainer } from '../state/index.ts';
import type { HolderFact } from './alias.ts';
import { standingName } from './dependencies.ts';
import type { Plan } from './result.ts';

type Condition = Dependency['condition'];

function needing(condition: Condition, ...names: string[]): Partial<ContainerSpec> {
  return { dependsOn: names.map((name) => ({ name, condition })) };
}

const db = container('db');
const web = container('web', needing('Started', 'db'));
const fussy = container('web', needing('Healthy', 'db'));
const limited = container('web', {
  ...needing('Healthy', 'db'),
  resources: { limits: { memoryBytes: 2 ** 24 }, requests: {} },
});
const MAKE = 'EnsureImage CreateContainer StartContainer';
const NO = { name: 'no', maximumRetryCount: 0 } as const;

function details(container: ContainerObject, change: Partial<ObservedContainer['details'] & object>) {
  return { ...containerOf(container).details!, ...change };
}

function messageOf(planned: Plan, key: string): string {
  return planned.verdicts.find(({ condition }) => condition.key === key)?.condition.message ?? 'none';
}

/** Lines of `waitsFor` beside the outline. */
function waits(planned: Plan): string[] {
  return planned.objects.flatMap(({ key, waitsFor }) =>
    waitsFor.length > 0 ? [`${key}: ${waitsFor.join(' ')}`] : [],
  );
}

const cluster = {
  bound: new Set<string>(),
  unplaced: new Map<string, string>(),
  unplacedOmitted: 0,
  leaseHeld: true,
  fenceGraceMs: 0,
  makesOverlays: true,
};
const away = container('db', { nodeConstraint: ['node==node-2'] });
const pinned = container('web', { ...needing('Healthy', 'db'), nodeConstraint: ['node==node-1'] });

function told(...facts: HolderFact[]): Pick<PlanCase, 'cluster'> {
  return { cluster: { ...cluster, holders: new Map([[standingName('db'), facts]]) } };
}

describe('a container that depends on another one', () => {
  const rows: [string, PlanCase, string[], string][] = [
    [
      'is started right after it in one plan',
      { objects: [web, db] },
      [`Container/db: ${MAKE}`, `Container/web: ${MAKE}`],
      'waits for Container db to be started: it is being started',
    ],
    [
      'and wants it healthy waits for a later plan',
      { objects: [fussy, db] },
      [`Container/db: ${MAKE}`],
      'waits for Container db to be healthy: it is being started',
    ],
    [
      'that runs is started',
      { objects: [web, db], observed: { containers: [containerOf(db, { health: 'starting' })] } },
      [`Container/web: ${MAKE}`],
      'ManifestAdded: container',
    ],
    [
      'that is not healthy yet waits',
      { objects: [fussy, db], observed: { containers: [containerOf(db, { health: 'starting' })] } },
      [],
      'waits for Container db to be healthy: its health is starting',
    ],
    [
      'that is healthy is started',
      { objects: [fussy, db], observed: { containers: [containerOf(db, { health: 'healthy' })] } },
      [`Container/web: ${MAKE}`],
      'ManifestAdded: container',
    ],
    [
      'that has no health check and runs is started',
      { objects: [fussy, db], observed: { containers: [containerOf(db)] } },
      [`Container/web: ${MAKE}`],
      'ManifestAdded: container',
    ],
    [
      'that has ended well is started',
      {
        objects: [web, container('db', { restartPolicy: NO })],
        observed: { containers: [containerOf(container('db', { restartPolicy: NO }), { state: 'exited' })] },
      },
      [`Container/web: ${MAKE}`],
      'ManifestAdded: container',
    ],
    [
      'that has ended badly waits',
      {
        objects: [web, container('db', { restartPolicy: NO })],
        observed: {
          containers: [
            containerOf(container('db', { restartPolicy: NO }), {
              state: 'exited',
              details: details(db, { exitCode: 1 }),
            }),
          ],
        },
      },
      [],
      'waits for Container db to be started: it is exited',
    ],
    [
      'that cannot be made waits',
      { objects: [web, container('db', { networks: [{ name: 'none', aliases: [] }] })] },
      [],
      'waits for Container db to be started: it is not there (Waiting)',
    ],
    [
      'that is suspended and not there waits',
      { objects: [web, db], suspended: { objects: new Map([[db.key, 'ann']]) } },
      [],
      'waits for Container db to be started: it is not there (Drifted)',
    ],
    [
      'that runs itself goes on when that one goes down, and is repaired',
      {
        objects: [limited, container('db', { restartPolicy: NO })],
        memory: appliedBefore([limited]),
        observed: {
          containers: [
            containerOf(limited, { details: details(limited, { memoryBytes: 1 }) }),
            containerOf(container('db', { restartPolicy: NO }), {
              state: 'exited',
              details: details(db, { exitCode: 1 }),
            }),
          ],
        },
      },
      ['Container/web: UpdateContainer'],
      'ResourcesDiffer: resources.limits.memory',
    ],
    [
      'is replaced after that one is',
      {
        objects: [
          container('web', { ...needing('Started', 'db'), image: 'new' }),
          container('db', { image: 'new' }),
        ],
        observed: { containers: [containerOf(web), containerOf(db)] },
      },
      [
        'Container/db: EnsureImage StopContainer RenameContainer CreateContainer StartContainer VerifyRunning',
        'Container/web: EnsureImage StopContainer RenameContainer CreateContainer StartContainer VerifyRunning',
      ],
      'waits for Container db to be started: it is being started',
    ],
    [
      'that no manifest declares and that runs is started',
      { objects: [web], observed: { containers: [containerOf(db, { labels: {} })] } },
      [`Container/web: ${MAKE}`],
      'ManifestAdded: container',
    ],
    [
      'that nobody knows waits',
      { objects: [web] },
      [],
      'waits for Container db to be started: no manifest declares it, and it is not on this node',
    ],
    [
      'on another node, without a coordinator, waits and says why',
      { objects: [pinned, away] },
      [],
      'waits for Container db to be healthy: it belongs on another node, and without a coordinator nobody tells how it stands there: put both on one node, or set --coordinator',
    ],
    [
      'on another node waits while that tells nothing',
      { objects: [pinned, away], cluster },
      [],
      'waits for Container db to be healthy: it is on another node, and the coordinator does not tell how it stands',
    ],
    [
      'on another node waits while no node has it',
      { objects: [pinned, away], ...told() },
      [],
      'waits for Container db to be healthy: no other node has it so far',
    ],
    [
      'on another node waits while it is not as it must be there',
      {
        objects: [pinned, away],
        ...told({ container: 'db', node: 'node-2', has: true, standing: 'starting' }),
      },
      [],
      'waits for Container db to be healthy: on node-2 it is starting',
    ],
    [
      'on another node is started once it stands there',
      { objects: [pinned, away], ...told({ container: 'db', node: 'node-2', has: true, standing: 'ready' }) },
      [`Container/web: ${MAKE}`],
      'ManifestAdded: container',
    ],
    [
      'in a circle waits for ever, and says so',
      { objects: [web, container('db', needing('Started', 'web'))] },
      [],
      'its dependencies go round in a circle, so none of them can start: take one out',
    ],
  ];
  it.each(rows)('%s', (_what, given, steps, message) => {
    const planned = planCase(given);
    expect(outline(planned)).toEqual(steps);
    expect(messageOf(planned, 'Container/web')).toBe(message);
    if (message.startsWith('waits')) expect(conditionOf(planned, 'Container/web')).toBe('Waiting');
  });

  it('has its lane wait for what the plan starts', () => {
    const chain = [container('app', needing('Started', 'web', 'db')), web, db];
    expect(waits(planCase({ objects: chain }))).toEqual([
      'Container/app: Container/web Container/db',
      'Container/web: Container/db',
    ]);
  });

  it('goes before it when both go, as far as is remembered, and circles do not matter', () => {
    const observed = { containers: [containerOf(db), containerOf(web), containerOf(container('other'))] };
    const memory = appliedBefore([db, web]);
    const remember = (names: Record<string, string[]>): PlanCase => ({
      objects: [container('other')],
      observed,
      memory: {
        ...memory,
        applied: new Map(
          [...memory.applied].map(([key, record]) => [key, { ...record, dependsOn: names[key] ?? [] }]),
        ),
      },
    });
    expect(waits(planCase(remember({ 'Container/web': ['db'] })))).toEqual(['Container/db: Container/web']);
    expect(waits(planCase(remember({ 'Container/web': ['db'], 'Container/db': ['web'] })))).toEqual([]);
  });
});

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];
/** Any graph at all, cycles too, in any order. */
const graph = fc
  .shuffledSubarray(NAMES, { minLength: 1 })
  .chain((names) => fc.tuple(...names.map((name) => fc.tuple(fc.constant(name), fc.subarray(NAMES)))))
  .map((edges) => edges.map(([name, needs]) => [name, needs] as const));

describe('any set of dependencies', () => {
  test('is sorted so that each comes after all it depends on, and nothing is lost', () => {
    fc.assert(
      fc.property(graph, (edges) => {
        const { order, knotted } = sortTopologically(edges);
        expect([...order, ...knotted].sort()).toEqual(edges.map(([name]) => name).sort());
        const given = new Set(edges.map(([name]) => name));
        for (const [name, needs] of edges) {
          if (!order.includes(name)) continue;
          for (const need of needs.filter((each) => given.has(each)))
            expect(order.indexOf(need)).toBeLessThan(order.indexOf(name));
        }
      }),
    );
  });

  test('makes a plan whose lanes never wait for each other, the same one whatever the order', () => {
    fc.assert(
      fc.property(graph, (edges) => {
        const objects = edges.map(([name, needs]) => container(name, needing('Started', ...needs)));
        const planned = planCase({ objects });
        const going = planned.objects.map(({ key, waitsFor }) => [key, [...waitsFor]] as [string, string[]]);
        expect(sortTopologically(going).knotted).toEqual([]);
        const keys = new Set<string>(planned.objects.map(({ key }) => key));
        for (const { waitsFor } of planned.objects) expect(waitsFor.every((key) => keys.has(key))).toBe(true);
        expect(planCase({ objects: objects.toReversed() }).objects).toEqual(planned.objects);
      }),
    );
  });
});
