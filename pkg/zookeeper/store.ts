import { type Client, CreateMode, type Stat } from 'node-zookeeper-client';
import { compareStrings } from '../api/index.ts';
import type { CoordinationStore, StoreEvent, StoreWrite, Watch, Znode } from '../cluster/index.ts';
import type { Connection, Reply } from './connection.ts';
import { type Failure, NO_NODE, failureError } from './failures.ts';
import { type Identity, identityOf } from './identity.ts';
import { makeFolder } from './root-folder.ts';
import { Session, type SessionOptions } from './session.ts';
import { type EncodedWrite, checkSize, encodeWrites, transact } from './transaction.ts';

export type ZooKeeperStoreOptions = SessionOptions;

/** How often a call is made again because what it needs has just come or gone. */
const ROUNDS = 3;

/**
 * A store on a ZooKeeper, under the root of the address, which is made when it is missing. With `auth` everything it makes belongs to
 * that identity and nobody else may see it; without, it is open to everybody.
 */
export function createZooKeeperStore(options: ZooKeeperStoreOptions): CoordinationStore {
  return new ZooKeeperStore(options);
}

class ZooKeeperStore implements CoordinationStore {
  readonly #root: string;
  readonly #identity: Identity;
  readonly #session: Session;

  constructor(options: ZooKeeperStoreOptions) {
    this.#root = options.address.root;
    this.#identity = identityOf(options.auth);
    this.#session = new Session(options, this.#identity);
  }

  start(listener: (event: StoreEvent) => void): void {
    this.#session.start(listener);
  }

  stop(): Promise<void> {
    return this.#session.stop();
  }

  lastContactMs(): number | undefined {
    return this.#session.lastContactMs;
  }

  sessionTimeoutMs(): number {
    return this.#session.sessionTimeoutMs;
  }

  async get(path: string, watch?: Watch): Promise<Znode | undefined> {
    const full = this.#absolute(path);
    const connection = this.#session.connection();
    const reply = await connection.call<ReadZnode>(`a read of ${full}`, (client, answer) => {
      readZnode(client, full, watch, (error, data, stat) => answer(error, { data, stat }));
    });
    if (reply.ok) return this.#znode(reply.value);
    if (reply.code !== NO_NODE) throw failureError({ code: reply.code, path: full });
    // It may have come between the two questions. It was not there when it was asked for, so that is a change like any other:
    // what it is now would be news that is later than the answers to questions asked after this one.
    if (watch !== undefined && (await awaitsCreation(connection, full, watch))) watch();
    return undefined;
  }

  async children(path: string, watch?: Watch): Promise<readonly string[]> {
    const full = this.#absolute(path);
    const reply = await this.#session.connection().call<string[]>(`a list of ${full}`, (client, answer) => {
      if (watch === undefined) client.getChildren(full, answer);
      else client.getChildren(full, watch, answer);
    });
    if (reply.ok) return reply.value.sort(compareStrings);
    if (reply.code === NO_NODE) return [];
    throw failureError({ code: reply.code, path: full });
  }

  async commit(writes: readonly StoreWrite[]): Promise<void> {
    const connection = this.#session.connection();
    if (writes.length === 0) return;
    const encoded = encodeWrites(writes, (path) => this.#absolute(path));
    for (let round = 1; ; round += 1) {
      const failure = await transact(connection, encoded, this.#identity.acl);
      if (failure === undefined) return;
      if (round === ROUNDS || !lacksFolder(failure, encoded)) throw failureError(failure);
      for (const folder of foldersOf(encoded)) await makeFolder(connection, folder, this.#identity.acl);
    }
  }

  async createSequential(folder: string, prefix: string, data: string): Promise<string> {
    const connection = this.#session.connection();
    const full = this.#absolute(`${folder}/${prefix}`);
    const bytes = Buffer.from(data);
    checkSize([{ write: { type: 'create', path: folder, data, ephemeral: true }, path: full, data: bytes }]);
    for (let round = 1; ; round += 1) {
      const made = await this.#createSequential(connection, full, bytes);
      if (made.ok) return made.value.slice(this.#root.length + 1);
      const failure = { code: made.code, path: full };
      if (round === ROUNDS || made.code !== NO_NODE) throw failureError(failure);
      await makeFolder(connection, this.#absolute(folder), this.#identity.acl);
    }
  }

  #createSequential(connection: Connection, path: string, data: Buffer): Promise<Reply<string>> {
    return connection.call<string>(`to make ${path}…`, (client, answer) => {
      client.create(path, data, this.#identity.acl, CreateMode.EPHEMERAL_SEQUENTIAL, answer);
    });
  }

  #absolute(path: string): string {
    return path === '' ? this.#root : `${this.#root}/${path}`;
  }

  #znode({ data, stat }: ReadZnode): Znode {
    const owner = stat.ephemeralOwner;
    return {
      // Absent where somebody else made it with no data at all.
      data: data?.toString() ?? '',
      version: stat.version,
      ephemeral: owner.some((byte) => byte !== 0),
      mine: this.#session.owns(owner),
    };
  }
}

interface ReadZnode {
  readonly data: Buffer | undefined;
  readonly stat: Stat;
}

function readZnode(
  client: Client,
  path: string,
  watch: Watch | undefined,
  answer: (error: unknown, data: Buffer | undefined, stat: Stat) => void,
): void {
  if (watch === undefined) client.getData(path, answer);
  else client.getData(path, watch, answer);
}

/** Puts the watch on a path that has nothing yet. True when it has something after all. */
async function awaitsCreation(connection: Connection, path: string, watch: Watch): Promise<boolean> {
  const reply = await connection.call<Stat | null>(`a look at ${path}`, (client, answer) => {
    client.exists(path, watch, answer);
  });
  if (!reply.ok) throw failureError({ code: reply.code, path });
  return reply.value !== null;
}

/** Whether what was against the commit is that a create has no folder to be in. */
function lacksFolder(
  { code, index }: Failure & { index: number },
  encoded: readonly EncodedWrite[],
): boolean {
  return code === NO_NODE && encoded[index]?.write.type === 'create';
}

/** Where the commit makes something, each folder once; not those that the commit itself makes. */
function foldersOf(encoded: readonly EncodedWrite[]): Set<string> {
  const creates = encoded.filter(({ write }) => write.type === 'create').map(({ path }) => path);
  const folders = new Set(creates.map((path) => path.slice(0, path.lastIndexOf('/'))));
  for (const path of creates) folders.delete(path);
  return folders;
}
