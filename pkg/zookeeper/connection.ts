import { type Client, Exception } from 'node-zookeeper-client';
import { type Clock, errorMessage } from '../api/index.ts';
import { codeOf, serverError, unanswered, unreachable } from './failures.ts';
import { FrameSplitter } from './frame-splitter.ts';
import { type Manager, type Server, type SessionKey, newClient } from './library.ts';
import { WatchBook } from './watch-book.ts';

/** Why a connection ended. */
export type End =
  /** `tardy`: it took too long to be in order. */
  | { readonly type: 'lost'; readonly message: string; readonly tardy?: true }
  /** The server does not know the session any more. */
  | { readonly type: 'expired' }
  /** The server does not take the credentials. */
  | { readonly type: 'refused'; readonly message: string };

/** A server's answer to one request: a value, or its number for what went wrong. */
export type Reply<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly code: number };

type Answer<Value> = (error: unknown, value: Value) => void;
/** Hands one request to the library. */
export type Send<Value> = (client: Client, answer: Answer<Value>, manager: Manager) => void;

export interface ConnectionOptions {
  readonly server: Server;
  /** The session to go on with; absent: a new one. */
  readonly key?: SessionKey;
  /** The newest state of the tree that the session has seen: a server that is behind it will not take the session. */
  readonly zxid?: Buffer;
  readonly sessionTimeoutMs: number;
  /** `user:password`. */
  readonly auth?: string;
  /** What is looked at to see whether the server still answers. */
  readonly root: string;
  /** The connection must be `settled()` before that. */
  readonly openWithinMs: number;
  readonly clock: Clock;
  /** A request that was sent at this time was answered. */
  readonly onContact: (sentMs: number) => void;
  readonly onWatchFailed: (error: unknown) => void;
}

interface Call {
  readonly what: string;
  readonly dueMs: number;
  readonly reject: (error: Error) => void;
}

/** No call waits longer for its answer, however long the session may live. */
const MAX_CALL_MS = 30_000;
const OPEN_PARTS = 4;
const MAX_XID = 0x7fff_ff00;
const PASSWORD_BYTES = 16;
const ERROR_OFFSET = 16;
/** The library knows no name for other numbers, and throws at them. */
const KNOWN_CODES = new Set(Object.values(Exception).filter((value) => typeof value === 'number'));

