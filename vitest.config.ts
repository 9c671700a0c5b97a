import { defineConfig } from 'vitest/config';

/** One project a kind of test; `npm run check` runs `unit`, `npm test` runs them all, the real-daemon ones one file at a time. */
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
          fileParallelism: false,
          // Real daemons on a busy machine: one more try, which the report shows. What fails twice fails.
          retry: 1,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
