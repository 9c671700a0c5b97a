/** Containers on one overlay from nothing: the bare API, ovrd and docker compose, one after the other, again and again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { eachOf } from '../each.ts';
import { type Bench, type Outcome, type Row, verdict } from '../row.ts';
import { ManifestFolder, type Stage, converged, withOvrd } from '../stage.ts';
import { formatMs, median } from '../stats.ts';
import { type Workload, composeFile, containerBody, manifests, networkBody, workload } from '../workload.ts';

const PARALLEL = [4, 8, 16] as const;
const MOST_OF_BARE = 1.05;
const LEAST_OVER_COMPOSE = 1.4;
const LIMIT = `≤ ${MOST_OF_BARE} × bare, ≥ ${LEAST_OVER_COMPOSE} × as fast as compose`;
/** Whether ovrd is idle: the folder is watched and the first round is done. */
const IDLE_MS = 500;

interface Contestant {
  readonly name: string;
  /** From the first thing done until the engine says that the last container has started, milliseconds. */
  readonly run: (stage: Stage, work: Workload) => Promise<number>;
}

const CONTESTANTS: readonly Contestant[] = [
  ...PARALLEL.map((limit) => ({
    name: `bare API, ${limit} at a time`,
    run: (stage: Stage, work: Workload) => bare(stage, work, limit),
  })),
  { name: 'ovr', run: ovr },
  { name: 'compose', run: compose },
];

export function fromNothing(count: number, repetitions: number): Row {
  return {
    name: `from-nothing-${count}`,
    measure: async (bench) => {
      const samples = await race(bench, workload(count), bench.quick ? 1 : repetitions);
      return [outcome(count, samples)];
    },
  };
}

async function race(bench: Bench, work: Workload, repetitions: number): Promise<Record<string, number[]>> {
  const stage = await bench.stage();
  const samples: Record<string, number[]> = {};
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    // Everybody comes first once, so that nobody always meets a fresh or a worn engine.
    const from = repetition % CONTESTANTS.length;
    for (const { name, run } of [...CONTESTANTS.slice(from), ...CONTESTANTS.slice(0, from)]) {
      await stage.clean();
      const tookMs = await run(stage, work);
      bench.progress(`${name}: ${formatMs(tookMs)} (${repetition + 1} of ${repetitions})`);
      (samples[name] ??= []).push(tookMs);
    }
  }
  await stage.clean();
  return samples;
}

function outcome(count: number, samples: Record<string, number[]>): Outcome {
  const bares = PARALLEL.map((limit) => ({
    limit,
    ms: median(samples[`bare API, ${limit} at a time`] ?? []),
  }));
  const best = bares.reduce((a, b) => (b.ms < a.ms ? b : a));
  const ovrMs = median(samples['ovr'] ?? []);
  const composeMs = median(samples['compose'] ?? []);
  const ofBare = ovrMs / best.ms;
  const overCompose = composeMs / ovrMs;
  return {
    what: `${count} containers on one overlay, from nothing`,
    ovr: formatMs(ovrMs),
    peer: `bare ${formatMs(best.ms)} (${best.limit} at a time), compose ${formatMs(composeMs)}`,
    found: `${ofBare.toFixed(2)} × bare, ${overCompose.toFixed(2)} × as fast as compose`,
    limit: LIMIT,
    verdict: verdict(ofBare <= MOST_OF_BARE && overCompose >= LEAST_OVER_COMPOSE),
    samples,
  };
}

function allStarted(stage: Stage, { containers }: Workload): Promise<number> {
  return stage.events.allStarted(containers, 60_000 + 2_000 * containers.length);
}

async function bare(stage: Stage, work: Workload, limit: number): Promise<number> {
  const { api } = stage;
  const started = allStarted(stage, work);
  const beganMs = performance.now();
  await api.createNetwork(networkBody(work));
  const body = containerBody(work);
  await eachOf(work.containers, limit, async (name) => {
    await api.post(await api.createContainer(name, body), 'start');
  });
  return (await started) - beganMs;
}

async function ovr(stage: Stage, work: Workload): Promise<number> {
  const folder = await ManifestFolder.make();
  const files = manifests(work);
  folder.prepare(files);
  try {
    return await withOvrd({ socket: stage.host.socket, manifests: folder.path }, async (ovrd) => {
      await converged(ovrd);
      await sleep(IDLE_MS);
      const started = allStarted(stage, work);
      const beganMs = performance.now();
      for (const name of files.keys()) folder.publish(name);
      const tookMs = (await started) - beganMs;
      await converged(ovrd);
      return tookMs;
    });
  } finally {
    await folder.remove();
  }
}

async function compose(stage: Stage, work: Workload): Promise<number> {
  const started = allStarted(stage, work);
  const beganMs = performance.now();
  await stage.host.compose(['--file', '-', 'up', '--detach'], {
    input: composeFile(work),
    timeoutMs: 600_000,
  });
  return (await started) - beganMs;
}
