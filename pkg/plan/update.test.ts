import { describe, expect, test } from 'vitest';
import { container } from '../../test/build/objects.ts';
import { containerOf, facts, outline, planCase } from '../../test/build/observed.ts';
import {
  coming,
  conditionOf,
  current,
  drained,
  named,
  nameless,
  NOW,
  object,
  old,
  parked,
  planned,
  seen,
  story,
  strategy,
} from '../../test/build/update.ts';
import { asideName, comingName, namesOf, objectNameOf, parkedName } from './names.ts';
import type { Plan } from './result.ts';

describe('StartFirst, as it goes', () => {
  const rows: [string, Plan, string[], string, number?][] = [
    [
      'another spec: the new one is made beside the old one, without its names',
      planned([old()]),
      ['EnsureImage', 'Create web.ovr-new', 'Start web.ovr-new', 'VerifyRunning web.ovr-new'],
      'Progressing: makes the new container beside the old one',
    ],
    [
      'the health check has not told yet: waits until the deadline',
      planned([old(), coming({ health: 'starting', ...nameless })]),
      [],
      'Progressing: the old container serves until web.ovr-new is ready: health starting, at most 60 s from its start',
      55_000,
    ],
    [
      'without a health check it must have run for a second',
      planned([old(), coming({ details: { startedAtMs: NOW - 300 } })]),
      [],
      'Progressing: the old container serves until web.ovr-new is ready: running, not yet for a second',
      700,
    ],
    [
      'the clock was set back since it was started: what counts is since when it was seen',
      planned([old(), coming({ details: { startedAtMs: NOW + 3_600_000 } })], {
        phases: { 'id-web.ovr-new': { phase: 'proving', sinceMs: NOW - 300 } },
      }),
      [],
      'Progressing: the old container serves until web.ovr-new is ready: running, not yet for a second',
      700,
    ],
    [
      'the clock was set back, and it has been seen for a second: ready',
      planned(
        [old(), coming({ ...nameless, details: { ...nameless.details, startedAtMs: NOW + 3_600_000 } })],
        {
          phases: { 'id-web.ovr-new': { phase: 'proving', sinceMs: NOW - 1_000 } },
        },
      ),
      ['Disconnect web.ovr-new', 'Connect web.ovr-new as [nginx web]'],
      'Progressing: web.ovr-new is ready and gets the names',
    ],
    [
      'the old one stops meanwhile: it is started again',
      planned([old({ state: 'exited' }), coming({ health: 'starting' })]),
      ['Start web'],
      'Progressing: the old container serves until web.ovr-new is ready: health starting, at most 60 s from its start',
      55_000,
    ],
    [
      'ready: it gets the names, its own included',
      planned([old(), coming({ health: 'healthy', ...nameless })]),
      ['Disconnect web.ovr-new', 'Connect web.ovr-new as [nginx web]'],
      'Progressing: web.ovr-new is ready and gets the names',
    ],
    [
      'both have the names: for a moment they keep them',
      planned([old(), coming()], { phases: named('id-web.ovr-new', 400) }),
      [],
      'Progressing: web.ovr-new is ready and gets the names',
      600,
    ],
    [
      'then the names change places',
      planned([old(), coming()], { phases: named('id-web.ovr-new', 1_000) }),
      ['Rename web to web.ovr-old', 'Rename web.ovr-new to web'],
      'Progressing: names change places',
    ],
    [
      'on an overlay of Swarm mode each endpoint leaves for its rename and comes back with all names',
      planned([old(), coming()], { phases: named('id-web.ovr-new', 1_000), scope: 'swarm' }),
      [
        ...['Disconnect web', 'Rename web to web.ovr-old', 'Connect web.ovr-old as [nginx web]'],
        ...['Disconnect web.ovr-new', 'Rename web.ovr-new to web', 'Connect web as [nginx]'],
      ],
      'Progressing: names change places',
    ],
    [
      'the old one keeps its names for a moment',
      planned([current(), parked()]),
      [],
      'Progressing: the old container keeps its names for a moment',
      1_000,
    ],
    [
      'then it loses them',
      planned([current(), parked()], { phases: named('id-web.ovr-old', 1_000) }),
      ['Disconnect web.ovr-old', 'Connect web.ovr-old as []'],
      'Progressing: the old container leaves: web.ovr-old',
    ],
    [
      'then it finishes what is open; how long it had its names does not count',
      planned([current(), parked(nameless)], { phases: named('id-web.ovr-old', 99_000) }),
      [],
      'Progressing: the old container finishes what is open, for 10 s',
      10_000,
    ],
    [
      'what the new one lacks meanwhile comes first',
      planned([current({ endpoints: [] }), parked(nameless)], { phases: drained('id-web.ovr-old', 99_000) }),
      ['Connect web as [nginx]'],
      'Progressing: EndpointMissing: networks[ovr0]',
    ],
    [
      'then it is stopped and removed',
      planned([current(), parked(nameless)], { phases: drained('id-web.ovr-old', 10_000) }),
      ['Stop web.ovr-old', 'Remove web.ovr-old'],
      'Progressing: the old container leaves: web.ovr-old',
    ],
    [
      'stopped, and the removal failed: removed',
      planned([current(), parked({ state: 'exited' })]),
      ['Remove web.ovr-old'],
      'Progressing: the old container leaves: web.ovr-old',
    ],
    ['the new one alone: ready', planned([current()]), [], 'Ready: running'],
  ];

  test.each(rows)('%s', (...[, plan, steps, condition, again]) => {
    expect(story(plan)).toEqual(steps);
    expect(conditionOf(plan)).toBe(condition);
    expect(plan.recheckAfterMs).toBe(again);
  });
});

