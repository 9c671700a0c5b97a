import { expect, test } from 'vitest';
import type { ObjectKey } from '../api/index.ts';
import type { Action, ObjectPlan } from '../plan/index.ts';
import { Lanes } from './lanes.ts';

interface Outcome {
  readonly ok: boolean;
}

/** A runner whose work ends when the test says so. */
class HeldRunner {
  readonly running = new Map<ObjectKey, (result: Outcome) => void>();
  readonly preparing = new Map<ObjectKey, (failure?: Outcome) => void>();
  readonly log: string[] = [];

  prepare(plan: ObjectPlan): Promise<Outcome | undefined> {
    return new Promise((resolve) => this.preparing.set(plan.key, resolve));
  }

  run(plan: ObjectPlan): Promise<Outcome> {
    this.log.push(`run ${plan.key}`);
    return new Promise((resolve) => this.running.set(plan.key, resolve));
  }

  dependencyFailed(_plan: ObjectPlan, dependency: ObjectKey): Outcome {
    this.log.push(`blocked by ${dependency}`);
    return { ok: false };
  }

  finished(plan: ObjectPlan, { ok }: Outcome): void {
    this.log.push(`${ok ? 'ok' : 'failed'} ${plan.key}`);
  }

  async end(key: ObjectKey, ok = true): Promise<void> {
    this.running.get(key)?.({ ok });
    await settle();
  }
}

function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function step(type: 'StartContainer' | 'EnsureImage', drift = false): Action {
  const cause = { reason: 'Missing', drift, field: 'container', observed: 'a', desired: 'b' } as const;
  if (type === 'EnsureImage') return { type, image: 'i', policy: 'IfNotPresent', cause };
  return { type, container: { name: 'c' }, cause };
}

function planFor(key: ObjectKey, given: Partial<ObjectPlan> = {}): ObjectPlan {
  return { key, rank: 1, steps: [step('StartContainer')], waitsFor: [], ...given };
}

function lanesOf(runner: HeldRunner, concurrency = 2): Lanes<Outcome> {
  return new Lanes<Outcome>(runner, concurrency);
}

test('an object is worked on by one lane at a time, and no more lanes run than allowed', async () => {
  const runner = new HeldRunner();
  const lanes = lanesOf(runner);
  const plans = [planFor('Container/a'), planFor('Container/b'), planFor('Container/c')];
  lanes.dispatch(plans);
  await settle();
  expect([...runner.running.keys()]).toEqual(['Container/a', 'Container/b']);
  lanes.dispatch(plans);
  await settle();
  expect(runner.log).toEqual(['run Container/a', 'run Container/b']);
  await runner.end('Container/a');
  expect(runner.log).toEqual(['run Container/a', 'run Container/b', 'ok Container/a', 'run Container/c']);
});

test('a newer plan replaces one that has not started, and drops what it does not name', async () => {
  const runner = new HeldRunner();
  const lanes = lanesOf(runner, 1);
  lanes.dispatch([planFor('Container/a'), planFor('Container/b'), planFor('Container/c')]);
  await settle();
  lanes.dispatch([planFor('Container/c')]);
  await runner.end('Container/a');
  expect(runner.log).toEqual(['run Container/a', 'ok Container/a', 'run Container/c']);
});

test('slow preparation blocks nobody, and is dropped when no longer wanted', async () => {
  const runner = new HeldRunner();
  const lanes = lanesOf(runner, 1);
  const pulling = planFor('Container/a', { steps: [step('EnsureImage'), step('StartContainer')] });
  lanes.dispatch([pulling, planFor('Container/b')]);
  await settle();
  expect([...runner.running.keys()]).toEqual(['Container/b']);
  await runner.end('Container/b');
  lanes.dispatch([]);
  runner.preparing.get('Container/a')?.();
  await settle();
  expect(lanes.isBusy).toBe(false);
  expect(runner.log).toEqual(['run Container/b', 'ok Container/b']);
});

test('repairs of drift go before other work of their rank, networks before all', async () => {
  const runner = new HeldRunner();
  const lanes = lanesOf(runner, 1);
  lanes.dispatch([
    planFor('Container/a'),
    planFor('Container/b', { steps: [step('StartContainer', true)] }),
    planFor('Network/n', { rank: 0 }),
  ]);
  await settle();
  await runner.end('Network/n');
  await runner.end('Container/b');
  expect(runner.log.filter((line) => line.startsWith('run'))).toEqual([
    'run Network/n',
    'run Container/b',
    'run Container/a',
  ]);
});

test('an object waits for what it needs, and is not tried when that failed', async () => {
  const runner = new HeldRunner();
  const lanes = lanesOf(runner);
  const plans = [planFor('Network/n', { rank: 0 }), planFor('Container/a', { waitsFor: ['Network/n'] })];
  lanes.dispatch(plans);
  await settle();
  await runner.end('Network/n', false);
  expect(runner.log).toEqual([
    'run Network/n',
    'failed Network/n',
    'blocked by Network/n',
    'failed Container/a',
  ]);
  lanes.dispatch(plans);
  await settle();
  await runner.end('Network/n');
  expect(runner.log.slice(4)).toEqual(['run Network/n', 'ok Network/n', 'run Container/a']);
});

test('after close() nothing starts, and idle() resolves when what runs has ended', async () => {
  const runner = new HeldRunner();
  const lanes = lanesOf(runner, 1);
  lanes.dispatch([planFor('Container/a'), planFor('Container/b')]);
  await settle();
  lanes.close();
  let isIdle = false;
  void lanes.idle().then(() => {
    isIdle = true;
  });
  await settle();
  expect(isIdle).toBe(false);
  await runner.end('Container/a');
  expect(isIdle).toBe(true);
  expect(runner.log).toEqual(['run Container/a', 'ok Container/a']);
});
