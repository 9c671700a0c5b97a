import type { Socket } from 'node:net';
import { type Client, createClient } from 'node-zookeeper-client';
import type { WatchBook } from './watch-book.ts';

/** A server, its IPv6 address without brackets. */
export interface Server {
  readonly host: string;
  readonly port: number;
}

/** What makes a session one's own. */
export interface SessionKey {
  readonly id: Buffer;
  readonly password: Buffer;
}

/**
 * What is used of the library's inside: it has no other way to end a connection without ending the session, to notice that one ended,
 * or to keep it from connecting by itself. Its version is pinned.
 */
export interface Manager {
  socket?: Socket;
  connectTimeoutHandler?: NodeJS.Timeout | null;
  connectTimeout: number;
  xid: number;
  zxid: Buffer;
  watcherManager: Pick<WatchBook, keyof WatchBook>;
  findNextServer(callback: (server: Server) => void): void;
  onSocketData(chunk: Buffer): void;
  onSocketError(error: Error): void;
  onSocketClosed(): void;
  onSocketTimeout(): void;
  queue(request: object, callback: (error: unknown, response: unknown) => void): void;
}

export interface LibraryClient {
  readonly client: Client;
  readonly manager: Manager;
}

const METHODS = [
  'findNextServer',
  'onSocketData',
  'onSocketError',
  'onSocketClosed',
  'onSocketTimeout',
  'queue',
];

/** A client object that is not connected. `key` absent: it will ask for a new session. */
export function newClient(sessionTimeoutMs: number, key: SessionKey | undefined): LibraryClient {
  const resume = key === undefined ? {} : { sessionId: key.id, sessionPassword: key.password };
  // The address is given later, for the library splits it at each colon and so cannot take IPv6.
  const client = createClient('unused:1', { sessionTimeout: sessionTimeoutMs, retries: 0, ...resume });
  const manager: unknown = Reflect.get(client, 'connectionManager');
  if (!isManager(manager))
    throw new Error('node-zookeeper-client is of another version than ovr was made for');
  return { client, manager };
}

function isManager(value: unknown): value is Manager {
  if (typeof value !== 'object' || value === null) return false;
  return METHODS.every((name) => typeof Reflect.get(value, name) === 'function') && 'watcherManager' in value;
}