describe('StartFirst that does not come to be', () => {
  const returned = [
    'Disconnect web.ovr-new',
    'Connect web.ovr-new as []',
    'Stop web.ovr-new',
    'Remove web.ovr-new',
  ];
  const dropped = ['Stop web.ovr-new', 'Remove web.ovr-new'];
  const rows: [string, Plan, string[], string | undefined][] = [
    [
      'unhealthy',
      planned([old(), coming({ health: 'unhealthy', ...nameless })]),
      dropped,
      'the update failed: the health check of the new container fails: unhealthy',
    ],
    [
      'not healthy in time',
      planned([
        old(),
        coming({ health: 'starting', details: { ...nameless.details, startedAtMs: NOW - 60_000 } }),
      ]),
      dropped,
      'the update failed: the new container was not ready within 60 s: health starting',
    ],
    [
      'it ended',
      planned([old(), coming({ state: 'exited', details: { ...nameless.details, exitCode: 3 } })]),
      ['Remove web.ovr-new'],
      'the update failed: the new container did not stay up: exited, exit code 3',
    ],
    [
      'it ended and the engine has started it again',
      planned([old(), coming({ details: { ...nameless.details, restarts: 1 } })]),
      dropped,
      'the update failed: the new container ended and was started again',
    ],
    [
      'never started: made again',
      planned([old(), coming({ state: 'created', details: { started: false } })]),
      ['Remove web.ovr-new'],
      undefined,
    ],
    [
      'of another spec meanwhile: made again',
      planned([old(), seen('newer', { name: comingName('web') })]),
      returned,
      undefined,
    ],
    [
      'the manifest has gone back',
      planned([current(), seen('old', { name: comingName('web') })]),
      returned.map((step) => step),
      undefined,
    ],
    [
      'the strategy is another one now',
      planned([old(), coming()], { spec: { updateStrategy: { ...strategy, type: 'Recreate' } } }),
      returned,
      undefined,
    ],
    [
      'it stepped aside and was cut off',
      planned([old(), seen('new', { name: asideName(comingName('web')), state: 'created' })]),
      ['Remove web.ovr-aside'],
      undefined,
    ],
    [
      'failed before: the old one stays',
      planned([old(), coming(nameless)], { failed: true }),
      dropped,
      undefined,
    ],
    [
      'the new one fails while the old one still finishes: its names first, then the names change places again',
      planned([current({ health: 'unhealthy' }), parked(nameless)]),
      [
        ...['Disconnect web.ovr-old', 'Connect web.ovr-old as [nginx web]'],
        ...['Rename web to web.ovr-new', 'Rename web.ovr-old to web', 'Remove web.ovr-new'],
      ],
      'the update failed: the health check of the new container fails: unhealthy',
    ],
  ];

  test.each(rows)('%s', (_name, plan, steps, failure) => {
    expect(story(plan)).toEqual(steps);
    expect(plan.objects[0]?.givesUp?.message).toBe(failure);
    if (failure) expect(conditionOf(plan)).toBe(`UpdateFailed: ${failure}; goes back to the old container`);
  });

  test('a failure on the way removes only the new one', () => {
    const { steps, fallback } = planned([old()]).objects[0]!;
    expect(fallback).toMatchObject({ from: 1, until: steps.length });
    expect(fallback?.steps.map((step) => step.type)).toEqual(['RemoveContainer']);
    expect(fallback?.steps[0]).toMatchObject({ container: { name: 'web.ovr-new' } });
  });

  test('a container that is not ours is adopted by replacement, whatever the strategy', () => {
    const web = container('web', { image: 'new', updateStrategy: strategy }, { adopt: true });
    const plan = planCase({ objects: [web], observed: { containers: [containerOf(web, { labels: {} })] } });
    expect(outline(plan)).toEqual([
      'Container/web: EnsureImage StopContainer RenameContainer CreateContainer StartContainer VerifyRunning RemoveContainer',
    ]);
  });
});

