import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/tools/longest-first.ts';

/** Real daemons, which may be busy: one more try, which the report shows. What fails twice fails. */
const REAL = { environment: 'node', retry: 1, testTimeout: 180_000, hookTimeout: 240_000 } as const;
/** What waits for nothing takes every core; by default one is left out. */
const BUSY = { environment: 'node', maxWorkers: '100%' } as const;
/** They count what clients lose, or hold a moment against a clock: nothing else may take the machine meanwhile. */
const ALONE = [
  'cluster',
  'endpoints',
  'lab',
  'source-speed',
  'start-first',
  'switch',
  'traffic',
  'zookeeper',
  'zookeeper-breaks',
].map((name) => `test/integration/${name}.test.ts`);

/** They start and end worker threads. */
const THREADS = ['cmd/**/*.test.ts', 'pkg/source/**/*.test.ts'];

/** One project a kind of test; `npm run check` runs `unit` and `threads`, `npm test` runs them all, the real-daemon ones three files at a time, or alone. */
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['pkg/**/*.test.ts', 'test/unit/**/*.test.ts', 'test/sim/quick.test.ts'],
          exclude: THREADS,
          ...BUSY,
          // Each process loads what the files import once: no unit test changes what another one imports.
          isolate: false,
          // A guard against hanging, not a measure: unit tests wait for nothing, but machines may be busy.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'threads',
          include: THREADS,
          ...BUSY,
          // V8 crashes now and then when a thread is ended in a process with much compiled code: each file has a process of its own.
          isolate: true,
          testTimeout: 60_000,
        },
      },
      {
        test: {
          ...BUSY,
          name: 'sim',
          include: ['test/sim/sim.test.ts'],
        },
      },
      {
        test: {
          ...REAL,
          name: 'integration',
          include: ['test/integration/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          exclude: ALONE,
          // Each file has labs of its own, and waits most of its time. Not beside the tests before them, which do not wait.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...REAL,
          name: 'alone',
          include: ALONE,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
