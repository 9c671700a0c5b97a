/** A Git remote on which nothing happens: what asking it costs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Reader } from '../../../pkg/source/sighting.ts';
import { GitStage, sharedReader, waitFor } from '../../tools/git-stage.ts';
import { type Outcome, type Row, verdict } from '../row.ts';
import { networkManifest } from '../workload.ts';

const FILES = 10_000;
const POLLS = 10;
const QUICK_POLLS = 3;
const INTERVAL_MS = 1_000;
const READ_LIMIT_MS = 120_000;

interface Quiet {
  /** First words of every git that was started. */
  readonly started: readonly string[];
  /** Files that the reader was asked for. */
  readonly read: number;
}

export const gitQuiet: Row = {
  name: 'git-quiet',
  measure: async (bench) => {
    const stage = new GitStage();
    try {
      bench.progress('pushing 10,000 files');
      stage.repository.push(Object.fromEntries(Array.from({ length: FILES }, (_, index) => file(index))));
      const polls = bench.quick ? QUICK_POLLS : POLLS;
      return outcomes(await watch(stage, polls), polls);
    } finally {
      await stage.clear();
    }
  },
};

function file(index: number): [string, string] {
  const [high, low] = [Math.floor(index / 256), index % 256];
  return [`net-${index}.yaml`, networkManifest(`net-${index}`, `10.${high}.${low}.0/24`)];
}

async function watch(stage: GitStage, polls: number): Promise<Quiet> {
  const log = join(stage.base, 'calls');
  let read = 0;
  const reader: Reader = {
    ...sharedReader,
    load: (...asked) => {
      read += asked[1].length;
      return sharedReader.load(...asked);
    },
  };
  const environment = stage.wrapGit(`echo "$1" >> '${log}'\nexec {git} "$@"`);
  const source = await stage.start({ environment, reader, intervalMs: INTERVAL_MS });
  const all = (): boolean => source.state().revision?.objects.size === FILES;
  await waitFor('all manifests', () => all() || source.state().problem !== undefined, READ_LIMIT_MS);
  if (!all()) throw new Error(`not read: ${source.state().problem ?? ''}`);
  read = 0;
  writeFileSync(log, '');
  const started = (): string[] => readFileSync(log, 'utf8').split('\n').slice(0, -1);
  await waitFor(`${polls} polls`, () => started().length >= polls, polls * INTERVAL_MS * 10);
  return { started: started(), read };
}

function outcomes({ started, read }: Quiet, polls: number): Outcome[] {
  const perPoll = started.length / polls;
  return [
    {
      what: 'a poll of a Git remote with 10,000 manifests and no change',
      ovr: `${perPoll} process, ${read} files read`,
      peer: '',
      found: `${polls} polls started git ${started.length} times (${[...new Set(started)].join(', ')})`,
      limit: '1 process, 0 files read',
      verdict: verdict(perPoll <= 1 && read === 0),
      samples: { processes: [started.length], files: [read] },
    },
  ];
}
