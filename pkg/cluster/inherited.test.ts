import { describe, expect, test } from 'vitest';
import { container, revision } from '../../test/build/objects.ts';
import { facts } from '../../test/build/observed.ts';
import type { Share } from './bindings.ts';
import { decide, type DecideInput } from './decide.ts';

const roamer = container('roamer', { reschedule: 'on-node-failure' });

function node(name: string): DecideInput['nodes'][number] {
  return { facts: { ...facts.node, name, id: name }, nanoCpus: 0, memoryBytes: 0 };
}

function share(given: Partial<Share>): Share {
  return { names: [], leaving: [], inherited: [], ...given };
}

function decided(given: Partial<DecideInput>): Record<string, Share> {
  const { shares } = decide({
    revision: revision([roamer]),
    isInDoubt: false,
    shares: new Map(),
    nodes: [node('n2')],
    lost: new Set(),
    reported: new Map(),
    gaveUp: () => false,
    runs: () => false,
    strategy: 'spread',
    ...given,
  });
  return Object.fromEntries(shares);
}

describe('what comes from a lost node', () => {
  const lost = { lost: new Set(['n1']), gaveUp: (_: string, from: string) => from === 'n1' };

  test('is taken from it first', () => {
    const shares = new Map([['n1', share({ names: ['roamer'] })]]);
    expect(decided({ ...lost, shares })).toEqual({ n1: share({ leaving: ['roamer'] }) });
  });

  test('is inherited by the node that gets it', () => {
    const shares = new Map([['n1', share({ leaving: ['roamer'] })]]);
    expect(decided({ ...lost, shares })['n2']).toEqual(share({ names: ['roamer'], inherited: ['roamer'] }));
  });

  test('stays so until it is known to run there', () => {
    const shares = new Map([['n2', share({ names: ['roamer'], inherited: ['roamer'] })]]);
    expect(decided({ shares })['n2']?.inherited).toEqual(['roamer']);
    expect(decided({ shares, runs: () => true })['n2']).toEqual(share({ names: ['roamer'] }));
  });
});

test('what a member gave up is not inherited: that node took its endpoints with it', () => {
  const shares = new Map([['n1', share({ leaving: ['roamer'] })]]);
  const nodes = [{ ...node('n1'), unhealthy: 'its engine does not answer' }, node('n2')];
  const pinnedAway = container('roamer', { reschedule: 'on-node-failure', nodeConstraint: ['node!=n1'] });
  const given = decided({ shares, nodes, gaveUp: () => true, revision: revision([pinnedAway]) });
  expect(given['n2']).toEqual(share({ names: ['roamer'] }));
});
