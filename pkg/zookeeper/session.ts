import { type Clock, type Logger, type OvrError, type ZooKeeperAddress, errorMessage } from '../api/index.ts';
import type { StoreEvent } from '../cluster/index.ts';
import { Connection, type End } from './connection.ts';
import { refused, unreachable } from './failures.ts';
import type { Identity } from './identity.ts';
import type { Server, SessionKey } from './library.ts';
import { openRoot } from './root-folder.ts';
import { openWithinMs, refusedDelayMs, retryDelayMs, shuffled } from './servers.ts';

export interface SessionOptions {
  readonly address: ZooKeeperAddress;
  /** `user:password`, for digest. */
  readonly auth?: string;
  /** What is asked for; the server may grant another. */
  readonly sessionTimeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 0 to below 1. */
  readonly random: () => number;
}

/** How one try ended. */
type Tried = End | { readonly type: 'closed' };

const STOP_WITHIN_MS = 1_700;

/** A session with ZooKeeper over one connection after the other, and a new session when one has expired, until it is stopped. */
export class Session {
  readonly #options: SessionOptions;
  readonly #identity: Identity;
  readonly #servers: readonly Server[];
  #listener: (event: StoreEvent) => void = () => undefined;
  #running: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #wake: () => void = () => undefined;
  /** The connection of the present try, from its first moment. */
  #trying: Connection | undefined;
  /** The same, once it may be used. */
  #ready: Connection | undefined;
  #key: SessionKey | undefined;
  #zxid: Buffer | undefined;
  /** The session that the listener was told of. */
  #told: string | undefined;
  #contactMs: number | undefined;
  #sessionTimeoutMs: number;
  /** Why there is no connection, while there is none. */
  #absent: OvrError = unreachable('none of its servers has answered yet');
  /** Whether the listener was told `connected` last. */
  #connected = false;
  #tries = 0;
  /** So many failures in a row mean that each server was asked. */
  #roundOfTries: number;
  #failures = 0;
  #refusals = 0;
  /** Tries in a row that took too long; servers that refused or were not there at all are no reason to wait longer for the next. */
  #tardy = 0;

  constructor(options: SessionOptions, identity: Identity) {
    this.#options = options;
    this.#identity = identity;
    this.#servers = shuffled(options.address.servers, options.random);
    this.#sessionTimeoutMs = options.sessionTimeoutMs;
    this.#roundOfTries = this.#servers.length;
  }

  get lastContactMs(): number | undefined {
    return this.#contactMs;
  }

  get sessionTimeoutMs(): number {
    return this.#sessionTimeoutMs;
  }

