/** One file edited among ten thousand: how long until something is done about it. Real folder and loop, simulated engine. */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../../pkg/agent/index.ts';
import { silentLogger } from '../../../pkg/api/index.ts';
import type { Revision } from '../../../pkg/manifest/index.ts';
import { plan } from '../../../pkg/plan/index.ts';
import { alone, type Engine, Reconciler, type Source, silentObserver } from '../../../pkg/reconcile/index.ts';
import { SimulatedWorld } from '../../../pkg/reconcile/simulated/index.ts';
import { createDirSource } from '../../../pkg/source/index.ts';
import { BOXES, boxManifest, manyFiles } from '../many-files.ts';
import { type Bench, type Row, verdict } from '../row.ts';
import { ManifestFolder } from '../stage.ts';
import { formatMs, formatSpread, median } from '../stats.ts';

const REPETITIONS = 20;
const LIMIT_MS = 150;
const REST_MS = 500;
const SETTINGS = {
  cluster: 'default',
  mode: 'enforce',
  subnetPool: '10.64.0.0/10',
  settleMs: 500,
} as const;

export const editedFile: Row = {
  name: 'edited-file',
  measure: async (bench) => {
    const folder = await ManifestFolder.make();
    folder.write(manyFiles());
    const source = createDirSource({ dirs: [folder.path], clock: systemClock, logger: silentLogger });
    try {
      const samples = await measure(bench, folder, source);
      return [
        {
          what: 'one file edited among 10,000 → the first change of the engine',
          ovr: formatSpread(samples),
          peer: '',
          found: `${formatMs(median(samples))} (simulated engine)`,
          limit: `< ${LIMIT_MS} ms`,
          verdict: verdict(median(samples) < LIMIT_MS),
          samples: { change: samples },
        },
      ];
    } finally {
      await source.stop();
      await folder.remove();
    }
  },
};

async function measure(bench: Bench, folder: ManifestFolder, source: Source): Promise<number[]> {
  const world = new SimulatedWorld({ clock: systemClock, topology: 'swarm', hosts: 1 });
  const { engine } = world.host();
  const reconciler = reconcilerOn(remembering(engine), source);
  bench.progress('reading 10,000 files');
  let isFilled = false;
  await source.start(() => {
    if (isFilled) reconciler.sourceChanged();
  });
  await fill(engine, source.state().revision);
  isFilled = true;
  const settled = reconciler.whenSettled();
  await reconciler.start();
  if (!(await settled)) throw new Error('the simulated engine is not as declared');
  const samples: number[] = [];
  for (let index = 0; index < (bench.quick ? 5 : REPETITIONS); index += 1) {
    samples.push(await edit(world, folder, index));
    await sleep(REST_MS);
  }
  await reconciler.stop();
  return samples;
}

/** Gives one container another alias. */
async function edit(world: SimulatedWorld, folder: ManifestFolder, index: number): Promise<number> {
  const number = (index * 487) % BOXES;
  const file = `box-${number}.yaml`;
  folder.prepare(new Map([[file, boxManifest(number, 'other')]]));
  const changed = new Promise<number>((resolve) => {
    world.faults = ({ operation, phase }) => {
      if (operation === 'disconnect' && phase === 'before') resolve(performance.now());
      return undefined;
    };
  });
  const editedMs = folder.publish(file);
  return (await changed) - editedMs;
}

/** Looks only after a change, as it takes the simulated engine longer to look than ovr to think. */
function remembering(engine: Engine): Engine {
  let seen: ReturnType<Engine['observe']> | undefined;
  engine.watch(() => {
    seen = undefined;
  });
  const observe = (): ReturnType<Engine['observe']> => (seen ??= engine.observe());
  return new Proxy(engine, {
    get: (target, name, receiver) => {
      if (name === 'observe') return observe;
      const value: unknown = Reflect.get(target, name, receiver);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function reconcilerOn(engine: Engine, source: Source): Reconciler {
  return new Reconciler(
    {
      engine,
      source,
      secrets: {
        read: () => Promise.reject(new Error('there are none')),
        open: () => Promise.reject(new Error('there are none')),
      },
      store: { load: () => Promise.resolve(undefined), save: () => Promise.resolve() },
      clock: systemClock,
      logger: silentLogger,
      observer: silentObserver,
      random: Math.random,
      coordination: alone,
      hostRoutes: () => Promise.resolve([]),
    },
    { ...SETTINGS, version: 'bench', resyncMs: 60_000, concurrency: 8 },
  );
}

/** Does what a plan from nothing says, one step after the other. */
async function fill(engine: Engine, revision: Revision | undefined): Promise<void> {
  if (revision === undefined) throw new Error('the files were not read');
  const { objects } = plan({
    revision,
    observed: await engine.observe(),
    memory: {
      applied: new Map(),
      createdIds: new Set(),
      failedUpdates: new Map(),
      givenUp: new Map(),
      phases: new Map(),
    },
    settings: { ...SETTINGS, hostRoutes: [] },
    nowMs: Date.now(),
    pruneConfirmed: false,
  });
  for (const { steps } of objects) {
    let id = '';
    for (const step of steps) {
      if (step.type === 'CreateNetwork') await engine.createNetwork(step.network);
      else if (step.type === 'EnsureImage') await engine.ensureImage(step.image, step.policy);
      else if (step.type === 'CreateContainer') id = await engine.createContainer(step.container, []);
      else if (step.type === 'StartContainer') await engine.startContainer(id);
    }
  }
}
