import { OvrError, silentLogger } from '../api/index.ts';
import { readVersion, type EngineConfig } from '../config/index.ts';
import type { Revision } from '../manifest/index.ts';
import {
  alone,
  Reconciler,
  silentObserver,
  type ActionRecord,
  type ObjectStatus,
  type PlannedChange,
  type Source,
} from '../reconcile/index.ts';
import { SETTLE_MS } from './agent.ts';
import { createEngine } from './engine.ts';
import { noStore } from './file-store.ts';
import { hostRoutes } from './host-routes.ts';
import { createSecrets } from './secrets.ts';
import { systemClock } from './system-clock.ts';

/** Manifests given on a command line, and the engine to hold them against. */
export interface OnceOptions {
  readonly config: EngineConfig;
  readonly revision: Revision;
}

/** What would be done for these manifests. Nothing is changed, and nothing that they do not name is looked at. */
export async function diffOnce(options: OnceOptions): Promise<PlannedChange[]> {
  const reconciler = await oneShot(options, () => undefined);
  const changes = await reconciler.diff();
  return changes.filter(({ key }) => options.revision.objects.has(key));
}

/** Converges to these manifests once, removing nothing. `converged`: all of them are as declared now. */
export async function applyOnce(
  options: OnceOptions,
  onProgress: (record: ActionRecord) => void,
): Promise<{ converged: boolean; statuses: ObjectStatus[] }> {
  const reconciler = await oneShot(options, onProgress);
  const settled = reconciler.whenSettled();
  await reconciler.start();
  const converged = await settled;
  const { engine, objects } = reconciler.status();
  await reconciler.stop();
  if (!engine.up) throw new OvrError('engine-unreachable', 'transient', engine.message);
  return { converged, statuses: objects.filter(({ key }) => options.revision.objects.has(key)) };
}

async function oneShot(
  options: OnceOptions,
  onProgress: (record: ActionRecord) => void,
): Promise<Reconciler> {
  const { config, revision } = options;
  const { cluster, subnetPool, concurrency, sopsAgeKeyFile } = config;
  return new Reconciler(
    {
      engine: await createEngine(config, { clock: systemClock, logger: silentLogger }),
      source: fixedSource(revision),
      secrets: createSecrets(sopsAgeKeyFile === undefined ? {} : { ageKeyFile: sopsAgeKeyFile }),
      store: noStore,
      clock: systemClock,
      logger: silentLogger,
      observer: { ...silentObserver, actionFinished: onProgress },
      random: Math.random,
      coordination: alone,
      hostRoutes,
    },
    {
      version: readVersion(),
      cluster,
      mode: 'enforce',
      subnetPool,
      settleMs: SETTLE_MS,
      resyncMs: 60_000,
      concurrency,
    },
  );
}

/** A source that never changes, and whose silence about other objects means nothing. */
function fixedSource(revision: Revision): Source {
  return {
    name: 'command line',
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    state: () => ({ revision, diagnostics: [], doubt: 'a one-shot run removes nothing' }),
  };
}