describe('cut off', () => {
  const rows: [string, Plan, string[]][] = [
    ['between the renames: goes on', planned([parked(), coming()]), ['Rename web.ovr-new to web']],
    [
      'between the renames, and the new one has failed: goes back',
      planned([parked(), coming({ health: 'unhealthy' })]),
      ['Rename web.ovr-old to web'],
    ],
    [
      'between the renames, and the manifest is another: goes back',
      planned([parked(), seen('newer', { name: comingName('web') })]),
      ['Rename web.ovr-old to web'],
    ],
    ['on the way back', planned([parked(), coming()], { failed: true }), ['Rename web.ovr-old to web']],
    [
      'the old one is gone: the new one takes the name, ready or not',
      planned([coming({ health: 'starting' })]),
      ['Rename web.ovr-new to web'],
    ],
    [
      'nothing runs but what was to come before the manifest changed: it takes the name',
      planned([seen('newer', { name: comingName('web') })]),
      ['Rename web.ovr-new to web'],
    ],
    [
      'the old one is gone and the new one ended: removed, to be made',
      planned([coming({ state: 'exited' })]),
      ['Remove web.ovr-new'],
    ],
    [
      'a proven one whose manifest changed again stays; the old one goes first',
      planned([seen('newer'), parked(nameless)], { phases: drained('id-web.ovr-old', 10_000) }),
      ['Stop web.ovr-old', 'Remove web.ovr-old'],
    ],
    [
      'a proven one whose manifest changed again, and the old one is stopped',
      planned([seen('newer'), parked({ state: 'exited' })]),
      ['Remove web.ovr-old'],
    ],
    [
      'an unproven one whose manifest changed again goes, to fall back on the old one',
      planned([seen('newer', { health: 'starting' }), parked({ state: 'exited' })]),
      ['Remove web'],
    ],
  ];

  test.each(rows)('%s', (_name, plan, steps) => {
    expect(story(plan)).toEqual(steps);
    expect(plan.objects[0]?.givesUp).toBeUndefined();
  });

  test('on a Swarm network the rename that goes on is one of an endpoint that is off', () => {
    expect(story(planned([parked(), coming()], { scope: 'swarm' }))).toEqual([
      ...['Disconnect web.ovr-old', 'Connect web.ovr-old as [nginx web]'],
      'Disconnect web.ovr-new',
      'Rename web.ovr-new to web',
      'Connect web as [nginx]',
    ]);
  });

  test('a fenced node stops every copy', () => {
    const web = object({ reschedule: 'on-node-failure' });
    const plan = planCase({
      objects: [web],
      observed: { engine: facts, containers: [old(), coming()] },
      cluster: {
        bound: new Set(['web']),
        unplaced: new Map(),
        unplacedOmitted: 0,
        leaseHeld: false,
        fenceGraceMs: 1_000,
        makesOverlays: true,
      },
    });
    expect(story(plan)).toEqual(['Stop web', 'Stop web.ovr-new']);
  });
});

test('every name of an object leads back to it', () => {
  expect(namesOf('web').map(objectNameOf)).toEqual(['web', 'web', 'web', 'web']);
  expect([asideName('web'), asideName(comingName('web'))]).toEqual([parkedName('web'), 'web.ovr-aside']);
});
