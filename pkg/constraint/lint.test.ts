import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lintConstraints, matches, parseConstraint, type NodeFacts } from './index.ts';

function found(texts: readonly string[]): string[] {
  return lintConstraints(texts).map(({ about, index }) => `${index} ${about}`);
}

describe('constraints in a list', () => {
  const table: [what: string, texts: string[], found: string[]][] = [
    ['none', [], []],
    ['two of different keys', ['node==a1', 'zone==b'], []],
    ['two names', ['node==a1', 'node==b1'], ['1 contradiction']],
    ['three names', ['node==a1', 'node==b1', 'node==c1'], ['1 contradiction', '2 contradiction']],
    ['a name in both dialects', ['node==Web', 'node.hostname==web'], ['0 suspicious']],
    ['two names in both dialects', ['node==a1', 'node.hostname==b1'], ['1 contradiction']],
    ['a name and not that name', ['node!=a1', 'node==a1'], ['1 contradiction']],
    ['a name and not that name in any case', ['node==a1', 'node.hostname!=A1'], ['1 contradiction']],
    ['a name in any case and not in one', ['node!=a1', 'node.hostname==a1'], []],
    ['a name and not another one', ['node!=a1', 'node==b1'], []],
    ['a name and a glob without it', ['node!=a*', 'node==a1'], ['1 contradiction']],
    ['a name and a glob that may fit the ID', ['node==b*', 'node==a1'], []],
    ['a name and an ID', ['node==a1', 'node==jp5mhjryqk7bvgqvvxc4zzw2d'], []],
    ['two values of a label', ['zone==a', 'zone==b'], ['1 contradiction']],
    ['a value of a label and a glob for it', ['zone==a1', 'zone==a*'], []],
    ['a value of a label and another glob', ['zone==a1', 'zone==b*'], ['1 contradiction']],
    ['a value of a label, twice in other case', ['node.labels.z==A', 'node.labels.z==a'], []],
    ['labels whose names differ in case', ['node.labels.z==a', 'node.labels.Z==b'], []],
    ['node and engine labels', ['node.labels.z==a', 'engine.labels.z==b'], []],
    ['both roles', ['node.role==worker', 'node.role==manager'], ['1 contradiction']],
    ['an address in a network', ['node.ip==10.0.0.1', 'node.ip==10.0.0.0/8'], []],
    ['a soft one that is contradicted', ['zone==a', 'zone==~b'], []],
    ['one soft one', ['zone==~a'], []],
    ['two soft ones', ['zone==~a', 'disk!=~b'], ['1 soft']],
    ['soft ones of a container that is pinned', ['zone==~a', 'node==b1', 'disk==~c'], ['0 soft', '2 soft']],
    ['one that does not parse', ['node=a1', 'zone==b'], []],
  ];
  it.each(table)('%s', (_, texts, expected) => {
    expect(found(texts)).toEqual(expected);
  });

  it.each([
    [['node==a1', 'node.hostname==b1'], 'node==(a1|b1)'],
    [['node.labels.zone==a', 'node.labels.zone==b'], 'zone==(a|b)'],
    [['node.role==manager', 'node.role==worker'], 'remove one of them'],
    [['zone==a', 'zone!=a'], 'remove one of them'],
  ])('%j: the mend', (texts, mend) => {
    expect(lintConstraints(texts)[0]?.message).toContain(mend);
  });

  const names = ['a', 'ab', 'b', 'x1'];
  const subjects = ['node', 'zone', 'node.hostname', 'node.labels.zone', 'engine.labels.zone'];
  const constraint = fc
    .tuple(
      fc.constantFrom(...subjects),
      fc.constantFrom('==', '!='),
      fc.constantFrom(...names, 'a*', '/b/', 'AB'),
    )
    .map((parts) => parts.join(''));
  const value = fc.constantFrom('', ...names, 'AB');

  it('are contradictory only where indeed no node meets them', () => {
    const node = fc
      .record({ id: value, name: value, node: value, engine: value })
      .map((facts): NodeFacts => ({
        id: `ID:${facts.id}`,
        name: facts.name,
        ip: '',
        role: 'worker',
        os: 'linux',
        arch: 'x86_64',
        labels: facts.node === '' ? {} : { zone: facts.node },
        engineLabels: facts.engine === '' ? {} : { zone: facts.engine },
      }));
    fc.assert(
      fc.property(fc.array(constraint, { maxLength: 4 }), node, (texts, facts) => {
        fc.pre(lintConstraints(texts).some(({ about }) => about === 'contradiction'));
        const holds = texts.every((text) => {
          const result = parseConstraint(text);
          return result.ok && matches(result.constraint, facts);
        });
        expect(holds).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });
});
