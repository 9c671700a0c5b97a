import type { Clock } from '../../api/index.ts';
import type { CoordinationStore } from '../store.ts';
import { SimulatedStore } from './client.ts';
import { Connection, Way, type End } from './link.ts';
import type { ToClient, ToServer } from './messages.ts';
import { Server, type CoordinatorSnapshot, type StoreFaultHook } from './server.ts';

export interface CoordinatorOptions {
  /** The ensemble's own clock. */
  readonly clock: Clock;
  /** A number in [0, 1), for the jitter of reconnects; 0.5 unless told. */
  readonly random?: () => number;
  /** What the server grants at most, and clients ask for unless told. */
  readonly sessionTimeoutMs: number;
  /** How long each message takes, milliseconds. Without it none: it arrives as soon as the running code yields. */
  readonly latency?: () => number;
}

export interface OpenOptions {
  /** The client's own clock, where it has one: frozen, it hears nothing. */
  readonly clock?: Clock;
  readonly sessionTimeoutMs?: number;
}

export type PartitionedWay = 'to-server' | 'to-client' | 'both' | 'none';

interface Link {
  readonly toServer: Way;
  readonly toClient: Way;
  readonly connections: Set<Connection>;
}

/** A ZooKeeper ensemble in memory, with a hand on its plugs. Nothing in it depends on real time or chance. */
export class SimulatedCoordinator {
  readonly #options: CoordinatorOptions;
  readonly #server: Server;
  readonly #links = new Map<string, Link>();

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#server = new Server(options.clock, options.sessionTimeoutMs);
  }

  /** A client of that name; it connects once it is started. Opened again, it is another process on the same host. */
  open(client: string, options: OpenOptions = {}): CoordinationStore {
    const { clock } = options;
    const hop = clock ? (run: () => void) => void clock.after(0, run) : (run: () => void) => run();
    return new SimulatedStore({
      clock: clock ?? this.#options.clock,
      random: this.#options.random ?? (() => 0.5),
      sessionTimeoutMs: options.sessionTimeoutMs ?? this.#options.sessionTimeoutMs,
      dial: (end) => this.#dial(client, end, hop),
    });
  }

  /** Called before and after each request that arrives; may be changed at any time. */
  set faults(hook: StoreFaultHook | undefined) {
    this.#server.faults = hook;
  }

  /** Called after each write that was done, before anybody hears of it. */
  set committed(hook: Server['committed']) {
    this.#server.committed = hook;
  }

  /** Every znode with its data, sorted by path. */
  entries(): [path: string, data: string][] {
    return this.#server.tree.entries();
  }

  /** The session that an ephemeral znode goes with. */
  ownerOf(path: string): string | undefined {
    return this.#server.tree.owner(path);
  }

  /** The newest session of a client that the server has not let go. */
  sessionOf(client: string): string | undefined {
    return this.#server.sessionOf(client);
  }

  /** The server goes on listening but does nothing; what comes waits. */
  freeze(): void {
    this.#server.freeze();
  }

  thaw(): void {
    this.#server.thaw();
  }

  /** The server ends: connections break, and nobody can connect. Znodes and sessions are kept. */
  stop(): void {
    this.#server.stop();
  }

  start(): void {
    this.#server.start();
  }

  restart(): void {
    this.stop();
    this.start();
  }

  /** Everything is gone, sessions too. */
  wipe(): void {
    this.rollback(new Server(this.#options.clock, this.#options.sessionTimeoutMs).snapshot());
  }

  snapshot(): CoordinatorSnapshot {
    return this.#server.snapshot();
  }

  /** As if it had been restored from a backup: sessions that began later are gone, those that ended since are back until they time out. */
  rollback(snapshot: CoordinatorSnapshot): void {
    this.#server.restore(snapshot);
  }

  /** The server lets the client's session go, now. */
  expire(client: string): void {
    const session = this.#server.sessionOf(client);
    if (session !== undefined) this.#server.expire(session);
  }

  /** Breaks the client's connection; it may connect again. */
  cut(client: string): void {
    for (const connection of [...this.#link(client).connections]) connection.cut();
  }

  /** Messages of that way wait until it is free again, and no new connection comes about. */
  partition(client: string, way: PartitionedWay): void {
    const { toServer, toClient } = this.#link(client);
    toServer.block(way === 'to-server' || way === 'both');
    toClient.block(way === 'to-client' || way === 'both');
  }

  /** Each message of the client takes this much longer, both ways. */
  slow(client: string, extraMs: number): void {
    const { toServer, toClient } = this.#link(client);
    toServer.slow(extraMs);
    toClient.slow(extraMs);
  }

  /** Its credentials are wrong from now on, or right again. */
  refuse(client: string, isRefused: boolean): void {
    this.#server.refuse(client, isRefused);
  }

  #dial(client: string, end: End<ToClient>, hop: (run: () => void) => void): Connection | string {
    const link = this.#link(client);
    if (link.toServer.isBlocked || link.toClient.isBlocked) return 'no answer to the connection attempt';
    if (this.#server.isDown) return 'connection refused';
    const server = (made: Connection): End<ToServer> => this.#server.accept(made);
    const connection = new Connection(client, link, { client: end, server, hop });
    for (const old of link.connections) {
      if (!old.isOpenAt('client') && !old.isOpenAt('server')) link.connections.delete(old);
    }
    link.connections.add(connection);
    return connection;
  }

  #link(client: string): Link {
    const { clock, latency = () => 0 } = this.#options;
    const known = this.#links.get(client);
    if (known) return known;
    const made = {
      toServer: new Way(clock, latency),
      toClient: new Way(clock, latency),
      connections: new Set<Connection>(),
    };
    this.#links.set(client, made);
    return made;
  }
}
