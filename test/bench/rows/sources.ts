/** Ten thousand manifests: how long the first look takes and one changed file, and how much memory it all needs */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BOXES, boxManifest, FILES, manyFiles } from '../many-files.ts';
import { type ProcessUse, watchProcess } from '../process-use.ts';
import { type Bench, type Outcome, type Row, verdict } from '../row.ts';
import { ManifestFolder } from '../stage.ts';
import { formatMs, formatSpread, median } from '../stats.ts';
import { unitEnvironment } from '../unit-environment.ts';

const CHANGES = 50;
const COLD_MS = 3_000;
const STALL_MS = 100;
const CHANGE_MS = 20;
const MEMORY_MB = 150;
/** From then on a file is not taken for one that is being written. */
const OLD_MS = 2_500;
/** Until what reading left behind is collected. */
const SETTLE_MS = 20_000;
const HOLDER = join(import.meta.dirname, '../source-holder.js');

interface Held {
  readonly coldMs: number;
  readonly objects: number;
  /** The longest delay of a timer, and the longest stretch of CPU time of the main thread. */
  readonly stallMs: number;
  readonly stallCpuMs: number;
  readonly changes: readonly number[];
  readonly use: ProcessUse;
}

export const manySources: Row = {
  name: 'sources',
  measure: async (bench) => {
    const folder = await ManifestFolder.make();
    try {
      folder.write(manyFiles());
      const staged = await stage(folder, bench.quick ? 10 : CHANGES);
      await sleep(OLD_MS);
      bench.progress('reading 10,000 files');
      return outcomes(await hold(bench, folder, staged));
    } finally {
      await folder.remove();
    }
  },
};

/** New versions of some files, aside. */
async function stage(folder: ManifestFolder, count: number): Promise<string[]> {
  const aside = `${folder.path}.next`;
  await mkdir(aside);
  const numbers = Array.from({ length: count }, (_, index) => (index * 487) % BOXES);
  for (const number of numbers)
    await writeFile(join(aside, `box-${number}.yaml`), boxManifest(number, 'other'));
  return numbers.map((number) => join(aside, `box-${number}.yaml`));
}

async function hold(bench: Bench, folder: ManifestFolder, staged: readonly string[]): Promise<Held> {
  const child = spawn(process.execPath, [HOLDER, folder.path, ...staged], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...unitEnvironment() },
  });
  const ended = once(child, 'close');
  try {
    const [chunk] = (await Promise.race([once(child.stdout, 'data'), ended.then(() => [''])])) as [
      Buffer | string,
    ];
    const held = JSON.parse(chunk.toString()) as Omit<Held, 'use'>; // what source-holder.js prints
    bench.progress('watching it at rest');
    await sleep(SETTLE_MS);
    return { ...held, use: await watchProcess(child.pid ?? 0, bench.quick ? 5_000 : SETTLE_MS) };
  } finally {
    child.stdin.end();
    await ended;
  }
}

function outcomes({ coldMs, objects, stallMs, stallCpuMs, changes, use }: Held): Outcome[] {
  if (objects !== FILES) throw new Error(`${objects} objects were read of ${FILES}`);
  return [
    {
      what: 'cold read of 10,000 manifests',
      ovr: formatMs(coldMs),
      peer: '',
      found: `${formatMs(coldMs)}; the event loop computed ${formatMs(stallCpuMs)} at most without a turn, a timer was ${formatMs(stallMs)} late`,
      limit: `≤ ${COLD_MS / 1_000} s, ≤ ${STALL_MS} ms without a turn`,
      verdict: verdict(coldMs <= COLD_MS && stallCpuMs <= STALL_MS),
      samples: { coldMs: [coldMs], stallMs: [stallMs], stallCpuMs: [stallCpuMs] },
    },
    {
      what: 'one changed file among 10,000 → new revision',
      ovr: formatSpread(changes),
      peer: '',
      found: formatMs(median(changes)),
      limit: `≤ ${CHANGE_MS} ms`,
      verdict: verdict(median(changes) <= CHANGE_MS),
      samples: { changes },
    },
    {
      what: 'memory of a process with 10,000 manifests and nothing else',
      ovr: `${use.rssMb.toFixed(0)} MB`,
      peer: '',
      found: `${use.rssMb.toFixed(0)} MB resident, peak ${use.peakRssMb.toFixed(0)} MB, of which ${use.ownMb.toFixed(0)} MB are not the Node program itself`,
      limit: `≤ ${MEMORY_MB} MB`,
      verdict: verdict(use.rssMb <= MEMORY_MB),
      samples: { rssMb: [use.rssMb], ownMb: [use.ownMb], peakRssMb: [use.peakRssMb] },
    },
  ];
}
