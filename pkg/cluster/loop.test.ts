import { describe, expect, it } from 'vitest';
import { FakeClock, OvrError } from '../api/index.ts';
import { Loop } from './loop.ts';

function bench(round: (count: number) => Promise<void>): {
  clock: FakeClock;
  loop: Loop;
  rounds: number[];
  errors: unknown[];
} {
  const clock = new FakeClock();
  const rounds: number[] = [];
  const errors: unknown[] = [];
  const deps = { clock, random: () => 0.5, failed: (error: unknown) => errors.push(error) };
  const loop = new Loop(deps, () => {
    rounds.push(clock.monotonic());
    return round(rounds.length);
  });
  return { clock, loop, rounds, errors };
}

describe('a loop', () => {
  it('makes one round of many rings, the earliest counts', async () => {
    const { clock, loop, rounds } = bench(() => Promise.resolve());
    loop.ring(50);
    loop.ring(20);
    loop.ring(30);
    await clock.advanceAsync(100);
    expect(rounds).toEqual([20]);
  });

  it('makes one more round for rings during a round, and never two at once', async () => {
    const { clock, loop, rounds } = bench(async () => {
      if (rounds.length === 1) for (let ring = 0; ring < 5; ring += 1) loop.ring();
      await new Promise<void>((resolve) => clock.after(10, resolve));
    });
    loop.ring();
    await clock.advanceAsync(100);
    expect(rounds).toEqual([0, 10]);
  });

  it('tries again with back-off for as long as it fails', async () => {
    const { clock, loop, rounds, errors } = bench((count) =>
      count < 9 ? Promise.reject(new Error('no')) : Promise.resolve(),
    );
    loop.ring();
    await clock.advanceAsync(60_000);
    expect(rounds.map((at, index) => at - (rounds[index - 1] ?? 0))).toEqual([
      0, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000,
    ]);
    expect(errors).toHaveLength(8);
  });

  it('waits to be rung where there is no connection', async () => {
    const { clock, loop, rounds } = bench(() =>
      Promise.reject(new OvrError('coordinator-unreachable', 'transient', 'apart')),
    );
    loop.ring();
    await clock.advanceAsync(60_000);
    expect(rounds).toEqual([0]);
    loop.ring();
    await clock.advanceAsync(1);
    expect(rounds).toHaveLength(2);
    await loop.stop();
    loop.ring();
    await clock.advanceAsync(1);
    expect(rounds).toHaveLength(2);
  });
});
