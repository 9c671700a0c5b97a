import { describe, expect, test } from 'vitest';
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
import { formatCause, type ObjectKey } from '../api/index.ts';
import type { ContainerObject } from '../manifest/index.ts';
import type { ObservedContainer } from '../state/index.ts';
import type { AppliedRecord, ClusterInput, HolderFact, Plan, PlanMemory } from './index.ts';

const NOW_MS = 1_000_000;
const ovr0 = network('ovr0');
const blue = web('blue');
const green = web('green');
const nginx = alias('nginx', { selector: { track: 'blue' } });
const healthy = alias('nginx', { selector: { app: 'web' }, readiness: 'Healthy' });

function web(name: string): ContainerObject {
  return container(name, { networks: [attach('ovr0')] }, { labels: { app: 'web', track: name } });
}

type Given = Partial<Pick<ObservedContainer, 'state' | 'health'>> & { readonly name?: boolean };

/** The container as the engine has it; `name`: it has the alias nginx. */
function seen(object: ContainerObject, { name = false, ...given }: Given = {}): ObservedContainer {
  const networks = [attach('ovr0', ...(name ? ['nginx'] : []))];
  return containerOf({ ...object, spec: { ...object.spec, networks } }, given);
}

const cluster: ClusterInput = {
  bound: new Set(['blue', 'green']),
  decidedOn: '',
  unplaced: new Map(),
  unplacedOmitted: 0,
  leaseHeld: true,
  fenceGraceMs: 1_000,
  makesOverlays: true,
};

function elsewhere(...holders: HolderFact[]): ClusterInput {
  return { ...cluster, holders: new Map([['nginx', holders]]) };
}

function other(name: string, change: Partial<HolderFact> = {}): HolderFact {
  return { container: name, node: 'node-2', has: true, standing: 'ready', ...change };
}

function planAliasCase(containers: readonly ObservedContainer[], rest: Partial<PlanCase> = {}): Plan {
  return planCase({
    objects: [ovr0, blue, green, nginx],
    observed: { networks: [networkOf(ovr0)], containers },
    nowMs: NOW_MS,
    ...rest,
  });
}

/** `blue+` gains the name, `blue-` loses it. */
function moves(planned: Plan): string[] {
  return planned.objects.flatMap(({ key, steps }) =>
    steps.flatMap((step) => {
      if (step.type !== 'ConnectEndpoint') return [];
      const name = key.replace('Container/', '');
      return [`${name}${step.endpoint.aliases.includes('nginx') ? '+' : '-'}`];
    }),
  );
}

/** A plan of long after the last one, with all its new holders as they were. */
function later(planned: Plan): PlanMemory {
  const old = [...planned.successions].map(([key, { heirs }]) => [key, { heirs, sinceMs: 0 }] as const);
  return { ...appliedBefore([]), successions: new Map(old) };
}

