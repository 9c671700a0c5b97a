import { OvrError, type Clock } from '../../api/index.ts';
import type { CoordinationStore, StoreEvent, StoreWrite, Watch, Znode } from '../store.ts';
import type { Connection, End } from './link.ts';
import type { StoreRequest, StoreResult, ToClient, WatchKind } from './messages.ts';

/** What a client needs of the world. */
export interface ClientSetup {
  readonly clock: Clock;
  /** A number in [0, 1), for jitter. */
  readonly random: () => number;
  readonly sessionTimeoutMs: number;
  /** Opens a connection, or says why there is none. */
  readonly dial: (end: End<ToClient>) => Connection | string;
}

interface Pending {
  readonly sentMs: number;
  readonly resolve: (result: StoreResult) => void;
  readonly reject: (error: OvrError) => void;
}

const PING_SHARE = 1 / 3;
const SILENCE_SHARE = 2 / 3;
const RETRY_SHARE = 1 / 20;
const STOP_DEADLINE_MS = 2_000;
/** As the ZooKeeper adapter: a server ends the connection at 1,048,575 bytes. */
const MAX_REQUEST_BYTES = 1_040_000;

/** One session after the other, over one connection after the other: the port as the ZooKeeper adapter keeps it. */
export class SimulatedStore implements CoordinationStore {
  readonly #setup: ClientSetup;
  #listener: (event: StoreEvent) => void = () => undefined;
  #phase: 'new' | 'apart' | 'connected' | 'refused' | 'stopped' = 'new';
  #connection: Connection | undefined;
  #session: string | undefined;
  #timeoutMs: number;
  #contactMs: number | undefined;
  /** When the present connection last brought anything, or was asked for. */
  #heardMs = 0;
  #askedMs = 0;
  #cancel: () => void = () => undefined;
  #requestCount = 0;
  readonly #pending = new Map<number, Pending>();
  readonly #watches = new Map<string, Set<Watch>>();

  constructor(setup: ClientSetup) {
    this.#setup = setup;
    this.#timeoutMs = setup.sessionTimeoutMs;
  }

  start(listener: (event: StoreEvent) => void): void {
    this.#listener = listener;
    this.#dial();
  }

  async stop(): Promise<void> {
    const isConnected = this.#phase === 'connected';
    const closing = isConnected ? this.#send({ type: 'close' }).catch(() => undefined) : undefined;
    this.#phase = 'stopped';
    this.#cancel();
    if (closing !== undefined) await this.#atMost(closing, STOP_DEADLINE_MS);
    this.#connection?.close('client');
    this.#forget('the store was stopped');
  }

  lastContactMs(): number | undefined {
    return this.#contactMs;
  }

  sessionTimeoutMs(): number {
    return this.#timeoutMs;
  }

