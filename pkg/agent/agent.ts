import { join } from 'node:path';
import type { Clock, Logger } from '../api/index.ts';
import { readVersion, type Config } from '../config/index.ts';
import type { Revision } from '../manifest/index.ts';
import { createMetrics } from '../metrics/index.ts';
import {
  Reconciler,
  Suspending,
  Switches,
  type HoldStore,
  type ReconcilerOptions,
  type Observer,
  type RevisionControl,
  type Source,
  type SuspensionControl,
  type SwitchControl,
} from '../reconcile/index.ts';
import { createServer, type Server } from '../server/index.ts';
import { createChecks, type Checks } from './checks.ts';
import { createShared, type SharedPart } from './coordination.ts';
import { createEngine } from './engine.ts';
import { createGitServices } from './git-services.ts';
import { createFileStore } from './file-store.ts';
import { hostRoutes } from './host-routes.ts';
import { askedOnce, createManifestSources, type ManifestSources } from './manifest-sources.ts';
import { createRevisions, type Revisions } from './revisions.ts';
import { createSecretKeeper } from './secret-keeper.ts';
import { createSecrets } from './secrets.ts';
import type { SopsOptions } from './sops.ts';

/** How long a new overlay on a cluster store is left alone; seen there: rivals show up within tens of milliseconds. */
export const SETTLE_MS = 500;

/** One running ovrd. */
export interface Agent {
  /** Serves first, so that a second ovrd on the same socket never acts; then reads manifests, then acts. */
  start(): Promise<void>;
  /** Reverse order. Containers and networks stay as they are. */
  stop(): Promise<void>;
  /** Resolves when nothing more can be done by itself; true when all is as declared. */
  settled(): Promise<boolean>;
}

export interface AgentDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** For the programs it runs, which get a few variables of it; absent: none. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Wires an agent together. Nothing runs before start(). Fails with `invalid-request` where an option cannot be. */
export async function createAgent(config: Config, deps: AgentDeps): Promise<Agent> {
  const { clock, logger } = deps;
  const sources = createManifestSources(config, deps);
  const revisions = createRevisions({
    source: sources.source,
    stateDir: config.stateDir,
    clock,
    holds: () => shared.holds,
    tell: (message) => reconciler.tellCluster('warning', message),
  });
  const { history, source, rollbacks } = revisions;
  const metrics = createMetrics(sources.problems);
  const engine = await createEngine(config, { clock, logger: logger.child({ part: 'engine' }) });
  const shared: SharedPart = await createShared(config, {
    ...deps,
    engine,
    source,
    changed: () => {
      source.holdsChanged();
      reconciler.sourceChanged();
    },
    tell: (severity, message) => reconciler.tellCluster(severity, message),
    answer: (question) => checks.checker.answer(question),
  });
  const reconciler: Reconciler = new Reconciler(
    {
      engine,
      source,
      secrets: createSecrets(sopsOptions(config, deps)),
      secretKeeper: createSecretKeeper(join(config.stateDir, 'secrets.key')),
      store: createFileStore(join(config.stateDir, 'state.json')),
      clock,
      logger,
      observer: reporting(metrics.observer, shared),
      random: Math.random,
      coordination: shared,
      applied: (revision, state) => history.applied(revision, state),
      hostRoutes,
    },
    reconcilerOptions(config),
  );
  const overrides = createOverrides({ holds: shared.holds, clock, source, reconciler });
  const checks: Checks = createChecks(config, {
    ...{ ...deps, engine, source, shared },
    ...{ metrics, reconciler },
  });
  const server = config.once
    ? undefined
    : createApi(config, {
        ...{ reconciler, rollbacks, ...overrides },
        ...{ metrics, sources, checks, clock, logger },
      });
  return lifeOf({ config, sources, revisions, shared, reconciler, checks, server });
}

interface Overrides {
  readonly switches: SwitchControl;
  readonly suspensions: SuspensionControl;
}

/** What people may put in the place of the manifests. */
function createOverrides(deps: {
  holds: HoldStore;
  clock: Clock;
  source: Source;
  reconciler: Reconciler;
}): Overrides {
  const { holds, clock, source, reconciler } = deps;
  const revision = (): Revision | undefined => source.state().revision;
  return {
    switches: new Switches({
      holds,
      clock,
      revision,
      aliases: async () => (await reconciler.cluster()).aliases,
    }),
    suspensions: new Suspending({
      holds,
      clock,
      revision,
      here: () => reconciler.status().objects.map(({ key }) => key),
    }),
  };
}

/** sops is found where ovrd's own programs are. */
function sopsOptions({ sopsAgeKeyFile }: Config, { environment }: AgentDeps): SopsOptions {
  const path = environment?.['PATH'];
  return {
    ...(sopsAgeKeyFile === undefined ? {} : { ageKeyFile: sopsAgeKeyFile }),
    ...(path === undefined ? {} : { path }),
  };
}

interface Life {
  readonly config: Config;
  readonly sources: ManifestSources;
  readonly revisions: Revisions;
  readonly shared: SharedPart;
  readonly reconciler: Reconciler;
  readonly checks: Checks;
  readonly server: Server | undefined;
}

/** What begins and ends in which order. */
function lifeOf({ config, sources, revisions, shared, reconciler, checks, server }: Life): Agent {
  const { source, history } = revisions;
  return {
    start: async () => {
      await server?.start();
      await source.start(() => {
        shared.sourceChanged();
        reconciler.sourceChanged();
      });
      if (config.once) await askedOnce(sources);
      await shared.start();
      source.holdsChanged();
      await reconciler.start();
      checks.start();
    },
    stop: async () => {
      checks.stop();
      await source.stop();
      await reconciler.stop();
      await history.done();
      await shared.stop();
      await server?.stop();
    },
    settled: () => reconciler.whenSettled(),
  };
}

function reconcilerOptions(config: Config): ReconcilerOptions {
  return {
    version: readVersion(),
    cluster: config.cluster,
    mode: config.mode,
    subnetPool: config.subnetPool,
    settleMs: SETTLE_MS,
    resyncMs: config.resyncMs,
    concurrency: config.concurrency,
  };
}

/** Lets the others of the cluster know how each round left this node. */
function reporting(observer: Observer, shared: SharedPart): Observer {
  return {
    ...observer,
    statusChanged: (status) => {
      observer.statusChanged(status);
      shared.report(status);
    },
  };
}

function createApi(
  config: Config,
  parts: Overrides & {
    reconciler: Reconciler;
    rollbacks: RevisionControl;
    checks: Checks;
    metrics: ReturnType<typeof createMetrics>;
    sources: ManifestSources;
    clock: Clock;
    logger: Logger;
  },
): Server {
  const { reconciler, rollbacks, switches, suspensions, metrics, sources, checks, clock, logger } = parts;
  const git = createGitServices({
    ...sources,
    webhookSecretFile: config.git?.webhookSecretFile,
    status: () => reconciler.status(),
    logger: logger.child({ part: 'source' }),
  });
  return createServer({
    view: reconciler,
    control: reconciler,
    revisions: rollbacks,
    switches,
    suspensions,
    check: (networks) => checks.checker.check(networks),
    metrics,
    ...(git ? { git } : {}),
    socketPath: config.socket,
    ...(config.listen ? { listen: config.listen } : {}),
    logger: logger.child({ part: 'server' }),
    clock,
  });
}
