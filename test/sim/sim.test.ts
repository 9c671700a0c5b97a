import { expect, it } from 'vitest';
import { range, runSeeds } from './runner.ts';

const SEEDS = 1_000;

it(`${SEEDS} simulated clusters keep their promises`, { timeout: 600_000 }, async () => {
  const { failures, seeds } = await runSeeds({ seeds: range(1, SEEDS), workers: 2 });
  const told = failures.map(
    ({ seed, failure }) =>
      `seed ${seed}: ${failure?.invariant}: ${failure?.message} (npm run sim -- --seed ${seed})`,
  );
  expect(told).toEqual([]);
  expect(seeds).toBe(SEEDS);
});
