/** A manifest renamed into place: how long until the engine is asked to make its container. */
import { EngineTap } from '../engine-tap.ts';
import { type Bench, type Outcome, type Row, verdict } from '../row.ts';
import { ManifestFolder, type Stage, converged, restBetween, withOvrd } from '../stage.ts';
import { formatMs, percentile } from '../stats.ts';
import { containerManifest, networkManifest } from '../workload.ts';

const FILES = 50;
const QUICK_FILES = 10;
const P50_MS = 10;
const P99_MS = 50;
const NETWORK = 'bench0';

interface Delays {
  /** Until the first request of any kind. */
  readonly firstCall: number[];
  /** Until the request that makes the container. */
  readonly create: number[];
}

export const manifestToCall: Row = {
  name: 'manifest-to-call',
  measure: async (bench) => {
    const stage = await bench.stage();
    await stage.clean();
    const folder = await ManifestFolder.make();
    const tap = await EngineTap.open(stage.host.socket);
    try {
      folder.write(new Map([['network.yaml', networkManifest(NETWORK, '10.0.9.0/24')]]));
      const delays = await withOvrd({ socket: tap.socketPath, manifests: folder.path }, async (ovrd) => {
        await converged(ovrd);
        return publishFiles(bench, { stage, folder, tap });
      });
      return [outcome(delays)];
    } finally {
      await tap.close();
      await folder.remove();
      await stage.clean();
    }
  },
};

async function publishFiles(
  bench: Bench,
  parts: { readonly stage: Stage; readonly folder: ManifestFolder; readonly tap: EngineTap },
): Promise<Delays> {
  const { stage, folder, tap } = parts;
  const delays: Delays = { firstCall: [], create: [] };
  const files = bench.quick ? QUICK_FILES : FILES;
  for (let index = 1; index <= files; index += 1) {
    const name = `late-${index}`;
    const file = `${name}.yaml`;
    folder.prepare(new Map([[file, containerManifest(name, NETWORK, ['site'])]]));
    await restBetween();
    const started = stage.events.started(name);
    const created = tap.next('POST', /^\/containers\/create\b/);
    const publishedMs = folder.publish(file);
    delays.create.push((await created).atMs - publishedMs);
    const first = tap.requests.find(({ atMs, path }) => atMs >= publishedMs && path !== '/_ping');
    delays.firstCall.push((first?.atMs ?? NaN) - publishedMs);
    await started;
    if (index % 10 === 0) bench.progress(`${index} of ${files} files`);
  }
  return delays;
}

function outcome({ firstCall, create }: Delays): Outcome {
  const p50 = percentile(create, 50);
  const p99 = percentile(create, 99);
  return {
    what: 'a manifest renamed into place → the engine is asked for its container',
    ovr: `p50 ${formatMs(p50)}, p99 ${formatMs(p99)}`,
    peer: '',
    found: `first call of any kind: p50 ${formatMs(percentile(firstCall, 50))}`,
    limit: `p50 ≤ ${P50_MS} ms, p99 ≤ ${P99_MS} ms`,
    verdict: verdict(p50 <= P50_MS && p99 <= P99_MS),
    samples: { create, firstCall },
  };
}
