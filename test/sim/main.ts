import { parseArgs } from 'node:util';
import { runMutants } from './mutants.ts';
import { range, runSeeds, type RunSummary } from './runner.ts';
import { KNOWN_SEEDS } from './seeds.ts';
import { Simulation, type SeedResult } from './simulation.ts';

const USAGE = `usage: npm run sim -- [--seeds N] [--seed FIRST] [--workers N] [--trace]
  --seeds N     how many seeds (default 100)
  --seed FIRST  the first one; without --seeds only this one (default 1)
  --workers N   how many at a time (default 2)
  --trace       one seed, every event of it
  --mutants     plant bugs one at a time and see each caught; --only TEXT takes those with it in their names`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    workers: { type: 'string', default: '2' },
    trace: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const first = Number(values.seed ?? 1);
const count = Number(values.seeds ?? (values.seed === undefined ? 100 : 1));
const workers = Number(values.workers);
if (values.help || ![first, count, workers].every(Number.isSafeInteger)) {
  console.log(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else if (values.trace) {
  await trace(first);
} else if (values.mutants) {
  process.exitCode = (await runMutants(workers, values.only)) ? 0 : 1;
} else {
  await runMany();
}

async function trace(seed: number): Promise<void> {
  const result = await new Simulation({ seed, print: (line) => console.log(line) }).run();
  console.log(`trace ${result.digest}, ${result.steps} steps`);
  if (result.failure) tell(result, false);
}

async function runMany(): Promise<void> {
  const known = values.seed === undefined ? KNOWN_SEEDS.map(({ seed }) => seed) : [];
  const seeds = [...known, ...range(first, count)];
  let told = 0;
  const summary = await runSeeds({
    seeds,
    workers,
    onResult: (result) => {
      if (result.failure && told < 3) tell(result, true);
      if (result.failure) told += 1;
    },
  });
  report(summary);
}

function tell({ seed, failure }: SeedResult, withStory: boolean): void {
  console.log(`\nseed ${seed} breaks "${failure?.invariant}": ${failure?.message}`);
  for (const line of withStory ? (failure?.story ?? []) : []) console.log(`  ${line}`);
  console.log(`again: npm run sim -- --seed ${seed} --trace`);
  process.exitCode = 1;
}

function report(summary: RunSummary): void {
  const { seeds, failures, simulatedMs, steps, elapsedMs, faults } = summary;
  const seconds = elapsedMs / 1000;
  console.log('\nfaults:');
  for (const [kind, times] of [...faults].sort(([a], [b]) => a.localeCompare(b))) {
    console.log(`  ${String(times).padStart(7)}  ${kind}`);
  }
  console.log(
    `${seeds} seeds in ${seconds.toFixed(1)} s (${(seeds / seconds).toFixed(1)} a second), ` +
      `${(simulatedMs / 3_600_000).toFixed(1)} h simulated (${Math.round(simulatedMs / elapsedMs)} times real time), ${steps} steps`,
  );
  for (const [invariant, own] of Map.groupBy(failures, ({ failure }) => failure?.invariant ?? '')) {
    const some = own.slice(0, 20).map(({ seed }) => seed);
    console.log(
      `${own.length} break "${invariant}": seeds ${some.join(' ')}${own.length > some.length ? ' …' : ''}`,
    );
  }
  console.log(`${seeds - failures.length} passed, ${failures.length} failed`);
}
