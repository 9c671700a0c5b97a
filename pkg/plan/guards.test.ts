import { describe, expect, it } from 'vitest';
import { container } from '../../test/build/objects.ts';
import { appliedBefore, containerOf, outline, planCase, type PlanCase } from '../../test/build/observed.ts';
import type { ContainerObject } from '../manifest/index.ts';

function from(folder: string, name: string): ContainerObject {
  return { ...container(name), origin: { file: `${folder}/${name}.yaml`, line: 1, column: 1 } };
}

/** Everything runs, and was declared in these folders when it was last looked at. */
function seen(all: readonly ContainerObject[], declared: readonly ContainerObject[]): PlanCase {
  const records = all.map(({ key, digest, origin }) => {
    const folder = origin.file.slice(0, origin.file.lastIndexOf('/'));
    return [key, { digest, addresses: {}, folder }] as const;
  });
  return {
    objects: declared,
    observed: { containers: all.map((object) => containerOf(object)) },
    memory: { ...appliedBefore([]), applied: new Map(records) },
  };
}

const [a1, a2] = [from('/a', 'a1'), from('/a', 'a2')];
const b = ['b1', 'b2', 'b3', 'b4'].map((name) => from('/mnt/b', name));
const all = [a1, a2, ...b];

describe('removals', () => {
  const rows: [string, PlanCase, string | undefined][] = [
    ['of one of several in a folder go', seen(all, [a1, ...b]), undefined],
    ['of all but one of a folder go', seen(all, [a1, a2, ...b.slice(0, 1)]), undefined],
    [
      'of all that a folder had wait, though they are few: it may not be mounted',
      seen(all, b),
      'no file of /a declares anything any more; if that is meant (and it is mounted), run `ovr prune --confirm`',
    ],
    [
      'of all that a folder had go once a person has said so',
      { ...seen(all, b), pruneConfirmed: true },
      undefined,
    ],
    [
      'of what is declared in another folder now are none',
      seen(all, [from('/c', 'a1'), from('/c', 'a2'), ...b]),
      undefined,
    ],
    [
      'of all there is wait',
      seen(all, []),
      'the sources declare nothing at all; if that is meant, run `ovr prune --confirm`',
    ],
    [
      'of more than half wait',
      seen(all, [a1, b[0]!]),
      '4 of 6 owned objects would go at once; if that is meant, run `ovr prune --confirm`',
    ],
    [
      'wait while the sources are in doubt, whatever a person has said',
      { ...seen(all, [a1, ...b]), doubt: 'git: it was not read yet', pruneConfirmed: true },
      'nothing is removed while in doubt: git: it was not read yet',
    ],
  ];
  it.each(rows)('%s', (_what, given, reason) => {
    const planned = planCase(given);
    expect(planned.held?.reason).toBe(reason);
    const gone = all.filter(({ key }) => !given.objects.some((object) => object.key === key));
    const removed = outline(planned).filter((line) => line.includes('RemoveContainer'));
    expect(removed).toHaveLength(reason === undefined ? gone.length : 0);
  });
});
