import { ACL, type Client, Exception, Id, Permission, createClient } from 'node-zookeeper-client';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CoordinationStore, StoreEvent } from '../../pkg/cluster/index.ts';
import { createZooKeeperStore } from '../../pkg/zookeeper/index.ts';
import { until } from '../lab/run.ts';
import { type ZooKeeperServer, startZooKeeper } from '../lab/zookeeper.ts';
import { newRoot, storeOptions } from './zookeeper-subject.ts';

const PATIENCE_MS = 20_000;

interface Opened {
  readonly store: CoordinationStore;
  readonly events: StoreEvent[];
}

let server: ZooKeeperServer;
const stores: CoordinationStore[] = [];
const clients: Client[] = [];

beforeAll(async () => {
  server = await startZooKeeper();
});
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.stop()));
  for (const client of clients.splice(0)) client.close();
});
afterAll(async () => {
  await server.stop();
});

function open(root: string, auth?: string): Opened {
  const store = createZooKeeperStore({
    ...storeOptions(server.port, root),
    ...(auth === undefined ? {} : { auth }),
  });
  stores.push(store);
  const events: StoreEvent[] = [];
  store.start((event) => void events.push(event));
  return { store, events };
}

async function hears(opened: Opened, type: StoreEvent['type']): Promise<StoreEvent> {
  return await until(type, PATIENCE_MS, () => opened.events.find((event) => event.type === type));
}

async function connected(root: string, auth?: string): Promise<CoordinationStore> {
  const opened = open(root, auth);
  await hears(opened, 'connected');
  return opened.store;
}

/** Somebody else at the same server, with nothing of ovr between. */
async function byHand(auth?: string): Promise<Client> {
  const client = createClient(server.address, { sessionTimeout: 10_000 });
  clients.push(client);
  client.connect();
  await once(client, 'connected');
  if (auth !== undefined) client.addAuthInfo('digest', Buffer.from(auth));
  return client;
}

/** How a request of the library ends: 0, or ZooKeeper's number. */
function code(ask: (done: (error: Error | Exception | null) => void) => void): Promise<number> {
  return new Promise((resolve) => {
    ask((error) => resolve(error instanceof Error ? Number(Reflect.get(error, 'code')) : 0));
  });
}

/** Who may do what there, as `scheme:user:permissions`. */
async function aclOf(client: Client, path: string): Promise<string[]> {
  let found: (ACL & { permission?: number })[] = [];
  const failed = await code((done) => {
    client.getACL(path, (error, acls) => {
      found = acls;
      done(error);
    });
  });
  expect(failed).toBe(0);
  return found.map(({ id, permission }) => `${id.scheme}:${id.id.split(':')[0] ?? ''}:${permission ?? 0}`);
}

async function fill(store: CoordinationStore): Promise<string> {
  await store.commit([{ type: 'create', path: 'folder/kept', data: 'x', ephemeral: false }]);
  await store.commit([{ type: 'create', path: 'members/me', data: 'x', ephemeral: true }]);
  return await store.createSequential('leader', 'n-', 'me');
}

