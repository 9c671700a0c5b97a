import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { movable, staying } from '../../test/build/cluster.ts';
import { revision } from '../../test/build/objects.ts';
import { nodes } from '../../test/build/placement.ts';
import type { Share } from './bindings.ts';
import { decide, handOver, type DecideInput } from './decide.ts';

/** `n1: a b -c | n2:`: what is bound and, with a minus, what is leaving. */
function shares(text: string): Map<string, Share> {
  return new Map(
    text.split(' | ').map((part) => {
      const [node = '', list = ''] = part.split(':');
      const words = list.split(' ').filter((word) => word !== '');
      const leaving = words.filter((word) => word.startsWith('-')).map((word) => word.slice(1));
      return [node, { names: words.filter((word) => !word.startsWith('-')), leaving, inherited: [] }];
    }),
  );
}

function show(input: Partial<DecideInput>): string {
  const { shares: decided, unplaced } = decide({ ...BASE, ...input });
  const shown = [...decided].map(([node, { names, leaving }]) =>
    `${node}: ${[...names, ...leaving.map((name) => `-${name}`)].join(' ')}`.trim(),
  );
  return [...shown, ...[...unplaced].map(([name, reason]) => `${name}! ${reason}`)].join(' | ');
}

const BASE: DecideInput = {
  revision: revision([]),
  isInDoubt: false,
  shares: new Map(),
  nodes: nodes('n1 n2'),
  lost: new Set(),
  reported: new Map(),
  gaveUp: () => false,
  runs: () => false,
  strategy: 'spread',
};

const x = revision(movable('x'));
const onN2 = revision(movable('x', { nodeConstraint: ['zone==b'] }));
const zones = nodes('n1{zone=a} n2{zone=b}');
const on = (...names: string[]): Set<string> => new Set(names);

describe('what runs once at most', () => {
  it.each<[what: string, input: Partial<DecideInput>, expected: string]>([
    ['is placed when it is new', { revision: x }, 'n1: x'],
    ['is taken first', { revision: onN2, nodes: zones, shares: shares('n1: x') }, 'n1: -x | n2:'],
    ['waits for the old node', { revision: onN2, nodes: zones, shares: shares('n1: -x') }, 'n1: -x | n2:'],
    [
      'is given when the old node has given it up',
      { revision: onN2, nodes: zones, shares: shares('n1: -x'), gaveUp: (_, node) => node === 'n1' },
      'n1: | n2: x',
    ],
    [
      'waits for all that may have it',
      { revision: onN2, nodes: zones, shares: shares('n1: -x | n3: -x'), gaveUp: (_, node) => node === 'n1' },
      'n1: | n3: -x',
    ],
    ['stays where it was leaving when it may', { revision: x, shares: shares('n2: -x') }, 'n2: x'],
    ['stays on a node that is away', { revision: x, shares: shares('n9: x') }, 'n9: x'],
    ['is taken from a node that is lost', { revision: x, shares: shares('n9: x'), lost: on('n9') }, 'n9: -x'],
    [
      'ends at all but one node that have it',
      { revision: x, shares: shares('n1: x | n2: x') },
      'n1: x | n2: -x',
    ],
    ['goes when it is not declared any more', { shares: shares('n1: x') }, 'n1: -x'],
    ['is forgotten when that is done', { shares: shares('n1: -x'), gaveUp: () => true }, 'n1:'],
    ['stays in doubt', { shares: shares('n1: x'), isInDoubt: true }, 'n1: x'],
    [
      'stays when it is undecided',
      { revision: revision([], ['Container/x']), shares: shares('n1: x') },
      'n1: x',
    ],
    [
      'goes when it is pinned now',
      {
        revision: revision(movable('x', { nodeConstraint: ['node==n2'] })),
        shares: shares('n1: x'),
        isInDoubt: true,
      },
      'n1: -x',
    ],
    ['is bound where it is reported', { revision: x, reported: new Map([['x', on('n2')]]) }, 'n2: x'],
    [
      'is bound where it is reported rather than where bindings say',
      { revision: x, shares: shares('n1: x'), reported: new Map([['x', on('n2')]]) },
      'n1: -x | n2: x',
    ],
    [
      'stays where bindings say when that node reports it too',
      { revision: x, shares: shares('n2: x'), reported: new Map([['x', on('n1', 'n2')]]) },
      'n1: -x | n2: x',
    ],
    [
      'is taken from where it is reported when it may not be there',
      { revision: onN2, nodes: zones, reported: new Map([['x', on('n1')]]) },
      'n1: -x',
    ],
    [
      'ends at all but one node that report it',
      { revision: x, reported: new Map([['x', on('n1', 'n2')]]) },
      'n1: x | n2: -x',
    ],
    ['waits while nobody is known to have it', { revision: x, hold: 'wait' }, 'x! wait'],
    ['is not held back where it is known', { revision: x, hold: 'wait', shares: shares('n2: x') }, 'n2: x'],
    [
      'is taken when it has no node any more',
      { revision: onN2, nodes: nodes('n1{zone=a}'), shares: shares('n1: x') },
      'n1: -x | x! 1 node: constraint zone==b',
    ],
  ])('%s', (_what, input, expected) => {
    expect(show(input).replaceAll(/ n2:$| \| n2:$/g, '')).toBe(expected.replaceAll(/ \| n2:$/g, ''));
  });

  it('moves in one step where it may run twice', () => {
    const stays = revision(staying('x', { nodeConstraint: ['zone==b'] }));
    expect(show({ revision: stays, nodes: zones, shares: shares('n1: x') })).toBe('n1: | n2: x');
  });
});

