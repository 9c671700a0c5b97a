/** From the spawn of ovrd to its first plan: with nothing there, and with everything running. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineTap } from '../engine-tap.ts';
import { type Bench, type Outcome, type Row, verdict } from '../row.ts';
import { ManifestFolder, converged, withOvrd } from '../stage.ts';
import { formatMs, formatSpread, median } from '../stats.ts';
import { manifests, workload } from '../workload.ts';
import { askedByResync, callsOutcome } from './resync.ts';

const CONTAINERS = 100;
const REPETITIONS = 5;
const QUICK_REPETITIONS = 2;
const LIMIT_MS = 1_000;
const REST_MS = 1_000;

export const start: Row = {
  name: 'start',
  measure: async (bench) => {
    const stage = await bench.stage();
    await stage.clean();
    const folder = await ManifestFolder.make();
    const tap = await EngineTap.open(stage.host.socket);
    try {
      folder.write(manifests(workload(CONTAINERS)));
      const fresh = await fromNothing(bench, tap, folder.path, () => stage.clean());
      bench.progress('making 100 containers');
      return [...fresh, ...(await withAllRunning(bench, tap, folder.path))];
    } finally {
      await tap.close();
      await folder.remove();
      await stage.clean();
    }
  },
};

/** The first plan begins to be carried out: the network is asked for. */
async function fromNothing(
  bench: Bench,
  tap: EngineTap,
  folder: string,
  clean: () => Promise<void>,
): Promise<Outcome[]> {
  const samples: number[] = [];
  for (let index = 0; index < repetitions(bench); index += 1) {
    const asked = tap.next('POST', /^\/networks\/create$/);
    const beganMs = performance.now();
    samples.push(
      await withOvrd({ socket: tap.socketPath, manifests: folder }, async (ovrd) => {
        const { atMs } = await asked;
        await ovrd.end('SIGKILL');
        return atMs - beganMs;
      }),
    );
    await clean();
  }
  return [outcome('start of ovrd → first call of its first plan, 100 objects to make', samples)];
}

/** The first round has ended and the agent says so. */
async function withAllRunning(bench: Bench, tap: EngineTap, folder: string): Promise<Outcome[]> {
  const options = { socket: tap.socketPath, manifests: folder };
  await withOvrd(options, (ovrd) => converged(ovrd, 300_000));
  const samples: number[] = [];
  for (let index = 0; index < repetitions(bench); index += 1) {
    await sleep(REST_MS);
    const beganMs = Date.now();
    samples.push(
      await withOvrd(options, async (ovrd) => {
        for (;;) {
          const { lastRoundMs } = await ovrd.client.status();
          if (lastRoundMs !== undefined) return lastRoundMs - beganMs;
          await sleep(20);
        }
      }),
    );
  }
  const asked = await withOvrd(options, async (ovrd) => {
    await converged(ovrd);
    await sleep(REST_MS);
    return askedByResync(ovrd, () => tap.requests.map(({ path }) => path.replace(/\?.*$/, '')));
  });
  return [
    outcome('start of ovrd → its first plan is made, 100 objects that all run', samples),
    callsOutcome('no-op resync, 100 containers (real daemon)', asked),
  ];
}

function repetitions({ quick }: Bench): number {
  return quick ? QUICK_REPETITIONS : REPETITIONS;
}

function outcome(what: string, samples: readonly number[]): Outcome {
  return {
    what,
    ovr: formatSpread(samples),
    peer: '',
    found: formatMs(median(samples)),
    limit: `< ${LIMIT_MS / 1_000} s`,
    verdict: verdict(median(samples) < LIMIT_MS),
    samples: { start: samples },
  };
}
