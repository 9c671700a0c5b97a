import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CoordinationStore, StoreEvent } from '../../pkg/cluster/index.ts';
import { createZooKeeperStore } from '../../pkg/zookeeper/index.ts';
import { until } from '../lab/run.ts';
import { type ZooKeeperServer, prepareZooKeeper } from '../lab/zookeeper.ts';
import { freePort } from '../tools/prometheus.ts';
import { newRoot, storeOptions } from './zookeeper-subject.ts';

const PATIENCE_MS = 30_000;
const SESSION_TIMEOUT_MS = 6_000;

let servers: ZooKeeperServer[] = [];
let store: CoordinationStore;
let other: CoordinationStore;
const events: StoreEvent[] = [];

async function startEnsemble(size: number): Promise<ZooKeeperServer[]> {
  const ids = Array.from({ length: size }, (_, i) => i + 1);
  const ports: number[] = [];
  for (let i = 0; i < 2 * size; i += 1) ports.push(await freePort());
  const members = Object.fromEntries(
    ids.map((id) => [id, `127.0.0.1:${ports[2 * id - 2] ?? 0}:${ports[2 * id - 1] ?? 0}`]),
  );
  const prepared = [];
  for (const id of ids) prepared.push(await prepareZooKeeper({ heapMb: 128, ensemble: { id, members } }));
  await Promise.all(prepared.map((server) => server.start()));
  return prepared;
}

/** A store that asks the servers in this order. */
function openStore(
  order: readonly number[],
  root: string,
  tell: (event: StoreEvent) => void,
): CoordinationStore {
  const address = { root, servers: order.map((i) => ({ host: '127.0.0.1', port: servers[i]?.port ?? 0 })) };
  const opened = createZooKeeperStore({
    ...storeOptions(0, root),
    address,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    random: () => 0,
  });
  opened.start(tell);
  return opened;
}

function toldOnce(type: StoreEvent['type'], after: number): Promise<StoreEvent> {
  return until(type, PATIENCE_MS, () => events.slice(after).find((event) => event.type === type));
}

beforeAll(async () => {
  servers = await startEnsemble(3);
  const root = newRoot();
  let otherConnected = false;
  store = openStore([0, 1, 2], root, (event) => void events.push(event));
  other = openStore([2, 1, 0], root, (event) => (otherConnected ||= event.type === 'connected'));
  await toldOnce('connected', 0);
  await until('the other store', PATIENCE_MS, () => otherConnected || undefined);
});
afterAll(async () => {
  await Promise.all([store, other].map((each) => each.stop()));
  await Promise.all(servers.map((server) => server.stop()));
});

it('keeps its session and its ephemerals when its server dies, and goes on at another', async () => {
  await store.commit([{ type: 'create', path: 'members/me', data: 'here', ephemeral: true }]);
  const told = events.length;
  await servers[0]?.kill();
  await toldOnce('disconnected', told);
  expect(await toldOnce('connected', told)).toMatchObject({ sameSession: true });
  expect(await store.get('members/me')).toMatchObject({ data: 'here', mine: true });
  expect(events.some(({ type }) => type === 'expired')).toBe(false);
});

it('says so when too few servers are left, and goes on when there are enough', async () => {
  const told = events.length;
  await servers[1]?.kill();
  await toldOnce('disconnected', told);
  const write = store.commit([{ type: 'set', path: 'members/me', data: 'x' }]);
  await expect(write).rejects.toMatchObject({ kind: 'transient' });
  await servers[1]?.start();
  await until('a write', PATIENCE_MS, async () => {
    const written = store.commit([{ type: 'create', path: 'after', data: '', ephemeral: false }]);
    return (await written.then(() => true).catch(() => false)) || undefined;
  });
  const seen = await until('the other store', PATIENCE_MS, () => other.get('after').catch(() => undefined));
  expect(seen).toMatchObject({ version: 0 });
});