describe('whatever is bound, lost and reported', () => {
  const names = 'a b c d'.split(' ');
  const some = fc.subarray(names);
  const share = fc.record({ names: some, leaving: some, inherited: fc.constant([]) });
  const arbitrary = fc.record({
    shares: fc.tuple(share, share, share),
    lost: fc.subarray(['n3']),
    gaveUp: fc.func(fc.boolean()),
    isInDoubt: fc.boolean(),
    declared: some,
    members: fc.subarray(['n1', 'n2', 'n3'], { minLength: 1 }),
  });

  it('nothing is bound twice, and nothing begins where it may not have ended elsewhere', () => {
    fc.assert(
      fc.property(arbitrary, ({ shares: given, declared, members, ...rest }) => {
        const before = new Map(given.map((value, index) => [`n${index + 1}`, value]));
        const input: DecideInput = {
          ...BASE,
          ...rest,
          gaveUp: (container, node) => rest.gaveUp(container, node),
          lost: new Set(rest.lost.filter((node) => !members.includes(node))),
          shares: before,
          nodes: nodes(members.join(' ')),
          revision: revision(movable(declared.join(' ')).filter(({ name }) => name !== '')),
        };
        const after = decide(input).shares;
        for (const name of declared) {
          const bound = [...after].filter(([, value]) => value.names.includes(name)).map(([node]) => node);
          expect(bound.length).toBeLessThanOrEqual(1);
          const [target] = bound;
          if (target === undefined || before.get(target)?.names.includes(name)) continue;
          const mayHave = [...before].filter(
            ([node, value]) =>
              node !== target &&
              (value.names.includes(name) || (value.leaving.includes(name) && !input.gaveUp(name, node))),
          );
          expect(mayHave).toEqual([]);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('a second decision changes nothing', () => {
    fc.assert(
      fc.property(arbitrary, ({ shares: given, declared, members }) => {
        const input: DecideInput = {
          ...BASE,
          shares: new Map(given.map((value, index) => [`n${index + 1}`, value])),
          nodes: nodes(members.join(' ')),
          revision: revision(movable(declared.join(' ')).filter(({ name }) => name !== '')),
        };
        const once = decide(input);
        const twice = decide({ ...input, shares: once.shares });
        expect(decide({ ...input, shares: twice.shares })).toEqual(twice);
      }),
    );
  });
});

describe('what only lost nodes had', () => {
  const given = {
    ...BASE,
    shares: shares('n1: a | n9: b c'),
    lost: on('n9'),
    revision: revision(movable('a b c')),
  };

  it('is handed over to where deciding anew would give it', () => {
    const decided = decide(given);
    expect([...decided.waiting.keys()].sort()).toEqual(['b', 'c']);
    const next = decide({ ...given, shares: decided.shares, gaveUp: (_, node) => node === 'n9' });
    expect(handOver(decided)).toEqual(next);
  });

  it('waits where a node that is not lost may have it too', () => {
    expect(decide({ ...given, shares: shares('n1: a -b | n9: b c') }).waiting.has('b')).toBe(false);
    expect(decide({ ...given, shares: shares('n8: -b | n9: b c') }).waiting.has('b')).toBe(false);
  });
});
