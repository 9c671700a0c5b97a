import Table from 'cli-table3';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Machine } from './machine.ts';
import type { Outcome } from './row.ts';

export interface RowReport {
  readonly row: string;
  readonly outcomes: readonly Outcome[];
  readonly durationMs: number;
  /** Why it could not be measured. */
  readonly error?: string;
}

export interface Report {
  readonly quick: boolean;
  readonly machine: Machine;
  /** Absent when no row needed a daemon. */
  readonly engine?: Readonly<Record<string, string>>;
  readonly rows: readonly RowReport[];
}

export function formatReport({ quick, machine, engine, rows }: Report): string {
  const table = new Table({
    head: ['row', 'measured', 'ovr', 'peer', 'found', 'limit', 'verdict'],
    colWidths: [18, 30, 20, 26, 26, 22, 14],
    wordWrap: true,
    style: { head: [], border: [] },
  });
  for (const { row, outcomes, error } of rows) {
    for (const { what, ovr, peer, found, limit, verdict } of outcomes)
      table.push([row, what, ovr, peer, found, limit, verdict]);
    if (error !== undefined) table.push([row, error, '', '', '', '', 'not measured']);
  }
  const versions = Object.entries(engine ?? {}).map(([name, version]) => `${name} ${version}`);
  const facts = [`${machine.cores} cores (${machine.cpu})`, `node ${machine.node}`, ...versions];
  const warnings = [
    ...(quick ? ['--quick: too few repetitions for figures'] : []),
    ...(machine.load > 1 ? [`the machine was busy before (load ${machine.load.toFixed(1)})`] : []),
  ];
  return [table.toString(), facts.join(', '), ...warnings].join('\n');
}

/** The table as docs/performance.md has it. */
function formatMarkdown({ rows }: Report): string {
  const outcomes = rows.flatMap((report) => report.outcomes);
  const lines = outcomes.map(({ what, ovr, peer, found, limit, verdict }) => [
    what,
    ovr,
    peer,
    found,
    limit,
    verdict,
  ]);
  const header = ['measured', 'ovr', 'peer', 'found', 'limit', 'verdict'];
  const table = [header, header.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |\n`);
  return table.join('');
}

/** Writes `results.json`, with every sample, and `results.md` into a folder. */
export async function writeReport(folder: string, report: Report): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'results.json'), `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(join(folder, 'results.md'), formatMarkdown(report));
}

/** 1 when a row could not be measured or, if asked for, missed its limit. */
export function exitCode({ rows }: Report, strict: boolean): number {
  const isUnmeasured = rows.some(({ error }) => error !== undefined);
  const isMissed = rows.some(({ outcomes }) => outcomes.some(({ verdict }) => verdict === 'missed'));
  return isUnmeasured || (strict && isMissed) ? 1 : 0;
}