/** One client object of the library and its one connection: when that ends, both are done with. The session may live on. */
export class Connection {
  /** Settles when it ends, never fails. */
  readonly ended: Promise<End>;
  readonly #options: ConnectionOptions;
  readonly #client: Client;
  readonly #manager: Manager;
  readonly #splitter = new FrameSplitter();
  readonly #calls = new Set<Call>();
  #state: 'opening' | 'open' | 'closing' | 'ended' = 'opening';
  #resolveEnded: (end: End) => void = () => undefined;
  #resolveGranted: (granted: boolean) => void = () => undefined;
  #cancelAlarm: () => void = () => undefined;
  #cancelLook: () => void = () => undefined;
  #socketError = '';
  #heardMs = 0;
  #sentMs = 0;
  #code = 0;
  #overslept = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    const { client, manager } = newClient(options.sessionTimeoutMs, options.key);
    this.#client = client;
    this.#manager = manager;
    this.#guard();
  }

  /** Connects. True when the server has granted a session; false when it ended before. */
  open(): Promise<boolean> {
    const { openWithinMs, auth, zxid } = this.#options;
    const granted = new Promise<boolean>((resolve) => (this.#resolveGranted = resolve));
    this.#countDown(OPEN_PARTS, openWithinMs / OPEN_PARTS);
    if (auth !== undefined) this.#client.addAuthInfo('digest', Buffer.from(auth));
    if (zxid !== undefined) this.#manager.zxid = zxid;
    try {
      this.#client.connect();
    } catch (error) {
      this.abandon(`cannot be asked: ${errorMessage(error)}`);
    }
    // The library's own alarm; ours runs already.
    clearTimeout(this.#manager.connectTimeoutHandler ?? undefined);
    return granted;
  }

  /** In parts, for this process may be what is slow: between two parts it reads what has come. */
  #countDown(parts: number, partMs: number): void {
    this.#cancelAlarm = this.#options.clock.after(partMs, () => {
      if (parts > 1) this.#countDown(parts - 1, partMs);
      else this.#finish({ type: 'lost', message: `${this.#name()} does not answer`, tardy: true });
    });
  }

  /** The session is in order: from here on only silence ends the connection. */
  settled(): void {
    this.#cancelAlarm();
  }

  get key(): SessionKey {
    return { id: this.#client.getSessionId(), password: this.#client.getSessionPassword() };
  }

  /** As the server granted it. */
  get sessionTimeoutMs(): number {
    return this.#client.getSessionTimeout();
  }

  get zxid(): Buffer {
    return this.#manager.zxid;
  }

  /**
   * Sends a request; the answer comes in time or the call fails: `coordinator-unreachable` when nothing was sent, `coordinator-timeout`
   * when no answer came. `what` names the request in messages.
   */
  call<Value>(what: string, send: Send<Value>): Promise<Reply<Value>> {
    if (this.#state !== 'open') return Promise.reject(unreachable('it was just lost'));
    // The library counts on for ever, and a number of more than 31 bits cannot be sent.
    if (this.#manager.xid > MAX_XID) this.#manager.xid = 0;
    const sentMs = this.#options.clock.monotonic();
    this.#sentMs = sentMs;
    return new Promise((resolve, reject) => {
      const dueMs = sentMs + Math.min(this.sessionTimeoutMs, MAX_CALL_MS);
      const call: Call = { what, dueMs, reject };
      this.#calls.add(call);
      const answer: Answer<Value> = (error, value) => {
        this.#options.onContact(sentMs);
        if (!this.#calls.delete(call)) return;
        resolve(codeOf(error) === undefined ? { ok: true, value } : { ok: false, code: this.#code });
      };
      try {
        send(this.#client, answer, this.#manager);
      } catch (error) {
        // The library checks paths, and throws.
        this.#calls.delete(call);
        reject(serverError(`${what} cannot be asked of ZooKeeper: ${errorMessage(error)}`));
      }
    });
  }

  /** Ends the session, and so the connection. Does not wait. */
  closeSession(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#client.close();
  }

  /** Ends the connection and leaves the session to the server. `what` it is with the server, as in "does not answer". */
  abandon(what: string): void {
    this.#finish({ type: 'lost', message: `${this.#name()} ${what}` });
  }

  #guard(): void {
    const { server, onWatchFailed } = this.#options;
    const [client, manager] = [this.#client, this.#manager];
    const feed = manager.onSocketData.bind(manager);
    manager.watcherManager = new WatchBook(onWatchFailed);
    manager.findNextServer = (callback) => callback(server);
    manager.onSocketData = (chunk) => this.#receive(chunk, feed);
    manager.onSocketError = (error) => (this.#socketError = socketTrouble(error));
    // Not the library's, which would connect again with what is left of this connection.
    manager.onSocketClosed = () => this.abandon(this.#socketError || 'closed the connection');
    manager.onSocketTimeout = () => undefined;
    client.on('connected', () => this.#grant());
    client.on('connectedReadOnly', () => this.#grant());
    client.on('expired', () => this.#finish({ type: 'expired' }));
    client.on('authenticationFailed', () => this.#finish({ type: 'refused', message: this.#authRefused() }));
  }

  #authRefused(): string {
    return `${this.#name()} does not take digest credentials: enable them there, or start the agents without.`;
  }

  #receive(chunk: Buffer, feed: (frame: Buffer) => void): void {
    try {
      for (const frame of this.#splitter.push(chunk)) {
        if (this.#state === 'ended') return;
        this.#heardMs = this.#options.clock.monotonic();
        this.#noteCode(frame);
        feed(frame);
      }
    } catch (error) {
      this.abandon(`does not speak ZooKeeper's protocol (${errorMessage(error)})`);
    }
  }

  /** Keeps the answer's error number, and puts one that the library knows in its place. */
  #noteCode(frame: Buffer): void {
    if (this.#state === 'opening' || frame.length < ERROR_OFFSET + 4) return;
    this.#code = frame.readInt32BE(ERROR_OFFSET);
    const isReply = frame.readInt32BE(4) >= 0;
    if (isReply && !KNOWN_CODES.has(this.#code)) frame.writeInt32BE(Exception.SYSTEM_ERROR, ERROR_OFFSET);
  }

  #grant(): void {
    const { id, password } = this.key;
    if (id.every((byte) => byte === 0) || password.length !== PASSWORD_BYTES) {
      this.abandon('granted no proper session');
      return;
    }
    this.#state = 'open';
    this.#sentMs = this.#options.clock.monotonic();
    this.#lookAt(this.#sentMs + this.#thirdMs);
    this.#resolveGranted(true);
  }

  /** The library never notices a server that has fallen silent: this does, and ends the calls whose time is over. */
  #look(dueMs: number): void {
    const nowMs = this.#options.clock.monotonic();
    const thirdMs = this.#thirdMs;
    if (nowMs - dueMs > thirdMs / 4 && !this.#overslept) {
      // This very process was asleep, and answers may lie unread: it listens before it judges.
      this.#overslept = true;
      this.#probe();
      this.#lookAt(nowMs + thirdMs / 4);
      return;
    }
    const silentMs = nowMs - this.#heardMs;
    if (silentMs >= 2 * thirdMs) {
      this.abandon(`has been silent for ${(silentMs / 1000).toFixed(1)} s`);
      return;
    }
    this.#overslept = false;
    const nextCallMs = this.#endLateCalls(nowMs);
    if (nowMs - this.#sentMs >= thirdMs) this.#probe();
    const nextMs = Math.min(this.#heardMs + 2 * thirdMs, this.#sentMs + thirdMs, nextCallMs);
    this.#lookAt(Math.max(nowMs + 1, nextMs));
  }

  /** Of the session timeout; short enough for the calls where that is long. */
  get #thirdMs(): number {
    return Math.min(this.sessionTimeoutMs / 3, MAX_CALL_MS);
  }

  #lookAt(dueMs: number): void {
    const { clock } = this.#options;
    this.#cancelLook = clock.after(Math.max(0, dueMs - clock.monotonic()), () => this.#look(dueMs));
  }

  /** When the oldest of the others is due. All wait equally long, so they are due in the order they were sent. */
  #endLateCalls(nowMs: number): number {
    for (const call of this.#calls) {
      if (call.dueMs > nowMs) return call.dueMs;
      this.#calls.delete(call);
      call.reject(unanswered(call.what, 'its time is over'));
    }
    return Infinity;
  }

  #probe(): void {
    const { root } = this.#options;
    this.call('a look', (client, answer) => client.exists(root, answer)).catch(() => undefined);
  }

  #name(): string {
    const { host, port } = this.#options.server;
    return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  }

  #finish(end: End): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#cancelAlarm();
    this.#cancelLook();
    this.#manager.socket?.destroy();
    const why = end.type === 'expired' ? 'the session has expired' : end.message;
    for (const { what, reject } of this.#calls) reject(unanswered(what, why));
    this.#calls.clear();
    this.#resolveGranted(false);
    this.#resolveEnded(end);
  }
}

const TROUBLES = new Map([
  ['ECONNREFUSED', 'refuses connections'],
  ['ECONNRESET', 'broke the connection'],
  ['EPIPE', 'broke the connection'],
  ['ENOTFOUND', 'is a name that nobody knows: check the address'],
  ['EAI_AGAIN', 'is a name that the name server does not find now'],
]);

function socketTrouble(error: Error): string {
  const code = 'code' in error ? String(error.code) : error.message;
  return TROUBLES.get(code) ?? `cannot be reached (${code})`;
}
