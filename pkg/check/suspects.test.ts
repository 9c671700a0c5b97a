import { describe, expect, it } from 'vitest';
import {
  assembleReport,
  makeErrand,
  suspectsOf,
  unanswered,
  withFellows,
  type Census,
  type CensusEndpoint,
  type Findings,
  type Gathered,
  type Knowledge,
  type NameAnswer,
  type Reach,
} from './index.ts';

const OVERLAY = { id: 'net', name: 'ovr0', driver: 'overlay', scope: 'global' } as const;

/** `web@.2: nginx` is a container with its address and aliases; names after `!` are declared and lacking. */
function endpoint(text: string): CensusEndpoint {
  const [, container = '', host = '', names = ''] = /^(\S+)@\.(\d+):?(.*)$/.exec(text) ?? [];
  const [own = '', lacking = ''] = names.split('!').map((part) => part.trim());
  const words = (part: string): string[] => part.split(' ').filter((word) => word !== '');
  return {
    ...{ id: `id-${container}`, container, address: `10.0.9.${host}`, networks: [OVERLAY.id] },
    ...{ names: [container, ...words(own)].sort(), lacking: words(lacking) },
  };
}

type Hosts = Readonly<Record<string, readonly string[]>>;

function knowledgeOf(hosts: Hosts, scope: 'global' | 'local' = 'global'): Knowledge {
  const censuses = Object.entries(hosts).map(([node, texts]): Census => {
    return { node, omitted: 0, networks: [{ ...OVERLAY, scope, endpoints: texts.map(endpoint) }] };
  });
  return { censuses, isComplete: true };
}

interface Wrong {
  /** `n2 web`: asked on n2, web is answered with these last numbers. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
  /** `n2 .3`: n2 gets no answer from there, but what is told. */
  readonly ways?: Readonly<Record<string, Reach>>;
}

/** What a check gathers where all is well but this. Everybody pings everybody. */
function gathered(hosts: Hosts, { names = {}, ways = {} }: Wrong): Gathered {
  const knowledge = knowledgeOf(hosts);
  const all = knowledge.censuses.flatMap(({ node, networks }) =>
    (networks[0]?.endpoints ?? []).map(({ address }) => ({ node, address })),
  );
  const found = (node: string, texts: readonly string[]): Findings => {
    const odd = Object.entries(names).flatMap(([key, last]): NameAnswer[] => {
      const [asked, name = ''] = key.split(' ');
      return asked === node ? [{ name, addresses: last.map((each) => `10.0.9${each}`) }] : [];
    });
    const pings = all.map((one) => ({ ...one, reach: ways[`${node} ${one.address.slice(6)}`] ?? 'ok' }));
    return {
      networks: [
        {
          ...{ id: OVERLAY.id, name: 'ovr0', mtu: 1450 },
          asker: { container: endpoint(texts[0] ?? '').container, networks: [OVERLAY.id] },
          dns: { asked: 9, untried: 0, odd, omitted: 0 },
          ...{ pings: pings.slice(0, 1), fellows: pings.slice(1) },
        },
      ],
    };
  };
  return {
    ...{ node: 'n1', scope: 'cluster', wanted: [], startedMs: 0, durationMs: 5 },
    ...{ before: knowledge, after: knowledge, silent: new Map() },
    findings: new Map(Object.entries(hosts).map(([node, texts]) => [node, found(node, texts)])),
  };
}

const HOSTS: Hosts = { n1: ['a1@.2: nginx', 'a2@.3'], n2: ['b1@.4: nginx', 'b2@.5'], n3: ['c1@.6'] };

