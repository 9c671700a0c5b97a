import { describe, expect, test } from 'vitest';
import { container, network, revision } from '../../test/build/objects.ts';
import { conditionOf, containerOf, facts, outline, planCase } from '../../test/build/observed.ts';
import type { ContainerObject, ManifestObject } from '../manifest/index.ts';
import type { ClusterInput } from './input.ts';
import { parkedName } from './names.ts';

const web = container('web');
const once = container('once', { reschedule: 'on-node-failure' });
const pinnedHere = container('pinned', { nodeConstraint: ['node==node-1'] });
const pinnedAway = container('away', { nodeConstraint: ['node==node-2'] });
const onSsd = container('ssd', { nodeConstraint: ['storage==ssd'] });

function decided(
  objects: readonly ManifestObject[],
  given: Partial<ClusterInput> = {},
): { cluster: ClusterInput } {
  const cluster = {
    bound: new Set<string>(),
    decidedOn: revision(objects).digest,
    unplaced: new Map<string, string>(),
    unplacedOmitted: 0,
    leaseHeld: true,
    fenceGraceMs: 3_000,
    makesOverlays: false,
    ...given,
  };
  return { cluster };
}

const running = (...objects: ContainerObject[]) => ({
  containers: objects.map((object) => containerOf(object)),
});
const bound = (...names: string[]) => ({ bound: new Set(names) });