  async get(path: string, watch?: Watch): Promise<Znode | undefined> {
    const result = await this.#request({ type: 'get', path, watch: watch !== undefined }, () =>
      this.#keepWatch('data', path, watch),
    );
    return isZnode(result) ? result : undefined;
  }

  async children(path: string, watch?: Watch): Promise<readonly string[]> {
    const result = await this.#request({ type: 'children', path, watch: watch !== undefined }, () =>
      this.#keepWatch('children', path, watch),
    );
    return isNames(result) ? result : [];
  }

  async commit(writes: readonly StoreWrite[]): Promise<void> {
    checkSize(writes);
    await this.#request({ type: 'commit', writes });
  }

  async createSequential(folder: string, prefix: string, data: string): Promise<string> {
    checkSize([{ type: 'create', path: `${folder}/${prefix}`, data, ephemeral: true }]);
    const path = await this.#request({ type: 'createSequential', folder, prefix, data });
    return typeof path === 'string' ? path : '';
  }

  #request(request: StoreRequest, sent: () => void = () => undefined): Promise<StoreResult> {
    if (this.#phase === 'refused') {
      return Promise.reject(
        new OvrError('coordinator-refused', 'invalid', 'the coordinator refuses this client'),
      );
    }
    if (this.#phase !== 'connected') {
      return Promise.reject(
        new OvrError('coordinator-unreachable', 'transient', 'not connected to the coordinator'),
      );
    }
    sent();
    return this.#send(request);
  }

  #send(request: StoreRequest): Promise<StoreResult> {
    this.#requestCount += 1;
    const id = this.#requestCount;
    const sentMs = this.#setup.clock.monotonic();
    this.#askedMs = sentMs;
    this.#connection?.toServer({ type: 'request', id, request });
    return new Promise((resolve, reject) => this.#pending.set(id, { sentMs, resolve, reject }));
  }

  #keepWatch(kind: WatchKind, path: string, watch: Watch | undefined): void {
    if (watch === undefined) return;
    const key = `${kind} ${path}`;
    const watches = this.#watches.get(key) ?? new Set();
    this.#watches.set(key, watches.add(watch));
  }

  #dial(): void {
    const { clock, dial } = this.#setup;
    this.#cancel();
    if (this.#phase === 'stopped') return;
    const end = this.#end();
    const connection = dial(end.end);
    if (typeof connection === 'string') {
      this.#lost(connection);
      return;
    }
    end.bind(connection);
    this.#connection = connection;
    this.#askedMs = clock.monotonic();
    this.#heardMs = this.#askedMs;
    connection.toServer({
      type: 'connect',
      timeoutMs: this.#setup.sessionTimeoutMs,
      ...(this.#session === undefined ? {} : { session: this.#session }),
    });
    this.#keepAlive();
  }

  /** Only the present connection is listened to. */
  #end(): { end: End<ToClient>; bind: (connection: Connection) => void } {
    let own: Connection | undefined;
    const isPresent = (): boolean => own !== undefined && own === this.#connection;
    return {
      bind: (connection) => (own = connection),
      end: {
        received: (message) => {
          if (isPresent()) this.#received(message);
        },
        closed: () => {
          if (isPresent()) this.#lost('the connection was closed');
        },
      },
    };
  }

  #received(message: ToClient): void {
    this.#heardMs = this.#setup.clock.monotonic();
    switch (message.type) {
      case 'connected': {
        this.#connected(message);
        return;
      }
      case 'expired': {
        this.#expired();
        return;
      }
      case 'refused': {
        this.#refused(message.message);
        return;
      }
      case 'watch': {
        this.#rang(message.kind, message.path);
        return;
      }
      case 'answer': {
        this.#settle(message.id, ({ resolve }) => resolve(message.result));
        return;
      }
      case 'failure': {
        this.#settle(message.id, ({ reject }) => reject(message.error));
        return;
      }
    }
  }

  #connected({ session, isSame, timeoutMs }: ToClient & { type: 'connected' }): void {
    if (this.#phase === 'stopped') return;
    this.#phase = 'connected';
    this.#session = session;
    this.#timeoutMs = timeoutMs;
    this.#contactMs = this.#askedMs;
    this.#keepAlive();
    this.#listener({ type: 'connected', session, sameSession: isSame });
  }

  #expired(): void {
    this.#session = undefined;
    this.#contactMs = undefined;
    this.#hangUp('the session expired');
    if (this.#phase === 'stopped') return;
    this.#phase = 'apart';
    this.#listener({ type: 'expired' });
    this.#dial();
  }

  #refused(message: string): void {
    this.#hangUp(message);
    if (this.#phase === 'stopped') return;
    const isNews = this.#phase !== 'refused';
    this.#phase = 'refused';
    if (isNews) this.#listener({ type: 'refused', message });
    this.#redial();
  }

  #lost(message: string): void {
    this.#hangUp(message);
    if (this.#phase === 'stopped') return;
    const isNews = this.#phase === 'connected' || this.#phase === 'new';
    if (this.#phase !== 'refused') this.#phase = 'apart';
    if (isNews) this.#listener({ type: 'disconnected', message });
    this.#redial();
  }

  #redial(): void {
    this.#cancel();
    const delayMs = Math.ceil(this.#timeoutMs * RETRY_SHARE * (0.5 + this.#setup.random()));
    this.#cancel = this.#setup.clock.after(delayMs, () => this.#dial());
  }

  #hangUp(message: string): void {
    this.#cancel();
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.close('client');
    this.#forget(message);
  }

  /** What was sent and not answered may have been done. */
  #forget(message: string): void {
    this.#watches.clear();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(new OvrError('coordinator-timeout', 'transient', message));
  }

  #rang(kind: WatchKind, path: string): void {
    const key = `${kind} ${path}`;
    const watches = this.#watches.get(key);
    this.#watches.delete(key);
    for (const watch of watches ?? []) watch();
  }

  #settle(id: number, how: (pending: Pending) => void): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    this.#contactMs = Math.max(this.#contactMs ?? 0, pending.sentMs);
    how(pending);
  }

  /** Pings when nothing else was sent for a third of the timeout, and gives the connection up after two thirds without an answer. */
  #keepAlive(): void {
    const { clock } = this.#setup;
    this.#cancel();
    const nowMs = clock.monotonic();
    const silentAtMs = this.#oldestMs() + this.#timeoutMs * SILENCE_SHARE;
    if (nowMs >= silentAtMs) {
      this.#lost('the coordinator does not answer');
      return;
    }
    const pingAtMs = this.#phase === 'connected' ? this.#askedMs + this.#timeoutMs * PING_SHARE : Infinity;
    if (nowMs >= pingAtMs) {
      this.#send({ type: 'ping' }).catch(() => undefined);
      this.#keepAlive();
      return;
    }
    // Whole milliseconds: less than the clock can tell would be no time at all, for ever.
    const delayMs = Math.ceil(Math.min(silentAtMs, pingAtMs) - nowMs);
    this.#cancel = clock.after(delayMs, () => this.#keepAlive());
  }

  /** Since when something has been waited for. Answers come in order, so an old request says as much as a silence. */
  #oldestMs(): number {
    const [oldest] = this.#pending.values();
    return Math.min(this.#heardMs, oldest?.sentMs ?? Infinity);
  }

  #atMost(work: Promise<unknown>, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#setup.clock.after(ms, resolve);
      void work.then(() => {
        cancel();
        resolve();
      });
    });
  }
}

function isZnode(result: StoreResult): result is Znode {
  return typeof result === 'object' && 'version' in result;
}

function isNames(result: StoreResult): result is readonly string[] {
  return Array.isArray(result);
}

function checkSize(writes: readonly StoreWrite[]): void {
  const bytes = writes.reduce((sum, write) => sum + bytesOf(write), 0);
  if (bytes <= MAX_REQUEST_BYTES) return;
  const largest = writes.reduce((one, other) => (bytesOf(other) > bytesOf(one) ? other : one));
  const message = `${largest.path} makes a request of ${bytes} bytes, and the store takes ${MAX_REQUEST_BYTES}: make it smaller or split it`;
  throw new OvrError('coordinator-error', 'invalid', message);
}

function bytesOf(write: StoreWrite): number {
  return Buffer.byteLength(write.path) + ('data' in write ? Buffer.byteLength(write.data) : 0);
}
