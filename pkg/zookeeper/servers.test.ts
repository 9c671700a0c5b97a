import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openWithinMs, refusedDelayMs, retryDelayMs, shuffled } from './servers.ts';

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('shuffled', () => {
  it('keeps each server, in an order that chance decides', () => {
    const servers = Array.from({ length: 5 }, (_, port) => ({ host: 'a', port }));
    fc.assert(
      fc.property(fc.infiniteStream(chance), (stream) => {
        const order = shuffled(servers, () => Number(stream.next().value));
        expect(order.map(({ port }) => port).sort()).toEqual([0, 1, 2, 3, 4]);
      }),
    );
    expect(shuffled(servers, () => 0.99).map(({ port }) => port)).toEqual([4, 3, 2, 1, 0]);
  });
});

describe('the delay before the next try', () => {
  it('grows to at most 2 s, and to 30 s after refusals', () => {
    fc.assert(
      fc.property(fc.nat(5_000), chance, (failures, random) => {
        expect(retryDelayMs(failures, () => random)).toBeLessThanOrEqual(2_000);
        expect(refusedDelayMs(failures, () => random)).toBeLessThanOrEqual(30_000);
      }),
    );
    expect([0, 1, 4, 9].map((failures) => retryDelayMs(failures, () => 0.5))).toEqual([50, 100, 800, 1_000]);
    expect([0, 1, 9].map((refusals) => refusedDelayMs(refusals, () => 0))).toEqual([250, 500, 15_000]);
  });
});

describe('the time for a connection to be in order', () => {
  it.each([
    [2_000, 0, 1_000],
    [6_000, 0, 2_000],
    [60_000, 0, 4_000],
    [6_000, 0.9, 2_000],
    [6_000, 1, 4_000],
    [6_000, 5_000, 6_000],
    [60_000, 5_000, 8_000],
    [2_000, 5_000, 2_000],
  ])('is, at %d ms of session timeout after %d rounds, %d ms', (sessionTimeoutMs, rounds, ms) => {
    expect(openWithinMs(sessionTimeoutMs, rounds)).toBe(ms);
  });
});
