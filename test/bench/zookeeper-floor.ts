/** The least that writing documents to ZooKeeper costs: the bare client, transactions as large as the server takes, several on their way. */
import zookeeper, { type Client, type Transaction } from 'node-zookeeper-client';
import { eachOf } from './each.ts';

export interface Document {
  readonly path: string;
  readonly data: string;
}

const MAX_BYTES = 900_000;
const MAX_WRITES = 1_000;
const OVERHEAD_BYTES = 64;
const ON_THEIR_WAY = 16;

/** A session of the bare client, on a folder of its own. */
export class BareWriter {
  readonly #client: Client;
  readonly #root: string;

  static async open(port: number, root: string): Promise<BareWriter> {
    const client = zookeeper.createClient(`127.0.0.1:${port}`, { sessionTimeout: 30_000 });
    await new Promise<void>((resolve) => {
      client.once('connected', resolve);
      client.connect();
    });
    await new Promise<void>((resolve, reject) =>
      client.mkdirp(`${root}/bindings`, (error) => (error ? reject(asError(error)) : resolve())),
    );
    return new BareWriter(client, root);
  }

  private constructor(client: Client, root: string) {
    this.#client = client;
    this.#root = root;
  }

  /** Returns the milliseconds until all is committed. */
  create(documents: readonly Document[]): Promise<number> {
    return this.#write(documents, (transaction, path, data) => void transaction.create(path, data));
  }

  /** Documents that were created before. */
  set(documents: readonly Document[]): Promise<number> {
    return this.#write(documents, (transaction, path, data) => void transaction.setData(path, data));
  }

  close(): void {
    this.#client.close();
  }

  async #write(
    documents: readonly Document[],
    add: (transaction: Transaction, path: string, data: Buffer) => void,
  ): Promise<number> {
    const beganMs = performance.now();
    await eachOf(batchesOf(documents), ON_THEIR_WAY, async (batch) => {
      const transaction = this.#client.transaction();
      for (const { path, data } of batch) add(transaction, `${this.#root}/${path}`, Buffer.from(data));
      await new Promise<void>((resolve, reject) =>
        transaction.commit((error: unknown) => (error ? reject(asError(error)) : resolve())),
      );
    });
    return performance.now() - beganMs;
  }
}

function batchesOf(documents: readonly Document[]): Document[][] {
  const batches: Document[][] = [];
  let last: Document[] = [];
  let bytes = Infinity;
  for (const document of documents) {
    const more = OVERHEAD_BYTES + document.path.length + document.data.length;
    if (bytes + more > MAX_BYTES || last.length === MAX_WRITES) {
      last = [];
      batches.push(last);
      bytes = 0;
    }
    last.push(document);
    bytes += more;
  }
  return batches;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