describe('who holds an alias that wants running containers', () => {
  test('a chosen container is made with the name', () => {
    const planned = planAliasCase([seen(green)]);
    const made = planned.objects.flatMap(({ steps }) => steps).find(({ type }) => type === 'CreateContainer');
    expect(made).toMatchObject({ container: { name: 'blue', endpoint: { aliases: ['nginx'] } } });
  });

  const rows: [string, ObservedContainer[], Partial<PlanCase>, string[], string][] = [
    ['the chosen one has it: nothing', [seen(blue, { name: true }), seen(green)], {}, [], 'Ready'],
    ['the chosen one lacks it: gains it', [seen(blue), seen(green)], {}, ['blue+'], 'Progressing'],
    [
      'another has it and the chosen one not yet: gained first, and the old one keeps it',
      [seen(blue), seen(green, { name: true })],
      {},
      ['blue+'],
      'Progressing',
    ],
    [
      'the chosen one does not run: the old one keeps the name, the chosen one will start with it',
      [seen(blue, { state: 'exited' }), seen(green, { name: true })],
      {},
      ['blue+'],
      'Degraded',
    ],
    [
      'a stopped holder keeps it in its configuration, where it leads nowhere',
      [seen(blue, { name: true, state: 'exited' }), seen(green)],
      {},
      [],
      'Degraded',
    ],
    [
      'a stopped container that is not chosen loses it at once',
      [seen(blue), seen(green, { name: true, state: 'exited' })],
      {},
      ['blue+', 'green-'],
      'Progressing',
    ],
    [
      'switched by hand: the others gain it',
      [seen(blue, { name: true }), seen(green)],
      { switched: new Map([['nginx', { track: 'green' }]]) },
      ['green+'],
      'Progressing',
    ],
    [
      'nobody is chosen: the old one keeps it',
      [seen(blue, { name: true }), seen(green)],
      { switched: new Map([['nginx', { track: 'red' }]]) },
      [],
      'Degraded',
    ],
    [
      'only observed: nothing moves, and it shows',
      [seen(blue), seen(green)],
      { objects: [ovr0, blue, green, alias('nginx', nginx.spec, { mode: 'observe' })] },
      [],
      'Drifted',
    ],
    [
      'ignored: names stay as they are',
      [seen(blue), seen(green, { name: true })],
      { objects: [ovr0, blue, green, alias('nginx', nginx.spec, { mode: 'ignore' })] },
      [],
      'Ignored',
    ],
    [
      'the alias is not declared any more: the name goes',
      [seen(blue, { name: true }), seen(green)],
      { objects: [ovr0, blue, green] },
      ['blue-'],
      'none',
    ],
  ];
  test.each(rows)('%s', (...row) => {
    const [, containers, rest, expected, condition] = row;
    const planned = planAliasCase(containers, rest);
    expect(moves(planned)).toEqual(expected);
    expect(conditionOf(planned, 'Alias/nginx')).toBe(condition);
  });

  test('names that may belong to an alias that could not be read stay', () => {
    const memory = {
      ...appliedBefore([]),
      applied: new Map([
        [blue.key, { digest: blue.digest, addresses: {}, given: { ovr0: ['nginx'] } }] as const,
      ]),
    };
    const given = { objects: [ovr0, blue, green], memory, doubt: 'cannot read alias.yaml' };
    expect(moves(planAliasCase([seen(blue, { name: true }), seen(green)], given))).toEqual([]);
    expect(
      moves(
        planAliasCase([seen(blue, { name: true }), seen(green)], { ...given, memory: appliedBefore([]) }),
      ),
    ).toEqual(['blue-']);
  });
});

describe('handing over', () => {
  const both = [seen(blue, { name: true }), seen(green, { name: true })];

  test('old holders lose the name once new ones have had it for the overlap', () => {
    const first = planAliasCase(both);
    expect(moves(first)).toEqual([]);
    expect(first.recheckAfterMs).toBe(500);
    const then = planAliasCase(both, { memory: later(first) });
    expect(moves(then)).toEqual(['green-']);
    expect(then.recheckAfterMs).toBeUndefined();
  });

  test('the overlap of the manifest counts, and begins anew with other heirs', () => {
    const slow = { objects: [ovr0, blue, green, alias('nginx', { ...nginx.spec, overlapMs: 5_000 })] };
    const first = planAliasCase(both, slow);
    expect(first.recheckAfterMs).toBe(5_000);
    const memory = {
      ...appliedBefore([]),
      successions: new Map([['Alias/nginx', { heirs: 'blue@node-1', sinceMs: NOW_MS - 4_000 }] as const]),
    };
    expect(planAliasCase(both, { ...slow, memory }).recheckAfterMs).toBe(1_000);
    const others = {
      ...memory,
      successions: new Map([['Alias/nginx', { heirs: 'red@node-1', sinceMs: 0 }] as const]),
    };
    expect(planAliasCase(both, { ...slow, memory: others }).recheckAfterMs).toBe(5_000);
  });

  test('a clock that went back starts the overlap anew and does not hang it', () => {
    const memory = {
      ...appliedBefore([]),
      successions: new Map([['Alias/nginx', { heirs: 'blue@node-1', sinceMs: NOW_MS + 3_600_000 }] as const]),
    };
    expect(planAliasCase(both, { memory }).recheckAfterMs).toBe(500);
  });

  const green1 = [seen(green, { name: true })];
  const onlyGreen = { ...cluster, bound: new Set(['green']), decidedOn: '' };
  const rows: [string, ClusterInput, string[]][] = [
    ['nothing is known of other nodes: the name stays', onlyGreen, []],
    [
      'the new holder elsewhere lacks it so far: stays',
      { ...onlyGreen, ...holdersOf(other('blue', { has: false })) },
      [],
    ],
    [
      'it has the name, but is not ready: stays',
      { ...onlyGreen, ...holdersOf(other('blue', { standing: 'starting' })) },
      [],
    ],
    ['nobody chosen is elsewhere: stays', { ...onlyGreen, ...holdersOf() }, []],
    ['it has the name and is ready: goes', { ...onlyGreen, ...holdersOf(other('blue')) }, ['green-']],
    [
      'one of two new holders lacks it: stays',
      { ...onlyGreen, ...holdersOf(other('blue'), other('blue', { node: 'node-3', has: false })) },
      [],
    ],
  ];
  test.each(rows)('across nodes: %s', (_, input, expected) => {
    const objects = [
      ovr0,
      green,
      { ...blue, spec: { ...blue.spec, nodeConstraint: ['node==node-2'] } },
      nginx,
    ];
    const given = { objects, cluster: input };
    const first = planAliasCase(green1, given);
    expect(moves(first)).toEqual([]);
    expect(moves(planAliasCase(green1, { ...given, memory: later(first) }))).toEqual(expected);
  });

  function holdersOf(...holders: HolderFact[]): Pick<ClusterInput, 'holders'> {
    return { holders: new Map([['nginx', holders]]) };
  }

  test('without a coordinator the new holders on other nodes are given five seconds at least', () => {
    const objects = [
      ovr0,
      green,
      { ...blue, spec: { ...blue.spec, nodeConstraint: ['node==node-2'] } },
      nginx,
    ];
    const first = planAliasCase(green1, { objects });
    expect(first.recheckAfterMs).toBe(5_000);
    expect(moves(planAliasCase(green1, { objects, memory: later(first) }))).toEqual(['green-']);
  });
});

