import { describe, expect, it } from 'vitest';
import { range, runSeeds } from './runner.ts';
import { KNOWN_SEEDS } from './seeds.ts';
import { Simulation } from './simulation.ts';

/** What `npm run check` can wait for. */
const SEEDS = 50;

describe('a simulated cluster', () => {
  it('is the same to the byte when it is run again', async () => {
    for (const seed of [1, 2, 3]) {
      const once = await new Simulation({ seed }).run();
      const again = await new Simulation({ seed }).run();
      expect(again).toEqual(once);
    }
  });

  it('is another one for another seed', async () => {
    const digests = await Promise.all(
      [1, 2].map(async (seed) => (await new Simulation({ seed }).run()).digest),
    );
    expect(new Set(digests).size).toBe(2);
  });

  it('keeps its promises', { timeout: 120_000 }, async () => {
    const known = KNOWN_SEEDS.map(({ seed }) => seed);
    const { failures, faults } = await runSeeds({ seeds: [...known, ...range(1, SEEDS)], workers: 2 });
    expect(
      failures.map(({ seed, failure }) => `seed ${seed}: ${failure?.invariant}: ${failure?.message}`),
    ).toEqual([]);
    expect(faults.size).toBeGreaterThan(20);
  });
});
