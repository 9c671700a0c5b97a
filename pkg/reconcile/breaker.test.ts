import { expect, test } from 'vitest';
import { FlapBreaker } from './breaker.ts';
import { backoffMs } from './retry.ts';

test('five repairs in 300 s stall an object, each further one for longer, and a quiet window forgives', () => {
  const breaker = new FlapBreaker<string>();
  for (const at of [0, 10_000, 20_000, 30_000]) breaker.recordRepair('x', at);
  expect(breaker.pauseMs('x', 30_000)).toBe(0);
  breaker.recordRepair('x', 40_000);
  expect(breaker.pauseMs('x', 40_000)).toBe(30_000);
  expect(breaker.pauseMs('y', 40_000)).toBe(0);
  breaker.recordRepair('x', 71_000);
  expect(breaker.pauseMs('x', 71_000)).toBe(60_000);
  expect(breaker.pauseMs('x', 400_000)).toBe(0);
});

test('back-off doubles from 250 ms to a minute, with a fifth of jitter', () => {
  expect([1, 2, 3].map((failures) => backoffMs(failures, 0.5))).toEqual([250, 500, 1_000]);
  expect(backoffMs(50, 0.5)).toBe(60_000);
  expect([backoffMs(1, 0), backoffMs(1, 0.999)]).toEqual([225, 275]);
});