describe('who holds an alias that wants healthy containers', () => {
  const ill = { health: 'unhealthy' } as const;
  const well = { health: 'healthy' } as const;
  const young = { health: 'starting' } as const;
  const rows: [string, [Given, Given], string[], string][] = [
    ['both healthy: both have it', [{ ...well, name: true }, well], ['green+'], 'Progressing'],
    ['without a healthcheck running is healthy', [{ name: true }, {}], ['green+'], 'Progressing'],
    [
      'the unhealthy one loses it to the healthy one',
      [
        { ...ill, name: true },
        { ...well, name: true },
      ],
      ['blue-'],
      'Progressing',
    ],
    ['but not before that one has it', [{ ...ill, name: true }, well], ['green+'], 'Progressing'],
    [
      'both unhealthy: both keep it',
      [
        { ...ill, name: true },
        { ...ill, name: true },
      ],
      [],
      'Degraded',
    ],
    ['the last one keeps it though it is unhealthy', [{ ...ill, name: true }, ill], [], 'Degraded'],
    [
      'the less bad one keeps it',
      [
        { ...ill, name: true },
        { ...young, name: true },
      ],
      ['blue-'],
      'Degraded',
    ],
    ['one that starts does not get it', [{ ...well, name: true }, young], [], 'Ready'],
    ['nobody has it any more: the least bad take it up', [ill, ill], ['blue+', 'green+'], 'Degraded'],
    ['nobody has it yet and all start: wait', [young, young], [], 'Degraded'],
    [
      'a stopped one loses it while another has it',
      [
        { name: true, state: 'exited' },
        { ...well, name: true },
      ],
      ['blue-'],
      'Ready',
    ],
  ];
  test.each(rows)('%s', (_, [first, second], expected, condition) => {
    const planned = planAliasCase([seen(blue, first), seen(green, second)], {
      objects: [ovr0, blue, green, healthy],
    });
    expect(moves(planned)).toEqual(expected);
    expect(conditionOf(planned, 'Alias/nginx')).toBe(condition);
  });

  test('a new container is made without the name', () => {
    const planned = planAliasCase([seen(green, { name: true })], { objects: [ovr0, blue, green, healthy] });
    const made = planned.objects.flatMap(({ steps }) => steps).find(({ type }) => type === 'CreateContainer');
    expect(made).toMatchObject({ container: { name: 'blue', endpoint: { aliases: [] } } });
  });

  test('other nodes count, and what is not known of them keeps the name', () => {
    const objects = [ovr0, blue, healthy];
    const last = [seen(blue, { ...ill, name: true })];
    expect(moves(planAliasCase(last, { objects, cluster }))).toEqual([]);
    expect(moves(planAliasCase(last, { objects, cluster: elsewhere() }))).toEqual([]);
    expect(moves(planAliasCase(last, { objects, cluster: elsewhere(other('red')) }))).toEqual(['blue-']);
    const taken = [seen(blue, ill)];
    expect(moves(planAliasCase(taken, { objects, cluster }))).toEqual([]);
    expect(moves(planAliasCase(taken, { objects, cluster: elsewhere(other('red', unwell())) }))).toEqual([]);
    expect(moves(planAliasCase(taken, { objects, cluster: elsewhere() }))).toEqual(['blue+']);
  });

  function unwell(): Partial<HolderFact> {
    return { standing: 'unhealthy' };
  }
});