describe('a container in a cluster', () => {
  const making = (name: string): string => `Container/${name}: EnsureImage CreateContainer StartContainer`;
  const rows: [string, ContainerObject, Partial<ClusterInput>, ContainerObject[], string[], string][] = [
    ['bound here: made', web, bound('web'), [], [making('web')], 'Progressing'],
    ['bound here and running', web, bound('web'), [web], [], 'Ready'],
    ['pinned here needs no binding', pinnedHere, {}, [], [making('pinned')], 'Progressing'],
    [
      'pinned here needs no leader',
      pinnedHere,
      { decidedOn: 'other' },
      [],
      [making('pinned')],
      'Progressing',
    ],
    ['pinned here needs no lease', pinnedHere, { leaseHeld: false }, [pinnedHere], [], 'Ready'],
    [
      'pinned elsewhere: goes',
      pinnedAway,
      {},
      [pinnedAway],
      ['Container/away: StopContainer RemoveContainer'],
      'Progressing',
    ],
    [
      'bound elsewhere: goes',
      web,
      {},
      [web],
      ['Container/web: StopContainer RemoveContainer'],
      'Progressing',
    ],
    ['bound elsewhere, none here', web, {}, [], [], 'NotHere'],
    ['decided on other manifests: left as it is', web, { decidedOn: 'other' }, [web], [], 'Waiting'],
    ['decided on other manifests: not made', web, { decidedOn: 'other' }, [], [], 'Waiting'],
    [
      'bound here stays so whatever was decided last',
      web,
      { ...bound('web'), decidedOn: 'other' },
      [],
      [making('web')],
      'Progressing',
    ],
    [
      'no node has room: a copy here stays',
      web,
      { unplaced: new Map([['web', 'full']]) },
      [web],
      [],
      'Unschedulable',
    ],
    [
      'no node fits, this one neither: a copy here goes',
      onSsd,
      { unplaced: new Map([['ssd', '1 node: constraint storage==ssd']]) },
      [onSsd],
      ['Container/ssd: StopContainer RemoveContainer'],
      'Progressing',
    ],
    [
      'maybe one of those left out of the list: left as it is',
      web,
      { unplacedOmitted: 1 },
      [web],
      [],
      'Unschedulable',
    ],
    [
      'bound to a node that does not fit any more: left to the leader',
      onSsd,
      bound('ssd'),
      [onSsd],
      [],
      'Waiting',
    ],
    [
      'never moves: keeps running without a lease',
      web,
      { ...bound('web'), leaseHeld: false },
      [web],
      [],
      'Ready',
    ],
    [
      'may move: stopped without a lease',
      once,
      { ...bound('once'), leaseHeld: false },
      [once],
      ['Container/once: StopContainer'],
      'Fenced',
    ],
    ['may move: not made without a lease', once, { ...bound('once'), leaseHeld: false }, [], [], 'Fenced'],
    [
      'may move, not known to be bound here: stopped without a lease',
      once,
      { leaseHeld: false },
      [once],
      ['Container/once: StopContainer'],
      'Fenced',
    ],
    ['may move: made with a lease', once, bound('once'), [], [making('once')], 'Progressing'],
  ];
  test.each(rows)('%s', (...row) => {
    const [, object, given, there, steps, condition] = row;
    const planned = planCase({ objects: [object], observed: running(...there), ...decided([object], given) });
    expect(outline(planned)).toEqual(steps);
    expect(conditionOf(planned, object.key)).toBe(condition);
  });

  test('without the leader heard, nothing is made, changed or removed that is not pinned', () => {
    const { bound: none, ...known } = decided([web]).cluster;
    const { unplaced, unplacedOmitted, leaseHeld, fenceGraceMs, makesOverlays } = known;
    const rest = { bound: none, unplaced, unplacedOmitted, leaseHeld, fenceGraceMs, makesOverlays };
    for (const there of [[], [web]]) {
      const planned = planCase({ objects: [web], observed: running(...there), cluster: rest });
      expect(outline(planned)).toEqual([]);
      expect(conditionOf(planned, web.key)).toBe('Waiting');
    }
  });

  test('what is only observed is not stopped', () => {
    const watched = { ...once, mode: 'observe' as const };
    const lost = decided([watched], { ...bound('once'), leaseHeld: false });
    expect(outline(planCase({ objects: [watched], observed: running(watched), ...lost }))).toEqual([]);
    const settings = { mode: 'observe' as const };
    expect(outline(planCase({ objects: [once], observed: running(once), settings, ...lost }))).toEqual([]);
  });

  test('a lost lease stops the old one of a replacement too, paused or not, within the time there is', () => {
    const parked = containerOf(once, { name: parkedName('once'), state: 'paused', id: 'old' });
    const planned = planCase({
      objects: [once],
      observed: { containers: [containerOf(once), parked] },
      ...decided([once], { ...bound('once'), leaseHeld: false }),
    });
    expect(outline(planned)).toEqual(['Container/once: StopContainer UnpauseContainer StopContainer']);
    expect(planned.objects[0]?.steps.map((step) => ('graceMs' in step ? step.graceMs : '-'))).toEqual([
      3_000,
      '-',
      3_000,
    ]);
  });

  test('a foreign container of that name is not stopped', () => {
    const foreign = containerOf(once, { labels: {} });
    const lost = decided([once], { ...bound('once'), leaseHeld: false });
    expect(outline(planCase({ objects: [once], observed: { containers: [foreign] }, ...lost }))).toEqual([]);
  });

  test('steps for what is bound end with the binding, and with the lease where it may move', () => {
    const planned = planCase({
      objects: [web, once, pinnedHere],
      ...decided([web, once, pinnedHere], bound('web', 'once')),
    });
    expect(planned.objects.map(({ key, onlyWhile }) => [key, onlyWhile])).toEqual([
      ['Container/once', 'leased'],
      ['Container/pinned', undefined],
      ['Container/web', 'bound'],
    ]);
  });

  test('a binding left from before does not tie what is pinned here to a lease', () => {
    const pinned = container('once', { reschedule: 'on-node-failure', nodeConstraint: ['node==node-1'] });
    const lost = decided([pinned], { ...bound('once'), leaseHeld: false });
    expect(planCase({ objects: [pinned], ...lost }).objects[0]?.onlyWhile).toBeUndefined();
  });

  test('many that moved at once go without a confirmation, those without a manifest wait for one', () => {
    const moved = ['a', 'b', 'c', 'd', 'e'].map((name) => container(name));
    const orphans = ['v', 'w', 'x', 'y', 'z', 'zz'].map((name) => container(name));
    const planned = planCase({
      objects: moved,
      observed: running(...moved, ...orphans),
      ...decided(moved),
    });
    expect(planned.objects.map(({ key }) => key)).toEqual(moved.map(({ key }) => key));
    expect(planned.held?.keys).toEqual(orphans.map(({ key }) => key));
  });

  test('what moved goes also while the own sources are in doubt: its manifest is there', () => {
    const planned = planCase({
      objects: [web],
      observed: running(web),
      doubt: 'a file is broken',
      ...decided([web]),
    });
    expect(outline(planned)).toEqual(['Container/web: StopContainer RemoveContainer']);
  });
});

describe('an overlay of a cluster store', () => {
  const ovr0 = network('ovr0');
  const observed = { engine: { ...facts, kind: 'cluster-store' as const } };

  test('is made by the leader', () => {
    const leads = decided([ovr0], { makesOverlays: true });
    expect(outline(planCase({ objects: [ovr0], observed, ...leads }))).toEqual([
      'Network/ovr0: CreateNetwork',
    ]);
  });

  test('is waited for by the others', () => {
    const planned = planCase({ objects: [ovr0], observed, ...decided([ovr0]) });
    expect(outline(planned)).toEqual([]);
    expect(conditionOf(planned, 'Network/ovr0')).toBe('Waiting');
  });
});
