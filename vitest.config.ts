import { defineConfig } from 'vitest/config';

/** One project a kind of test; `npm run check` runs `unit`, `npm test` runs them all, the real-daemon ones two files at a time. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'cmd/**/*.test.ts',
            'pkg/**/*.test.ts',
            'test/unit/**/*.test.ts',
            'test/sim/quick.test.ts',
          ],
          environment: 'node',
          // A guard against hanging, not a measure: unit tests wait for nothing, but machines may be busy.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts', 'test/e2e/**/*.test.ts', 'test/sim/sim.test.ts'],
          environment: 'node',
          // Each file has labs of its own, and waits most of its time. Not beside the unit tests, which do not wait.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          // Real daemons on a busy machine: one more try, which the report shows. What fails twice fails.
          retry: 1,
          testTimeout: 180_000,
          hookTimeout: 240_000,
        },
      },
    ],
  },
});
