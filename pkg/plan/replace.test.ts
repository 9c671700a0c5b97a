import { describe, expect, test } from 'vitest';
import { containerOf } from '../../test/build/observed.ts';
import {
  conditionOf,
  current,
  named,
  object,
  parked,
  planned,
  story,
  strategy,
} from '../../test/build/update.ts';
import type { Plan } from './result.ts';

describe('Recreate', () => {
  const spec = { updateStrategy: { ...strategy, type: 'Recreate' } } as const;
  const stopped = parked({ state: 'exited' });
  const rows: [string, Plan, string[], string, string?][] = [
    [
      'a new one that is healthy: the old one goes',
      planned([current({ health: 'healthy' }), stopped], { spec }),
      ['Remove web.ovr-old'],
      'Progressing',
    ],
    [
      'a new one whose health is not known yet: waits',
      planned([current({ health: 'starting' }), stopped], { spec }),
      [],
      'Progressing',
    ],
    [
      'a new one that is unhealthy: the old one comes back',
      planned([current({ health: 'unhealthy' }), stopped], { spec }),
      ['Remove web', 'Rename web to web', 'Start web'],
      'UpdateFailed',
      'the update failed: the health check of the new container fails: unhealthy',
    ],
    [
      'a new one that was never started: started',
      planned([current({ state: 'created', details: { started: false } }), stopped], { spec }),
      ['Start web', 'VerifyRunning web'],
      'Progressing',
    ],
    [
      'a paused one is no failure: unpaused',
      planned([current({ state: 'paused' }), stopped], { spec }),
      ['Unpause web'],
      'Progressing',
    ],
    [
      'the engine has not told how it stands: waits',
      planned([{ ...containerOf(object(spec)), details: undefined } as never, stopped], { spec }),
      [],
      'Progressing',
    ],
  ];

  test.each(rows)('%s', (...[, plan, steps, condition, failure]) => {
    expect(story(plan)).toEqual(steps);
    expect(conditionOf(plan)).toMatch(new RegExp(`^${condition}: `));
    expect(plan.objects[0]?.givesUp?.message).toBe(failure);
  });

  test('an old one that a restart of the daemon has started again goes as after StartFirst', () => {
    expect(story(planned([current(), parked()], { spec, phases: named('id-web.ovr-old', 1_000) }))).toEqual([
      'Disconnect web.ovr-old',
      'Connect web.ovr-old as []',
    ]);
  });
});
