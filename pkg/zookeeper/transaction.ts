import { type ACL, CreateMode, type Transaction } from 'node-zookeeper-client';
import type { StoreWrite } from '../cluster/index.ts';
import type { Connection } from './connection.ts';
import { type Failure, tooBig } from './failures.ts';

/** A server closes the connection at a request of more than 1,048,575 bytes; some are left for what it adds itself. */
const MAX_REQUEST_BYTES = 1_040_000;
const HEADER_BYTES = 17;
/** Of each write: its head, the lengths of path and data, version or flags. */
const WRITE_BYTES = 24;
const ACL_BYTES = 64;

/** A write on its way: absolute, and in bytes. */
export interface EncodedWrite {
  readonly write: StoreWrite;
  readonly path: string;
  readonly data: Buffer;
}

/** What is used of the inside of the library's transaction. */
interface OpenTransaction {
  readonly ops: { version?: number }[];
  connectionManager: { queue(request: object): void };
}

/** Makes absolute paths and bytes of the writes. Fails where they are more than one request can hold. */
export function encodeWrites(
  writes: readonly StoreWrite[],
  absolute: (path: string) => string,
): EncodedWrite[] {
  const encoded = writes.map((write) => ({
    write,
    path: absolute(write.path),
    data: Buffer.from('data' in write ? write.data : ''),
  }));
  checkSize(encoded);
  return encoded;
}

/** Fails where the writes are more than one request can hold. */
export function checkSize(encoded: readonly EncodedWrite[]): void {
  const bytes = encoded.reduce((sum, write) => sum + bytesOf(write), HEADER_BYTES);
  if (bytes <= MAX_REQUEST_BYTES) return;
  const largest = encoded.reduce((one, other) => (bytesOf(other) > bytesOf(one) ? other : one));
  const others = encoded.length === 1 ? '' : `, with ${encoded.length - 1} more writes,`;
  throw tooBig(`${largest.path}${others}`, bytes, MAX_REQUEST_BYTES);
}

function bytesOf({ write, path, data }: EncodedWrite): number {
  return WRITE_BYTES + Buffer.byteLength(path) + data.length + (write.type === 'create' ? ACL_BYTES : 0);
}

/** Sends the writes as one transaction. The first write that was against it, with its place; undefined when all was done. */
export async function transact(
  connection: Connection,
  encoded: readonly EncodedWrite[],
  acl: ACL[],
): Promise<(Failure & { readonly index: number }) | undefined> {
  const what = `a commit of ${encoded.length} writes, the first to ${encoded[0]?.path ?? ''}`;
  const reply = await connection.call<readonly number[]>(what, (client, answer, manager) => {
    const transaction = client.transaction();
    for (const each of encoded) addWrite(transaction, each, acl);
    const inside = insideOf(transaction);
    setVersions(inside, encoded);
    // The library looks for errors in the answer, and throws at numbers it does not know.
    inside.connectionManager = {
      queue: (request) => manager.queue(request, (error, response) => answer(error, codesIn(response))),
    };
    transaction.commit(() => undefined);
  });
  const index = reply.ok ? reply.value.findIndex((code) => code !== 0) : 0;
  if (index === -1) return undefined;
  const code = reply.ok ? (reply.value[index] ?? 0) : reply.code;
  return { code, path: encoded[index]?.path ?? '', index };
}

function addWrite(transaction: Transaction, { write, path, data }: EncodedWrite, acl: ACL[]): void {
  switch (write.type) {
    case 'create':
      transaction.create(path, data, acl, write.ephemeral ? CreateMode.EPHEMERAL : CreateMode.PERSISTENT);
      break;
    case 'set':
      transaction.setData(path, data);
      break;
    case 'remove':
      transaction.remove(path);
      break;
    case 'check':
      transaction.check(path);
      break;
  }
}

/** The library takes version 0 for "any". */
function setVersions(inside: OpenTransaction, encoded: readonly EncodedWrite[]): void {
  for (const [index, { write }] of encoded.entries()) {
    const op = inside.ops[index];
    if (op !== undefined && 'version' in write) op.version = write.version;
  }
}

function insideOf(transaction: Transaction): OpenTransaction {
  const inside: unknown = transaction;
  if (typeof inside === 'object' && inside !== null && 'ops' in inside && Array.isArray(inside.ops)) {
    return inside as OpenTransaction;
  }
  throw new Error('node-zookeeper-client is of another version than ovr was made for');
}

/** The error number of each write; 0 for those that were done or would have been. */
function codesIn(response: unknown): readonly number[] {
  const payload = field(response, 'payload');
  const results = field(payload, 'results');
  if (!Array.isArray(results)) return [];
  return results.map((result: unknown) => Number(field(result, 'err') ?? 0));
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
