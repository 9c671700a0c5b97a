import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { OvrError } from '../../pkg/api/index.ts';
import type { CoordinationStore, StoreEvent } from '../../pkg/cluster/index.ts';
import { createZooKeeperStore } from '../../pkg/zookeeper/index.ts';
import { until } from '../lab/run.ts';
import { type ZooKeeperServer, startZooKeeper } from '../lab/zookeeper.ts';
import { ZooKeeperRelay } from './zookeeper-relay.ts';
import { newRoot, storeOptions } from './zookeeper-subject.ts';

const PATIENCE_MS = 10_000;
const DOCUMENTED = ['done', 'coordinator-timeout', 'coordinator-unreachable', 'coordinator-conflict'];

let server: ZooKeeperServer;
let relay: ZooKeeperRelay;
let stores: CoordinationStore[] = [];
const events: StoreEvent[] = [];

beforeAll(async () => {
  server = await startZooKeeper();
  relay = await ZooKeeperRelay.open(server.port);
  const options = storeOptions(relay.port, newRoot());
  stores = Array.from({ length: 4 }, () => createZooKeeperStore(options));
  for (const store of stores) {
    store.start((event) => {
      if (store === stores[0]) events.push(event);
    });
  }
});
afterAll(async () => {
  await Promise.all(stores.map((store) => store.stop()));
  await relay.close();
  await server.stop();
});

/** Adds one to the counter, which is made where it is missing, if nobody else did meanwhile; says how that ended. */
async function count(store: CoordinationStore): Promise<string> {
  try {
    const counter = await store.get('counter', () => undefined);
    const [data, version] = [`${Number(counter?.data ?? 0) + 1}`, counter?.version];
    if (version === undefined) {
      await store.commit([{ type: 'create', path: 'counter', data, ephemeral: false }]);
    } else {
      await store.commit([
        { type: 'check', path: 'counter' },
        { type: 'set', path: 'counter', data, version },
      ]);
    }
    return 'done';
  } catch (error) {
    return error instanceof OvrError ? error.code : String(error);
  }
}

/** Breaks all connections 15 times, with the server frozen for six of them. */
async function breakThings(): Promise<void> {
  for (let round = 0; round < 15; round += 1) {
    await sleep(150);
    if (round === 7) server.freeze();
    if (round === 13) server.thaw();
    relay.cut();
  }
}

it('no write is lost that was said to be done, and none is done twice, while connections break', async () => {
  const endings: string[] = [];
  let [running, lastDoneMs] = [true, 0];
  const counters = stores.map(async (store) => {
    while (running) {
      const ending = await count(store);
      endings.push(ending);
      if (ending === 'done') lastDoneMs = performance.now();
      else await sleep(5);
    }
  });
  await breakThings();
  const healedMs = performance.now();
  await until('a write after the last break', PATIENCE_MS, () => lastDoneMs > healedMs || undefined);
  running = false;
  await Promise.all(counters);

  const times = (ending: string): number => endings.filter((each) => each === ending).length;
  const counter = await until('the counter', PATIENCE_MS, () =>
    stores[0]?.get('counter').catch(() => undefined),
  );
  const counted = Number(counter.data);
  expect(counted).toBe(counter.version + 1);
  expect(counted).toBeGreaterThanOrEqual(times('done'));
  expect(counted).toBeLessThanOrEqual(times('done') + times('coordinator-timeout'));
  expect(times('done')).toBeGreaterThan(20);
  expect(endings.filter((ending) => !DOCUMENTED.includes(ending))).toEqual([]);
});

it('a server that has lost all its data is taken as it is, with a new session', async () => {
  const told = events.length;
  await server.kill();
  await rm(join(server.folder, 'data'), { recursive: true });
  await server.start();
  const next = await until('a new session', PATIENCE_MS, () =>
    events.slice(told).find(({ type }) => type === 'connected'),
  );
  expect(next).toMatchObject({ sameSession: false });
  expect(events.slice(told).map(({ type }) => type)).toContain('expired');
  await stores[0]?.commit([{ type: 'create', path: 'new/life', data: '', ephemeral: true }]);
  expect(await stores[0]?.children('')).toEqual(['new']);
});
