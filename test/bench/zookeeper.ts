/** A real ZooKeeper of the bench's own, and sessions on it as agents have them. */
import { systemClock } from '../../pkg/agent/index.ts';
import { silentLogger } from '../../pkg/api/index.ts';
import type { CoordinationStore, StoreWrite } from '../../pkg/cluster/index.ts';
import { createZooKeeperStore } from '../../pkg/zookeeper/index.ts';
import { startZooKeeper, type ZooKeeperServer } from '../lab/zookeeper.ts';

/** Where a tree is, and how long sessions on it last. Goes from one process to another as JSON. */
export interface Tree {
  readonly port: number;
  readonly root: string;
  readonly sessionTimeoutMs: number;
}

/** Runs a server while `work` lasts: one process on loopback, with fsync, its data in a folder of its own. */
export async function withZooKeeper<T>(
  heapMb: number,
  work: (server: ZooKeeperServer) => Promise<T>,
): Promise<T> {
  const server = await startZooKeeper({ heapMb, javaFlags: ['-XX:+UseParallelGC', '-Xshare:auto'] });
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

/** A session that has not been started. */
export function openStore({ port, root, sessionTimeoutMs }: Tree): CoordinationStore {
  return createZooKeeperStore({
    address: { servers: [{ host: '127.0.0.1', port }], root },
    sessionTimeoutMs,
    clock: systemClock,
    logger: silentLogger,
    random: Math.random,
  });
}

/** A session that is there. */
export async function connectStore(tree: Tree): Promise<CoordinationStore> {
  const store = openStore(tree);
  await new Promise<void>((resolve) => {
    store.start(({ type }) => {
      if (type === 'connected') resolve();
    });
  });
  return store;
}

/** What a metered store tells; times are `performance.now()`. */
export interface Meter {
  /** The writes were answered. */
  committed?(writes: readonly StoreWrite[], atMs: number): void;
  listed?(path: string, names: readonly string[], atMs: number): void;
  /** Something is asked or was answered. */
  touched?(): void;
}

/** The same store, which tells what goes over it. */
export function metered(store: CoordinationStore, meter: Meter): CoordinationStore {
  const watched = async <T>(work: Promise<T>): Promise<T> => {
    meter.touched?.();
    try {
      return await work;
    } finally {
      meter.touched?.();
    }
  };
  return {
    start: (listener) => store.start(listener),
    stop: () => store.stop(),
    lastContactMs: () => store.lastContactMs(),
    sessionTimeoutMs: () => store.sessionTimeoutMs(),
    get: (path, watch) => watched(store.get(path, watch)),
    children: async (path, watch) => {
      const names = await watched(store.children(path, watch));
      meter.listed?.(path, names, performance.now());
      return names;
    },
    commit: async (writes) => {
      await watched(store.commit(writes));
      meter.committed?.(writes, performance.now());
    },
    createSequential: (folder, prefix, data) => watched(store.createSequential(folder, prefix, data)),
  };
}
