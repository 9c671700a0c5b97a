/** `npm run bench`: measures what docs/performance.md lists, on this machine, each row beside its peer in the same run. */
import { Command, Option } from 'commander';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { errorMessage } from '../../pkg/api/index.ts';
import { stopLab } from '../lab/lab.ts';
import { CLUSTER_LAB } from './cluster-stage.ts';
import { describeMachine, describeStage } from './machine.ts';
import { type Report, type RowReport, exitCode, formatReport, writeReport } from './report.ts';
import type { Bench, Row } from './row.ts';
import { rows } from './rows/all.ts';
import { LAB, Stage } from './stage.ts';

const RESULTS = join(import.meta.dirname, '../../.bench');

interface Options {
  readonly only: readonly string[];
  readonly quick: boolean;
  readonly strict: boolean;
  readonly build: boolean;
}

const program = new Command('bench')
  .description(
    'Measures ovr against the bare Docker API and docker compose. Needs root; takes about 25 minutes.',
  )
  .addOption(
    new Option('--only <row...>', 'only these rows').choices(rows.map(({ name }) => name)).default([], 'all'),
  )
  .option('--quick', 'few repetitions: to see that it works', false)
  .option('--strict', 'exit with 1 also when a limit is missed', false)
  .option('--no-build', 'measure what is in dist already')
  .parse();
process.exitCode = await main(program.opts<Options>());

async function main(options: Options): Promise<number> {
  const machine = await describeMachine();
  if (options.build) build();
  let opened: Promise<Stage> | undefined;
  const open = (): Promise<Stage> => {
    opened ??= openStage();
    return opened;
  };
  removeLabsOnSignal();
  try {
    const chosen = rows.filter(({ name }) => options.only.length === 0 || options.only.includes(name));
    const reports: RowReport[] = [];
    for (const row of chosen) reports.push(await measure(row, { quick: options.quick, stage: open }));
    const stage = await opened?.catch(() => undefined);
    const report: Report = {
      quick: options.quick,
      machine,
      ...(stage === undefined ? {} : { engine: await describeStage(stage) }),
      rows: reports,
    };
    await writeReport(RESULTS, report);
    console.log(formatReport(report));
    console.log(`every sample is in ${join(RESULTS, 'results.json')}`);
    return exitCode(report, options.strict);
  } finally {
    await opened?.then((stage) => stage.close()).catch(() => stopLab(LAB));
  }
}

function build(): void {
  tell('building');
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
  if (status !== 0) throw new Error('the build failed');
}

function openStage(): Promise<Stage> {
  tell('starting a Docker host in Swarm mode');
  return Stage.open();
}

async function measure(row: Row, bench: Pick<Bench, 'quick' | 'stage'>): Promise<RowReport> {
  tell(row.name);
  const beganMs = performance.now();
  const took = (): { row: string; durationMs: number } => ({
    row: row.name,
    durationMs: Math.round(performance.now() - beganMs),
  });
  try {
    const outcomes = await row.measure({ ...bench, progress: (text) => tell(`  ${text}`) });
    return { outcomes, ...took() };
  } catch (error) {
    tell(`  cannot be measured: ${errorMessage(error)}`);
    return { outcomes: [], error: errorMessage(error), ...took() };
  }
}

function removeLabsOnSignal(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      tell('stopping; removing the labs');
      void Promise.allSettled([LAB, CLUSTER_LAB].map(stopLab)).finally(() => process.exit(130));
    });
  }
}

function tell(line: string): void {
  console.error(line);
}
