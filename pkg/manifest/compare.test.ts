import { describe, expect, it } from 'vitest';
import { containerText, networkText, parsedRevision } from '../../test/build/revisions.ts';
import { compareRevisions } from './index.ts';

function differences(from: object, to: object, metadata: [object, object] = [{}, {}]): string[] {
  const [before, after] = [
    parsedRevision(containerText('web', from, metadata[0])),
    parsedRevision(containerText('web', to, metadata[1])),
  ];
  const [difference, ...others] = compareRevisions(before, after);
  expect(others).toEqual([]);
  return (difference?.fields ?? []).map(({ field, from, to }) => `${field}: ${from} → ${to}`);
}

describe('two revisions', () => {
  it('differ by what was added, removed and changed', () => {
    const before = parsedRevision(
      networkText('ovr0'),
      containerText('aa'),
      containerText('bb'),
      containerText('same'),
    );
    const after = parsedRevision(
      networkText('ovr1'),
      containerText('bb', { image: 'x' }),
      containerText('same'),
    );
    expect(compareRevisions(before, after).map(({ key, change }) => `${change} ${key}`)).toEqual([
      'removed Container/aa',
      'changed Container/bb',
      'removed Network/ovr0',
      'added Network/ovr1',
    ]);
    expect(compareRevisions(after, after)).toEqual([]);
  });

  it.each<[string, object, object, string[]]>([
    ['a value', { image: 'a' }, { image: 'b' }, ['image: a → b']],
    ['a value that comes', {}, { user: 'root' }, ['user: absent → root']],
    [
      'a value in a value',
      {},
      { resources: { limits: { cpu: '0.5' } } },
      ['resources.limits.nanoCpus: absent → 500000000'],
    ],
    [
      'aliases',
      { networks: [{ name: 'n', aliases: ['a'] }, { name: 'm' }] },
      { networks: [{ name: 'n', aliases: ['b', 'a'] }, { name: 'm' }] },
      ['networks[n].aliases: [a] → [a b]'],
    ],
    [
      'a network more',
      { networks: [{ name: 'n' }] },
      { networks: [{ name: 'n' }, { name: 'm' }] },
      ['networks[m]: absent → {"name":"m","aliases":[]}'],
    ],
    ['a list', { args: ['a', 'b'] }, { args: ['b'] }, ['args: [a b] → [b]']],
    ['the order of a list', { args: ['a', 'b'] }, { args: ['b', 'a'] }, ['args: [a b] → [b a]']],
  ])('tell of %s', (_what, from, to, expected) => {
    expect(differences(from, to)).toEqual(expected);
  });

  it('tell of labels and annotations', () => {
    expect(
      differences({}, {}, [
        { labels: { track: 'blue' } },
        { labels: { track: 'green' }, annotations: { a: 'b' } },
      ]),
    ).toEqual(['metadata.labels.track: blue → green', 'metadata.annotations.a: absent → b']);
  });

  it('never tell what is in the environment', () => {
    const value = (name: string, value: string): object => ({ name, value });
    const from = { env: [value('OLD', 'secret1'), value('SAME', 'secret2'), value('PASSWORD', 'secret3')] };
    const to = {
      env: [
        value('PASSWORD', 'secret4'),
        value('SAME', 'secret2'),
        { name: 'NEW', valueFrom: { file: '/x' } },
      ],
    };
    expect(differences(from, to)).toEqual([
      'env[NEW]: absent → set',
      'env[OLD]: set → absent',
      'env[PASSWORD]: set → changed',
    ]);
    expect(JSON.stringify(differences(from, {}))).not.toContain('secret');
  });

  it('cut what is too long to read', () => {
    const [line = ''] = differences({ args: ['x'] }, { args: ['y'.repeat(5_000)] });
    expect(line.length).toBeLessThan(400);
  });
});