  /** The connection that may be used now. Fails with `coordinator-unreachable` or `coordinator-refused` when there is none. */
  connection(): Connection {
    if (this.#ready !== undefined) return this.#ready;
    if (this.#stopped !== undefined) throw unreachable('it was stopped');
    throw this.#absent;
  }

  /** Whether the eight bytes are this session's id. */
  owns(id: Buffer): boolean {
    return this.#key?.id.equals(id) ?? false;
  }

  /** Begins to connect. May be called once. */
  start(listener: (event: StoreEvent) => void): void {
    if (this.#running !== undefined || this.#stopped !== undefined)
      throw new Error('a store is started once');
    this.#listener = listener;
    this.#running = this.#run();
  }

  /** Ends the session on the server, if that can be had in time, and all else in any case. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#listener = () => undefined;
    const cancel = this.#options.clock.after(STOP_WITHIN_MS, () => {
      this.#key = undefined;
      this.#trying?.abandon('was left, for the agent stops');
    });
    const ready = this.#ready;
    this.#ready = undefined;
    ready?.closeSession();
    // Nothing is lost with a session that nobody knows of.
    if (this.#key === undefined) this.#trying?.abandon('was left, for the agent stops');
    this.#wake();
    await this.#running;
    cancel();
  }

  async #run(): Promise<void> {
    for (;;) {
      const stopping = this.#stopped !== undefined;
      if (stopping && this.#key === undefined) return;
      const delayMs = this.#after(await this.#try().catch(brokenDown));
      // A stopped session gets one whole try, so that its ephemerals go even when the connection was just lost.
      if (stopping) return;
      if (this.#stopped === undefined && delayMs > 0) await this.#pause(delayMs);
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(delayMs, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Connects to the next server, and ends when that connection does. */
  async #try(): Promise<Tried> {
    const connection = this.#connect();
    this.#trying = connection;
    try {
      if (!(await connection.open())) return await connection.ended;
      this.#adopt(connection);
      const refusal = this.#stopped === undefined ? await this.#settle(connection) : undefined;
      if (refusal !== undefined) {
        this.#giveUp(connection, refusal);
        return { type: 'refused', message: refusal };
      }
      if (this.#stopped !== undefined) connection.closeSession();
      const end = await connection.ended;
      return this.#stopped === undefined ? end : { type: 'closed' };
    } finally {
      this.#ready = undefined;
      this.#trying = undefined;
      this.#remember(connection);
    }
  }

  #connect(): Connection {
    const { address, auth, clock, logger } = this.#options;
    const server = this.#servers[this.#tries % this.#servers.length] ?? { host: '', port: 0 };
    this.#tries += 1;
    return new Connection({
      server,
      root: address.root,
      sessionTimeoutMs: this.#options.sessionTimeoutMs,
      openWithinMs: openWithinMs(this.#sessionTimeoutMs, this.#tardy / this.#servers.length),
      clock,
      ...(auth === undefined ? {} : { auth }),
      ...(this.#key === undefined ? {} : { key: this.#key }),
      ...(this.#zxid === undefined || !this.#isFresh() ? {} : { zxid: this.#zxid }),
      onContact: (sentMs) => (this.#contactMs = Math.max(this.#contactMs ?? sentMs, sentMs)),
      onWatchFailed: (error) => logger.error({ error: errorMessage(error) }, 'a watch failed'),
    });
  }

  /**
   * Whether the session may still live. Later, servers that are behind what it saw are taken all the same: after a restored backup
   * there are no others.
   */
  #isFresh(): boolean {
    const ageMs = this.#options.clock.monotonic() - (this.#contactMs ?? -Infinity);
    return ageMs < this.#sessionTimeoutMs;
  }

  #adopt(connection: Connection): void {
    this.#key = connection.key;
    this.#sessionTimeoutMs = connection.sessionTimeoutMs;
  }

  /** Makes the connection the one that is used, or says why it may not be; neither when it ends meanwhile. */
  async #settle(connection: Connection): Promise<string | undefined> {
    const { address, logger } = this.#options;
    try {
      const refusal = await openRoot(connection, address.root, this.#identity);
      if (refusal !== undefined) return refusal;
    } catch (error) {
      // What ended the connection is known already; what the server said otherwise ends it now.
      connection.abandon(errorMessage(error));
      return undefined;
    }
    connection.settled();
    if (this.#stopped !== undefined) return undefined;
    [this.#failures, this.#refusals, this.#tardy] = [0, 0, 0];
    this.#ready = connection;
    this.#absent = unreachable('it was just lost');
    const session = connection.key.id.toString('hex');
    const sameSession = session === this.#told;
    this.#told = session;
    this.#connected = true;
    logger.info({ session, sameSession }, 'connected to ZooKeeper');
    this.#tell({ type: 'connected', session, sameSession });
    return undefined;
  }

  /** A session that owns nothing is ended; another one is left to its time. */
  #giveUp(connection: Connection, why: string): void {
    if (this.#told === undefined) {
      connection.closeSession();
      this.#forget();
    }
    connection.abandon(why);
  }

  #remember(connection: Connection): void {
    const { zxid } = connection;
    if (zxid.length === 8 && zxid.readBigInt64BE() > 0n) this.#zxid = zxid;
  }

  /** Takes note of how a try ended; returns how long to wait before the next. */
  #after(tried: Tried): number {
    const { logger, random } = this.#options;
    switch (tried.type) {
      case 'closed':
        this.#forget();
        return 0;
      case 'expired':
        logger.warn({ session: this.#told }, 'the ZooKeeper session has expired');
        this.#absent = unreachable('the session has expired, and a new one is being made');
        this.#expire();
        return 0;
      case 'refused':
        if (this.#refusals === 0) logger.warn({ reason: tried.message }, 'ZooKeeper refuses');
        this.#absent = refused(tried.message);
        this.#disconnect(tried.message);
        this.#tell({ type: 'refused', message: tried.message });
        return refusedDelayMs(this.#refusals++, random);
      case 'lost':
        logger.debug({ reason: tried.message }, 'no connection to ZooKeeper');
        this.#absent = unreachable(tried.message);
        this.#disconnect(tried.message);
        this.#failures += 1;
        if (tried.tardy) this.#tardy += 1;
        // Told once when it is lost, and once more when none of the servers could be had.
        if (this.#failures === this.#roundOfTries) this.#tellLost(tried.message);
        return retryDelayMs(this.#failures - 1, random);
    }
  }

  #expire(): void {
    const known = this.#told !== undefined;
    this.#forget();
    [this.#zxid, this.#told] = [undefined, undefined];
    if (known) this.#tell({ type: 'expired' });
  }

  #forget(): void {
    [this.#key, this.#contactMs] = [undefined, undefined];
  }

  #disconnect(message: string): void {
    if (!this.#connected) return;
    this.#connected = false;
    this.#roundOfTries = this.#servers.length + 1;
    this.#tellLost(message);
  }

  #tellLost(message: string): void {
    this.#options.logger.warn({ reason: message }, 'disconnected from ZooKeeper');
    this.#tell({ type: 'disconnected', message });
  }

  #tell(event: StoreEvent): void {
    try {
      this.#listener(event);
    } catch (error) {
      this.#options.logger.error({ error: errorMessage(error) }, 'a listener of the store failed');
    }
  }
}

function brokenDown(error: unknown): Tried {
  return { type: 'lost', message: `the adapter failed: ${errorMessage(error)}` };
}
