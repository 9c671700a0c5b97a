import { systemClock } from '../../pkg/agent/index.ts';
import { silentLogger } from '../../pkg/api/index.ts';
import { type ZooKeeperStoreOptions, createZooKeeperStore } from '../../pkg/zookeeper/index.ts';
import type { StoreSubject } from '../contract/store.contract.ts';
import { until } from '../lab/run.ts';
import type { ZooKeeperServer } from '../lab/zookeeper.ts';
import { ZooKeeperRelay } from './zookeeper-relay.ts';

const SESSION_TIMEOUT_MS = 1_200;
const PATIENCE_MS = 20_000;
/** Timers of a busy machine. */
const SLACK_MS = 400;

let trees = 0;

/** A root that no other test has, nor the folder above it. */
export function newRoot(): string {
  trees += 1;
  return `/tree-${trees}/ovr`;
}

/** What a store needs besides an address. */
export function storeOptions(port: number, root: string): ZooKeeperStoreOptions {
  return {
    address: { servers: [{ host: '127.0.0.1', port }], root },
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    clock: systemClock,
    logger: silentLogger,
    random: Math.random,
  };
}

/** Stores on a real server, over a relay, on a tree of their own. */
export async function realSubject(server: ZooKeeperServer): Promise<StoreSubject> {
  await server.start(); // a test that failed may have left it ended
  const relay = await ZooKeeperRelay.open(server.port);
  const options = storeOptions(relay.port, newRoot());
  return {
    open: () => createZooKeeperStore(options),
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    cut: () => relay.cut(),
    down: () => server.kill(),
    up: () => server.start(),
    expire: (session) => relay.expire(session),
    monotonic: () => systemClock.monotonic(),
    slackMs: SLACK_MS,
    until: async (what, holds) => {
      await until(what, PATIENCE_MS, () => (holds() ? true : undefined));
    },
    dispose: () => relay.close(),
  };
}