describe('an endpoint is suspected', () => {
  it.each<[why: string, wrong: Wrong, suspects: readonly string[]]>([
    ['where nothing is wrong: none', {}, []],
    [
      'whose name is unknown on another host',
      { names: { 'n2 a1': [] } },
      ['name a1: asked on n2, a1 does not lead to 10.0.9.2'],
    ],
    [
      'that lacks in an answer on other hosts, and no other holder of the name',
      { names: { 'n2 nginx': ['.4'], 'n3 nginx': ['.4'] } },
      ['name a1: asked on n2, n3, nginx does not lead to 10.0.9.2'],
    ],
    [
      'once for all its names',
      { names: { 'n2 a1': [], 'n3 nginx': ['.4'] } },
      ['name a1: asked on n2, n3, a1, nginx do not lead to 10.0.9.2'],
    ],
    [
      'in whose place a dead address is answered',
      { names: { 'n3 b2': ['.99'] } },
      ['name b2: asked on n3, b2 does not lead to 10.0.9.5'],
    ],
    [
      'not where a dead address is answered beside it: that record is not its own',
      { names: { 'n3 b2': ['.5', '.99'] } },
      [],
    ],
    ['not where only its own host does not know it', { names: { 'n1 a1': [] } }, []],
    [
      'that another host does not reach, while it reaches one beside it',
      { ways: { 'n2 .2': 'unreachable' } },
      ['address a1: 10.0.9.2 is not reached from n2, while 10.0.9.3 beside it is'],
    ],
    [
      'that is beside the container of its host',
      { ways: { 'n1 .5': 'unreachable', 'n3 .5': 'unreachable' } },
      ['address b2: 10.0.9.5 is not reached from n1, n3, while 10.0.9.4 beside it is'],
    ],
    [
      'not where nothing of its host is reached',
      { ways: { 'n2 .2': 'unreachable', 'n2 .3': 'unreachable' } },
      [],
    ],
    [
      'not where nothing else is there to compare with',
      { ways: { 'n1 .6': 'unreachable', 'n2 .6': 'unreachable' } },
      [],
    ],
    [
      'not where its own host does not reach it',
      { ways: { 'n1 .2': 'unreachable', 'n2 .2': 'unreachable' } },
      [],
    ],
    ['not where only whole packets do not come through', { ways: { 'n2 .2': 'mtu' } }, []],
    ['not where the ping could not be tried', { ways: { 'n2 .2': 'failed' } }, []],
  ])('%s', (_, wrong, suspects) => {
    expect(
      suspectsOf(gathered(HOSTS, wrong)).map(({ kind, container, why }) => `${kind} ${container}: ${why}`),
    ).toEqual(suspects);
  });

  it('with all that its own node needs to know it again', () => {
    const [first] = suspectsOf(gathered(HOSTS, { names: { 'n2 a1': [] } }));
    expect(first).toMatchObject({
      ...{
        node: 'n1',
        networkId: 'net',
        network: 'ovr0',
        containerId: 'id-a1',
        container: 'a1',
        address: '10.0.9.2',
      },
    });
  });

  it('never for a name that its endpoint does not have, or for an address that two have', () => {
    const lacking = { ...HOSTS, n1: ['a1@.2: ! shop'] };
    expect(suspectsOf(gathered(lacking, { names: { 'n2 shop': [] } }))).toEqual([]);
    const double = { ...HOSTS, n1: ['a1@.2', 'a2@.2'] };
    expect(suspectsOf(gathered(double, { names: { 'n2 a1': [] } }))).toEqual([]);
  });

  it('never on a network that is one node’s own', () => {
    const own = knowledgeOf(HOSTS, 'local');
    const wrong = { names: { 'n2 a1': [] }, ways: { 'n2 .2': 'unreachable' } } as const;
    expect(suspectsOf({ ...gathered(HOSTS, wrong), before: own, after: own })).toEqual([]);
  });

  it('never where it went away meanwhile', () => {
    const wrong = { names: { 'n2 a1': [] }, ways: { 'n2 .2': 'unreachable' } } as const;
    const after = knowledgeOf({ ...HOSTS, n1: ['a1@.9: nginx', 'a2@.3'] });
    expect(suspectsOf({ ...gathered(HOSTS, wrong), after })).toEqual([]);
  });

  it('by a few names of many', () => {
    const many = Array.from('abcdefg').map((letter) => `x${letter}`);
    const hosts = { ...HOSTS, n1: [`a1@.2: ${many.join(' ')}`] };
    const names = Object.fromEntries(many.map((name) => [`n2 ${name}`, []]));
    expect(suspectsOf(gathered(hosts, { names }))[0]?.why).toBe(
      'asked on n2, xa, xb, xc, xd, xe and 2 more do not lead to 10.0.9.2',
    );
  });
});

describe('the report of a container that is lost on the way', () => {
  it('is not well, and tells the mend', () => {
    const report = assembleReport(gathered(HOSTS, { ways: { 'n1 .5': 'unreachable' } }));
    expect(report.ok).toBe(false);
    expect(report.unreached).toMatchObject([
      { network: 'ovr0', container: 'b2', node: 'n2', address: '10.0.9.5', from: ['n1'] },
    ]);
    expect(report.unreached[0]?.message).toMatch(
      /^no answer from 10\.0\.9\.5, while 10\.0\.9\.4 .*ovr republish b2 on n2$/,
    );
  });

  it('points at the container where its own host does not reach it either', () => {
    const ways = { 'n1 .5': 'unreachable', 'n2 .5': 'unreachable' } as const;
    const report = assembleReport(gathered(HOSTS, { ways }));
    expect(report.unreached[0]?.message).toMatch(/look into the container, it may drop pings$/);
  });
});

describe('what is pinged besides one container of each host', () => {
  const many: Hosts = {
    n1: Array.from({ length: 30 }, (_, at) => `a${String(at).padStart(2, '0')}@.${at + 2}`),
    n2: ['b1@.100', 'b2@.101'],
  };
  const fellows = (hosts: Hosts, turn: number, lost: readonly string[] = []): string[] => {
    const knowledge = knowledgeOf(hosts);
    const attention = { turn, unanswered: new Set(lost.map((last) => `net 10.0.9${last}`)) };
    const { networks } = withFellows(makeErrand(knowledge, [], 'shared'), knowledge, attention);
    return (networks[0]?.fellows ?? []).map(({ container }) => container);
  };

  it('is a bounded part of all, and all in turn', () => {
    const turns = [0, 1, 2].map((turn) => fellows(many, turn));
    expect(turns.map(({ length }) => length)).toEqual([16, 16, 16]);
    // All but the one of each host that is pinged anyway.
    expect(new Set(turns.flat()).size).toBe(30);
    expect(turns.flat()).not.toContain('a29');
  });

  it('is each time whoever did not answer, beside another one of the same host', () => {
    for (const turn of [0, 1, 2]) {
      expect(fellows(many, turn, ['.100'])).toContain('b1');
      // The container of its host did not answer: one beside it tells whether the way is open.
      expect(fellows(many, turn, ['.101'])).toContain('b1');
    }
  });

  it('is nothing where each host has but one', () => {
    expect(fellows({ n1: ['a1@.2'], n2: ['b1@.3'] }, 0, ['.3'])).toEqual([]);
  });

  it('is known by what did not answer', () => {
    const { findings } = gathered(HOSTS, {
      ways: { 'n1 .5': 'unreachable', 'n2 .2': 'mtu', 'n3 .2': 'unreachable' },
    });
    expect([...unanswered([...findings.values(), { problem: 'x' }])]).toEqual([
      'net 10.0.9.5',
      'net 10.0.9.2',
    ]);
  });
});