describe('with credentials', () => {
  it('everything that is made belongs to that identity alone', async () => {
    const root = newRoot();
    const store = await connected(root, 'ovr:secret');
    const sequential = await fill(store);
    const [stranger, other, same] = [await byHand(), await byHand('ovr:other'), await byHand('ovr:secret')];
    for (const path of ['', '/folder', '/folder/kept', '/members', '/members/me', `/${sequential}`]) {
      const full = `${root}${path}`;
      expect(await aclOf(same, full)).toEqual(['digest:ovr:31']);
      for (const client of [stranger, other]) {
        expect(await code((done) => client.getData(full, done))).toBe(Exception.NO_AUTH);
        expect(await code((done) => client.setData(full, Buffer.from('y'), done))).toBe(Exception.NO_AUTH);
      }
    }
    expect(await code((done) => stranger.create(`${root}/more`, done))).toBe(Exception.NO_AUTH);
    expect(await code((done) => other.remove(`${root}/folder/kept`, done))).toBe(Exception.NO_AUTH);
  });

  it('two agents with the same ones share the tree', async () => {
    const root = newRoot();
    const [one, other] = [await connected(root, 'ovr:secret'), await connected(root, 'ovr:secret')];
    await fill(one);
    await other.commit([{ type: 'set', path: 'folder/kept', data: 'y', version: 0 }]);
    expect(await one.get('folder/kept')).toMatchObject({ data: 'y', version: 1 });
  });

  it.each([
    ['another password', 'ovr:wrong', /"ovr" read/],
    ['another identity', 'somebody:secret', /"somebody" read/],
    ['none', undefined, /without credentials/],
  ])('an agent with %s is refused, and told what to do', async (_name, auth, message) => {
    const root = newRoot();
    await connected(root, 'ovr:secret');
    const refused = await hears(open(root, auth), 'refused');
    expect(refused).toMatchObject({ type: 'refused' });
    const text = 'message' in refused ? refused.message : '';
    expect(text).toMatch(message);
    expect(text).toContain(root);
    expect(text).not.toMatch(/secret|wrong/);
  });

  it('a root that was made open by hand is taken', async () => {
    const root = newRoot();
    const hand = await byHand();
    await code((done) => hand.mkdirp(root, done));
    const store = await connected(root, 'ovr:secret');
    await fill(store);
    expect(await code((done) => hand.getData(`${root}/folder/kept`, done))).toBe(Exception.NO_AUTH);
  });
});

describe('without credentials', () => {
  it('everything that is made is open', async () => {
    const root = newRoot();
    await fill(await connected(root));
    const hand = await byHand();
    expect(await aclOf(hand, `${root}/folder/kept`)).toEqual(['world:anyone:31']);
    expect(await code((done) => hand.setData(`${root}/folder/kept`, Buffer.from('y'), done))).toBe(0);
  });
});

describe('a tree that ZooKeeper guards', () => {
  /** A folder in which others may only read, of one who has the password `hand`. */
  async function guarded(path: string): Promise<Client> {
    const hand = await byHand('admin:hand');
    const acl = [
      new ACL(Permission.ALL, new Id('auth', '')),
      new ACL(Permission.READ, new Id('world', 'anyone')),
    ];
    expect(await code((done) => hand.mkdirp('/guarded', done))).toBe(0);
    expect(await code((done) => hand.create(path, acl, done))).toBe(0);
    return hand;
  }

  it('is refused with how to make the root by hand, and taken once that is done', async () => {
    const parent = `/guarded${newRoot()}`.replace('/ovr', '');
    const hand = await guarded(parent);
    const opened = open(`${parent}/ovr/prod`);
    expect(await hears(opened, 'refused')).toMatchObject({
      message: expect.stringContaining(
        `create ${parent}/ovr "" world:anyone:cdrwa; create ${parent}/ovr/prod "" world:anyone:cdrwa`,
      ) as string,
    });
    expect(await code((done) => hand.mkdirp(`${parent}/ovr/prod`, done))).toBe(0);
    await hears(opened, 'connected');
    await fill(opened.store);
  });

  it('lets an agent read what it may read, and refuses its writes one by one', async () => {
    const root = `/guarded${newRoot()}`.replace('/ovr', '');
    await guarded(root);
    const store = await connected(root);
    expect(await store.children('')).toEqual([]);
    const write = store.commit([{ type: 'create', path: 'x', data: '', ephemeral: false }]);
    await expect(write).rejects.toMatchObject({ code: 'coordinator-refused', kind: 'invalid' });
    await expect(store.createSequential('leader', 'n-', '')).rejects.toMatchObject({
      code: 'coordinator-refused',
    });
    expect(await store.children('')).toEqual([]);
  });
});
