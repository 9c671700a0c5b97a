import { Worker } from 'node:worker_threads';
import type { SeedResult } from './simulation.ts';

export interface RunOptions {
  readonly seeds: Iterable<number>;
  /** How many at a time. */
  readonly workers: number;
  readonly onResult?: (result: SeedResult) => void;
  /** No further seed is begun after the first failure. */
  readonly stopAtFailure?: boolean;
  /** File of the worker; absent: that of this checkout. */
  readonly worker?: URL;
}

/** What many seeds came to. */
export interface RunSummary {
  readonly seeds: number;
  readonly failures: readonly SeedResult[];
  readonly simulatedMs: number;
  readonly steps: number;
  readonly elapsedMs: number;
  readonly faults: ReadonlyMap<string, number>;
}

/** Runs seeds in worker threads, each thread one at a time. */
export async function runSeeds(options: RunOptions): Promise<RunSummary> {
  const began = performance.now();
  const seeds = [...options.seeds];
  const sum = { seeds: 0, simulatedMs: 0, steps: 0 };
  const failures: SeedResult[] = [];
  const faults = new Map<string, number>();
  let isStopped = false;
  const take = (result: SeedResult): void => {
    sum.seeds += 1;
    sum.simulatedMs += result.simulatedMs;
    sum.steps += result.steps;
    for (const [kind, count] of Object.entries(result.faults))
      faults.set(kind, (faults.get(kind) ?? 0) + count);
    if (result.failure) failures.push(result);
    isStopped ||= result.failure !== undefined && options.stopAtFailure === true;
    options.onResult?.(result);
  };
  const next = (): number | undefined => (isStopped ? undefined : seeds.shift());
  const file = options.worker ?? new URL('./worker.ts', import.meta.url);
  await Promise.all(Array.from({ length: options.workers }, () => runWorker(file, { next, take })));
  failures.sort((a, b) => a.seed - b.seed);
  return { ...sum, failures, faults, elapsedMs: performance.now() - began };
}

/** Longest time for one seed; the usual is a tenth of a second. */
const SEED_DEADLINE_MS = 30_000;

interface Work {
  readonly next: () => number | undefined;
  readonly take: (result: SeedResult) => void;
}

/** One worker after the other: one that hangs, as code does that waits for nothing, is ended, and that seed has failed. */
async function runWorker(file: URL, work: Work): Promise<void> {
  for (let seed = work.next(); seed !== undefined;) seed = await workFrom(file, work, seed);
}

/** Works until nothing is left, or until a seed hangs; returns the seed to go on with. */
function workFrom(file: URL, work: Work, first: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(file);
    let timer: NodeJS.Timeout | undefined;
    const give = (seed: number | undefined): void => {
      clearTimeout(timer);
      worker.postMessage(seed);
      if (seed === undefined) {
        resolve(undefined);
        return;
      }
      timer = setTimeout(() => {
        void worker.terminate();
        work.take(hung(seed));
        resolve(work.next());
      }, SEED_DEADLINE_MS);
    };
    worker.on('message', (result: SeedResult) => {
      work.take(result);
      give(work.next());
    });
    worker.once('error', reject);
    give(first);
  });
}

function hung(seed: number): SeedResult {
  const message = `no end after ${SEED_DEADLINE_MS / 1000} s: something runs in a circle without waiting`;
  const failure = { invariant: 'bounded effort', message, story: [] };
  return { seed, digest: '', simulatedMs: 0, steps: 0, faults: {}, failure };
}

/** The numbers from `first` on, `count` of them. */
export function* range(first: number, count: number): Generator<number> {
  for (let seed = first; seed < first + count; seed += 1) yield seed;
}
