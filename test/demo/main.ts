import { Command } from 'commander';
import Table from 'cli-table3';
import { spawnSync } from 'node:child_process';
import { errorMessage } from '../../pkg/api/index.ts';
import { breakThings, converge, type ActResult } from './acts.ts';
import { hostDies } from './host-dies.ts';
import { openRealStage } from './real-stage.ts';
import { openSimulatedStage } from './simulated-stage.ts';
import type { Stage } from './stage.ts';
import { moveTraffic } from './traffic-acts.ts';

interface DemoOptions {
  readonly simulated?: true;
  readonly keep?: true;
}

const program = new Command('demo')
  .description(
    'Replays the overlay article on three Docker hosts, breaks things by hand, and shows how ovr explains and repairs them.',
  )
  .option('--simulated', 'three hosts in memory: needs neither root nor Docker')
  .option('--keep', 'leave everything running at the end, until Ctrl-C')
  .parse();
process.exitCode = await demo(program.opts<DemoOptions>());

async function demo(options: DemoOptions): Promise<number> {
  const began = performance.now();
  let stage: Stage | undefined;
  try {
    stage = options.simulated ? await openSimulatedStage() : await openReal(options);
    tell(`stage: ${stage.kind}, up after ${seconds(began)} s\n\nthe article's manifests`);
    const results = await converge(stage, tell);
    for (const part of [breakThings, moveTraffic, hostDies]) results.push(...(await part(stage, tell)));
    tell(`\n${table(results)}\n`);
    if (options.keep) await keep(stage);
    tell(`demo: ok (${seconds(began)} s)`);
    return 0;
  } catch (error) {
    tell(`demo: failed: ${errorMessage(error)}`);
    return 1;
  } finally {
    await stage?.close();
  }
}

async function openReal(options: DemoOptions): Promise<Stage> {
  tell('building');
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
  if (status !== 0) throw new Error('the build failed');
  tell('starting three Docker hosts, an overlay store, ZooKeeper and three ovrd');
  return openRealStage({ keep: options.keep ?? false });
}

async function keep(stage: Stage): Promise<void> {
  tell(`left running until Ctrl-C:\n${stage.hints.map((hint) => `  ${hint}`).join('\n')}`);
  await new Promise<void>((resolve) => process.once('SIGINT', resolve));
}

function table(results: readonly ActResult[]): string {
  const rows = new Table({
    head: ['what was done', 'cause ovr gave', 'actions', 'ms'],
    style: { head: [], border: [] },
  });
  for (const { act, cause, actions, repairMs } of results) {
    rows.push([act, cause, actions, repairMs === undefined ? '-' : String(Math.round(repairMs))]);
  }
  return rows.toString();
}

function seconds(sinceMs: number): string {
  return ((performance.now() - sinceMs) / 1_000).toFixed(1);
}

function tell(line: string): void {
  console.log(line);
}