describe('why the names of an endpoint change', () => {
  function causeOf(planned: Plan): string[] {
    return planned.objects.flatMap(({ steps }) => steps.slice(0, 1).map(({ cause }) => formatCause(cause)));
  }
  const applied = (of: ContainerObject, given?: AppliedRecord['given']): [ObjectKey, AppliedRecord] => [
    of.key,
    { digest: of.digest, addresses: {}, ...(given ? { given } : {}) },
  ];
  const settled: PlanMemory = {
    ...appliedBefore([]),
    applied: new Map([applied(blue), applied(green)]),
  };
  const held: PlanMemory = {
    ...settled,
    applied: new Map([applied(blue, { ovr0: ['nginx'] }), applied(green)]),
  };

  test('an alias that moves is no drift', () => {
    expect(causeOf(planAliasCase([seen(blue), seen(green)], { memory: settled }))).toEqual([
      'networks[ovr0].aliases: [] → [nginx] (AliasMoved)',
    ]);
  });

  test('a name that somebody took away is', () => {
    expect(causeOf(planAliasCase([seen(blue), seen(green)], { memory: held }))).toEqual([
      'networks[ovr0].aliases: [] → [nginx] (AliasesDiffer, drift)',
    ]);
  });

  test('a switch says so', () => {
    const switched = new Map([['nginx', { track: 'green' }]]);
    expect(
      causeOf(planAliasCase([seen(blue, { name: true }), seen(green)], { memory: held, switched })),
    ).toEqual(['networks[ovr0].aliases: [] → [nginx] (AliasSwitched)']);
  });

  test('an alias that is not declared any more', () => {
    const planned = planAliasCase([seen(blue, { name: true }), seen(green)], {
      memory: held,
      objects: [ovr0, blue, green],
    });
    expect(causeOf(planned)).toEqual(['networks[ovr0].aliases: [nginx] → [] (AliasMoved)']);
  });
});

describe('what is told of an alias', () => {
  test('its holders on all nodes, and whether it is settled', () => {
    const planned = planAliasCase([seen(blue, { name: true })], {
      objects: [ovr0, blue, nginx],
      cluster: elsewhere(other('green', { has: false })),
    });
    expect(planned.aliases).toEqual([
      {
        name: 'nginx',
        dnsName: 'nginx',
        network: 'ovr0',
        selector: { track: 'blue' },
        readiness: 'Running',
        isSwitched: false,
        chosen: ['blue'],
        holders: [
          { container: 'blue', node: facts.node.name, has: true, standing: 'ready' },
          { container: 'green', node: 'node-2', has: false, standing: 'ready' },
        ],
        isComplete: true,
        isSettled: true,
      },
    ]);
    expect(outline(planned)).toEqual([]);
  });

  test('a node without any of its containers says that they are elsewhere', () => {
    const planned = planAliasCase([], {
      objects: [ovr0, { ...blue, spec: { ...blue.spec, nodeConstraint: ['node==node-2'] } }, nginx],
      cluster,
    });
    expect(conditionOf(planned, 'Alias/nginx')).toBe('NotHere');
  });
});
