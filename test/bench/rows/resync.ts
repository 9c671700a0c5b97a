/** Nothing to do, a thousand containers: what ovrd asks, and what it uses. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ovrd } from '../../tools/ovrd.ts';
import { FakeDaemon } from '../fake-daemon.ts';
import { type ProcessUse, watchProcess } from '../process-use.ts';
import { type Bench, type Outcome, type Row, verdict } from '../row.ts';
import { ManifestFolder, converged, withOvrd } from '../stage.ts';
import { manifests, workload } from '../workload.ts';

const CONTAINERS = 1_000;
const LIST_CALLS = 2;
const CPU_PERCENT = 0.5;
const RSS_MB = 120;
/** Until what the start left to do is done. */
const SETTLE_MS = 5_000;
/** One resync by the timer falls into it, which is what an hour has sixty of. */
const WATCH_MS = 60_000;
const QUICK_WATCH_MS = 10_000;
const RESYNC_MS = 2_000;
const NOT_OF_A_RESYNC = new Set(['/_ping']);

interface Measured {
  /** What one resync asked. */
  readonly asked: readonly string[];
  readonly use: ProcessUse;
}

export const resync: Row = {
  name: 'resync',
  measure: async (bench) => {
    const work = { ...workload(CONTAINERS), subnet: '10.0.16.0/20' };
    const files = manifests(work);
    const daemon = await FakeDaemon.start(files);
    const folder = await ManifestFolder.make();
    try {
      folder.write(files);
      const options = { socket: daemon.socketPath, manifests: folder.path };
      return outcomes(await withOvrd(options, (ovrd) => measure(bench, daemon, ovrd)));
    } finally {
      await folder.remove();
      await daemon.close();
    }
  },
};

async function measure(bench: Bench, daemon: FakeDaemon, ovrd: Ovrd): Promise<Measured> {
  await converged(ovrd);
  await sleep(SETTLE_MS);
  const asked = await askedByResync(ovrd, () => daemon.requests);
  const durationMs = bench.quick ? QUICK_WATCH_MS : WATCH_MS;
  bench.progress(`watching an idle ovrd for ${durationMs / 1_000} s`);
  return { asked, use: await watchProcess(ovrd.pid, durationMs) };
}

/** What one resync asks the engine; `paths` are those of all requests so far. */
export async function askedByResync(ovrd: Ovrd, paths: () => readonly string[]): Promise<string[]> {
  const before = paths().length;
  await ovrd.client.resync();
  await sleep(RESYNC_MS);
  return paths()
    .slice(before)
    .filter((path) => !NOT_OF_A_RESYNC.has(path));
}

/** `2 calls` when it is as it should be, else each. */
export function callsOutcome(what: string, asked: readonly string[]): Outcome {
  return {
    what,
    ovr: `${asked.length} calls`,
    peer: '',
    found: [...new Set(asked)].slice(0, 4).join(', '),
    limit: `${LIST_CALLS} list calls`,
    verdict: verdict(asked.length === LIST_CALLS && new Set(asked).size === LIST_CALLS),
    samples: { calls: [asked.length] },
  };
}

function outcomes({ asked, use }: Measured): Outcome[] {
  const { cpuPercent, rssMb, ownMb, peakRssMb } = use;
  return [
    callsOutcome('no-op resync, 1,000 containers (fake daemon)', asked),
    {
      what: 'idle, 1,000 containers (fake daemon): CPU',
      ovr: `${cpuPercent.toFixed(2)} %`,
      peer: '',
      found: `${cpuPercent.toFixed(2)} % of a core, one resync a minute`,
      limit: `< ${CPU_PERCENT} % of a core`,
      verdict: verdict(cpuPercent < CPU_PERCENT),
      samples: { cpuPercent: [cpuPercent] },
    },
    {
      what: 'idle, 1,000 containers (fake daemon): memory',
      ovr: `${rssMb.toFixed(0)} MB`,
      peer: '',
      found: `${rssMb.toFixed(0)} MB resident, of which ${ownMb.toFixed(0)} MB are not the Node program itself`,
      limit: `< ${RSS_MB} MB`,
      verdict: verdict(rssMb < RSS_MB),
      samples: { rssMb: [rssMb], ownMb: [ownMb], peakRssMb: [peakRssMb] },
    },
  ];
}
