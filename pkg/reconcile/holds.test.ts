import { describe, expect, it } from 'vitest';
import { FakeClock } from '../api/index.ts';
import { alias, network, revision } from '../../test/build/objects.ts';
import type { ManifestObject } from '../manifest/index.ts';
import { startAgent } from '../../test/build/agent.ts';
import { MemoryHolds } from '../../test/build/holds.ts';
import { HoldWatch } from './hold-watch.ts';
import {
  activeHolds,
  alone,
  checkHold,
  describeHolds,
  HOLD_LIMITS,
  holdKind,
  holdOf,
  noHolds,
  suspendId,
  switchId,
  type Hold,
  type HoldScene,
} from './index.ts';
import { SimulatedWorld } from './simulated/index.ts';

const rollback: Hold = {
  id: 'rollback',
  who: 'ann@web1',
  whenMs: 100,
  what: '{"revision":"abcdef0123456789"}',
};
const green: Hold = {
  id: 'switch/nginx',
  who: 'bob@web2',
  whenMs: 200,
  untilMs: 1_000,
  note: 'trial',
  what: '{"selector":{"app":"nginx","track":"green"}}',
};

describe('a hold', () => {
  it.each([
    ['without an end', rollback, 1e15, true],
    ['before its end', green, 999, true],
    ['at its end', green, 1_000, false],
  ])('%s', (_what, hold, nowMs, isActive) => {
    expect(activeHolds([hold], nowMs)).toEqual(isActive ? [hold] : []);
  });

  it.each([
    ['rollback', 'rollback'],
    ['rollback/1', undefined],
    ['switch/nginx', 'switch'],
    ['switch/', undefined],
    ['suspend', 'suspend'],
    ['suspend/Container/web', 'suspend'],
    ['suspend/Container/', undefined],
    ['suspend/Pod/web', undefined],
    ['suspend/Container/web/1', undefined],
    ['freeze', undefined],
  ])('%s is of kind %s', (id, kind) => {
    expect(holdKind(id)).toBe(kind);
  });

  it('comes back from JSON as it was', () => {
    for (const hold of [rollback, green]) expect(holdOf(JSON.parse(JSON.stringify(hold)))).toEqual(hold);
  });

  it.each([
    ['nothing', undefined, 'no JSON object'],
    ['no author', { ...rollback, who: 1 }, 'who is no text'],
    ['a time that is none', { ...rollback, whenMs: -1 }, 'whenMs is no time'],
    ['an end that is none', { ...rollback, untilMs: 'soon' }, 'untilMs is no time'],
    [
      'a note of any length',
      { ...rollback, note: 'x'.repeat(HOLD_LIMITS.note + 1) },
      'note is longer than 500',
    ],
    [
      'a content of any length',
      { ...rollback, what: 'x'.repeat(HOLD_LIMITS.what + 1) },
      'what is longer than',
    ],
    ['another kind', { ...rollback, id: 'freeze' }, 'no kind that this ovr knows'],
  ])('with %s is refused', (_what, value, problem) => {
    expect(() => holdOf(value)).toThrow(problem);
  });

  it('is refused before it is kept, too', () => {
    expect(() => checkHold({ ...rollback, id: switchId('') })).toThrow('this hold cannot be');
    expect(() => checkHold({ ...rollback, id: switchId('nginx') })).not.toThrow();
  });

  it('says what it puts in force and what ends it', () => {
    expect(describeHolds([rollback, green, { ...green, what: 'rubbish' }])).toEqual([
      { ...rollback, kind: 'rollback', says: 'revision abcdef012345', release: 'ovr resume' },
      { ...green, kind: 'switch', says: 'app=nginx track=green', release: 'ovr switch nginx --back' },
      { ...green, what: 'rubbish', kind: 'switch', says: 'rubbish', release: 'ovr switch nginx --back' },
    ]);
  });

  it('says what a suspension is about, and when there is nothing to suspend', () => {
    const web: Hold = { id: suspendId('Container/web'), who: 'ann', whenMs: 1, what: '{}' };
    const all: Hold = { ...web, id: suspendId('all') };
    expect(describeHolds([all, web])).toEqual([
      { ...all, kind: 'suspend', says: 'everything stays as it is', release: 'ovr resume --all' },
      { ...web, kind: 'suspend', says: 'stays as it is', release: 'ovr resume container web' },
    ]);
    const problem = (scene: HoldScene): (string | undefined)[] =>
      describeHolds([all, web], scene).map((hold) => hold.problem);
    const none = revision([]);
    expect(problem({ revision: none })).toEqual([undefined, undefined]);
    expect(problem({ revision: none, isHere: () => true })).toEqual([undefined, undefined]);
    expect(problem({ revision: revision([], ['Container/web']), isHere: () => false })).toEqual([
      undefined,
      undefined,
    ]);
    expect(problem({ revision: none, isHere: () => false })).toEqual([
      undefined,
      'no manifest declares Container web, and this node has nothing of it',
    ]);
  });

  it('says why a switch has no effect', () => {
    const problems = (holds: readonly Hold[], ...objects: ManifestObject[]): (string | undefined)[] =>
      describeHolds(holds, { revision: revision(objects) }).map(({ problem }) => problem);
    const nginx = alias('nginx', { selector: { app: 'nginx' } });
    expect(problems([rollback, green], nginx)).toEqual([undefined, undefined]);
    expect(problems([rollback, green])).toEqual([undefined, 'no manifest declares Alias nginx']);
    expect(problems([{ ...green, what: 'rubbish' }], nginx)).toEqual([
      'it cannot be read, so the manifest rules',
    ]);
  });
});

