import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Logger } from '../api/index.ts';
import type { Questions } from '../check/index.ts';
import { Cluster, createSwarmDiscovery, type SwarmDiscovery } from '../cluster/index.ts';
import { readVersion, type Config } from '../config/index.ts';
import {
  alone,
  holderOn,
  type AgentStatus,
  type Coordination,
  type Engine,
  type Source,
} from '../reconcile/index.ts';
import { checkCredentials, createZooKeeperStore } from '../zookeeper/index.ts';
import { createFileStore } from './file-store.ts';
import { LocalHolds } from './local-holds.ts';

/** What this node shares with others, with a life of its own beside the loop's. */
export interface SharedPart extends Coordination {
  /** Resolves once it is known what to act on; within one session timeout also when nobody answers. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** To be called when the source has something new. */
  sourceChanged(): void;
  /** To be called after each round. */
  report(status: AgentStatus): void;
  /** Absent: there is nobody to ask. */
  readonly questions?: Questions;
}

export interface SharedDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly engine: Engine;
  readonly source: Source;
  /** Rings the loop. */
  readonly changed: () => void;
  readonly tell: (severity: 'normal' | 'warning', message: string) => void;
  /** This node's answer to what an agent of the cluster asks all of them. */
  readonly answer: (question: string) => Promise<string>;
}

/** Alone, though a classic Swarm manager may be shown this host all the same. */
function sharingNothing(holds: LocalHolds, discovery: SwarmDiscovery | undefined): SharedPart {
  return {
    ...alone,
    holds,
    start: async () => {
      await holds.load();
      discovery?.start();
    },
    stop: async () => discovery?.stop(),
    sourceChanged: () => undefined,
    report: () => undefined,
  };
}

/** The coordinator that the configuration names. Nothing is asked of it yet. */
export async function createShared(config: Config, deps: SharedDeps): Promise<SharedPart> {
  const { coordinator } = config;
  const discovery = createDiscovery(config, deps);
  const { clock, engine, source } = deps;
  if (coordinator.kind === 'local') {
    const { changed } = deps;
    const tell = (message: string): void => deps.tell('warning', message);
    return sharingNothing(
      new LocalHolds(join(config.stateDir, 'holds.json'), { clock, changed, tell }),
      discovery,
    );
  }
  const logger = deps.logger.child({ part: 'cluster' });
  return new Cluster(
    {
      store: createZooKeeperStore({
        address: coordinator,
        sessionTimeoutMs: coordinator.sessionTimeoutMs,
        clock,
        logger,
        random: Math.random,
        ...(coordinator.authFile === undefined ? {} : { auth: await readAuth(coordinator.authFile) }),
      }),
      disk: createFileStore(join(config.stateDir, 'cluster.json')),
      clock,
      logger,
      random: Math.random,
      journal: deps.tell,
      changed: deps.changed,
      revision: () => source.state(),
      facts: () => engine.facts(),
      testify: (question) => holderOn(engine, question),
      answer: deps.answer,
      ...(discovery ? { discovery } : {}),
    },
    {
      kind: 'zookeeper',
      cluster: config.cluster,
      version: readVersion(),
      nodeLostAfterMs: config.nodeLostAfterMs,
      strategy: config.strategy,
      ...(config.nodeName === undefined ? {} : { nodeName: config.nodeName }),
    },
  );
}

function createDiscovery(config: Config, deps: SharedDeps): SwarmDiscovery | undefined {
  const { swarmDiscovery, coordinator } = config;
  if (!swarmDiscovery) return undefined;
  const common = {
    clock: deps.clock,
    logger: deps.logger.child({ part: 'swarm-discovery' }),
    random: Math.random,
  };
  const store = createZooKeeperStore({
    ...common,
    address: swarmDiscovery,
    sessionTimeoutMs: coordinator.kind === 'zookeeper' ? coordinator.sessionTimeoutMs : DISCOVERY_SESSION_MS,
  });
  return createSwarmDiscovery(store, swarmDiscovery.address, common);
}

const DISCOVERY_SESSION_MS = 10_000;

async function readAuth(path: string): Promise<string> {
  const [text, { mode }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
  return checkCredentials({ path, text, mode });
}