describe('a watch', () => {
  it('tells each beginning and each end once', () => {
    const clock = new FakeClock();
    const told: string[] = [];
    const watch = new HoldWatch(
      {
        coordination: { holds: { ...noHolds, list: () => listed } },
        clock: Object.assign(clock, { now: () => now }),
      },
      {
        tell: ({ hold, change }) => told.push(`${hold.id} ${change}`),
        endsIn: (ms) => told.push(`ends in ${ms}`),
      },
    );
    let [now, listed]: [number, readonly Hold[]] = [0, []];
    const look = (given: readonly Hold[], nowMs: number): string => {
      [now, listed] = [nowMs, given];
      watch.look();
      return told.splice(0).join(', ');
    };
    expect(look([rollback], 500)).toBe('rollback begun');
    expect(look([rollback, green], 600)).toBe('switch/nginx begun, ends in 400');
    expect(look([rollback, green], 700)).toBe('ends in 300');
    expect(look([{ ...rollback, who: 'eve' }, green], 700)).toBe('rollback replaced, ends in 300');
    expect(look([green], 800)).toBe('rollback released, ends in 200');
    expect(look([green], 1_000)).toBe('switch/nginx expired');
    expect(look([green], 1_100)).toBe('');
    expect(look([], 1_100)).toBe('');
  });
});

describe('an agent', () => {
  it('shows what is in force, and tells when it begins and ends', async () => {
    const clock = new FakeClock();
    const holds = new MemoryHolds();
    const world = new SimulatedWorld({ clock, topology: 'swarm', hosts: [{ name: 'n1' }] });
    const agent = await startAgent({ engine: world.host().engine, clock, coordination: { ...alone, holds } });
    agent.source.declare(network('ovr0'));
    await agent.run();
    const untilMs = clock.now() + 7_000;
    await holds.put({ ...green, untilMs });
    await holds.put(rollback);
    agent.reconciler.sourceChanged();
    await agent.run(1_000);
    expect(agent.reconciler.status().holds.map(({ id }) => id)).toEqual(['rollback', 'switch/nginx']);
    await holds.release('rollback');
    agent.reconciler.sourceChanged();
    // The next resync is a minute away: the end itself rings.
    await agent.run(6_100);
    expect(agent.reconciler.status().holds).toEqual([]);
    const told = agent.reconciler.events(0).filter(({ type }) => type === 'Hold');
    expect(told.map(({ message, severity }) => `${severity} ${message}`)).toEqual([
      'warning rollback: revision abcdef012345, by ann@web1: begun, until ovr resume',
      `warning switch/nginx: app=nginx track=green, by bob@web2 (trial): begun, until ${new Date(untilMs).toISOString()}`,
      'normal rollback: revision abcdef012345, by ann@web1: released',
      'normal switch/nginx: app=nginx track=green, by bob@web2 (trial): expired',
    ]);
  });
});
