import { OvrError, type Clock } from '../../api/index.ts';
import type { Connection, End } from './link.ts';
import type { StoreRequest, StoreResult, ToServer, WatchKind } from './messages.ts';
import { parentOf, Tree, type Change } from './tree.ts';

interface Session {
  readonly id: string;
  readonly client: string;
  readonly timeoutMs: number;
  /** When the server last heard of it, by its own clock. */
  heardMs: number;
  connection: Connection | undefined;
  cancel: () => void;
}

/** What the ensemble remembers at one moment: as good as its data folder. */
export interface CoordinatorSnapshot {
  readonly tree: Tree;
  readonly sessions: readonly { readonly id: string; readonly client: string; readonly timeoutMs: number }[];
}

export interface StoreCall {
  readonly client: string;
  readonly session: string;
  readonly request: StoreRequest;
  /** `before`: nothing has been done yet. `after`: it has been done and the answer is about to be sent. */
  readonly phase: 'before' | 'after';
}

/** Called twice for each request that arrives. `lost`: it goes no further, and the connection breaks. */
export type StoreFaultHook = (call: StoreCall) => 'lost' | undefined;

/** The ensemble as one server: sessions, requests in the order they come, watches. */
export class Server {
  readonly #clock: Clock;
  readonly #sessionTimeoutMs: number;
  readonly #refused = new Set<string>();
  readonly #sessions = new Map<string, Session>();
  readonly #sessionAt = new Map<Connection, Session>();
  /** Who waits for a change, by kind and path; one-shot. */
  readonly #watches = new Map<string, Set<Connection>>();
  readonly #connections = new Set<Connection>();
  #tree = new Tree();
  #sessionCount = 0;
  #isDown = false;
  /** What came while it was frozen. */
  #waiting: (() => void)[] | undefined;
  faults: StoreFaultHook | undefined;
  committed: ((call: { client: string; session: string; request: StoreRequest }) => void) | undefined;

  constructor(clock: Clock, sessionTimeoutMs: number) {
    this.#clock = clock;
    this.#sessionTimeoutMs = sessionTimeoutMs;
  }

  get tree(): Tree {
    return this.#tree;
  }

  get isDown(): boolean {
    return this.#isDown;
  }

  /** The live session of a client, as far as the server knows. */
  sessionOf(client: string): string | undefined {
    return [...this.#sessions.values()].filter((session) => session.client === client).at(-1)?.id;
  }

  hasSession(id: string): boolean {
    return this.#sessions.has(id);
  }

  accept(connection: Connection): End<ToServer> {
    this.#connections.add(connection);
    return {
      received: (message) => this.#whenAwake(() => this.#received(connection, message)),
      closed: () => this.#whenAwake(() => this.#closed(connection)),
    };
  }

  refuse(client: string, isRefused: boolean): void {
    if (!isRefused) {
      this.#refused.delete(client);
      return;
    }
    this.#refused.add(client);
    for (const connection of [...this.#connections])
      if (connection.client === client) this.#hangUp(connection);
  }

  freeze(): void {
    this.#waiting ??= [];
  }

  /** Sessions that were silent for too long go first, as the expiry thread of a thawed server is quicker than its sockets. */
  thaw(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    for (const session of [...this.#sessions.values()]) this.#expireIfSilent(session);
    for (const run of waiting) run();
  }

  stop(): void {
    this.#isDown = true;
    this.#waiting = undefined;
    for (const connection of [...this.#connections]) connection.cut();
    this.#connections.clear();
    this.#watches.clear();
    this.#sessionAt.clear();
    for (const session of this.#sessions.values()) session.cancel();
  }

  /** Sessions get a whole timeout to come back. */
  start(): void {
    if (!this.#isDown) return;
    this.#isDown = false;
    for (const session of this.#sessions.values()) {
      session.connection = undefined;
      session.heardMs = this.#clock.monotonic();
      this.#watchOver(session);
    }
  }

  snapshot(): CoordinatorSnapshot {
    const sessions = [...this.#sessions.values()].map(({ id, client, timeoutMs }) => ({
      id,
      client,
      timeoutMs,
    }));
    return { tree: this.#tree.copy(), sessions };
  }

  /** Stops, forgets everything but the snapshot, and starts again. */
  restore(snapshot: CoordinatorSnapshot): void {
    this.stop();
    this.#tree = snapshot.tree.copy();
    this.#sessions.clear();
    for (const { id, client, timeoutMs } of snapshot.sessions) this.#addSession(id, client, timeoutMs);
    this.start();
  }

  expire(id: string): void {
    const session = this.#sessions.get(id);
    if (session) this.#expire(session);
  }

  #whenAwake(run: () => void): void {
    if (this.#waiting) this.#waiting.push(run);
    else run();
  }

  #received(connection: Connection, message: ToServer): void {
    if (!connection.isOpenAt('server')) return;
    if (message.type === 'connect') {
      this.#connect(connection, message);
      return;
    }
    const session = this.#sessionAt.get(connection);
    if (session === undefined) {
      this.#hangUp(connection);
      return;
    }
    session.heardMs = this.#clock.monotonic();
    this.#request(connection, session, message);
  }

  #connect(connection: Connection, { session: id, timeoutMs }: ToServer & { type: 'connect' }): void {
    if (this.#refused.has(connection.client)) {
      connection.toClient({ type: 'refused', message: 'authentication failed' });
      this.#hangUp(connection);
      return;
    }
    const known = id === undefined ? undefined : this.#sessions.get(id);
    if (id !== undefined && known === undefined) {
      connection.toClient({ type: 'expired' });
      this.#hangUp(connection);
      return;
    }
    const session = known ?? this.#newSession(connection.client, Math.min(timeoutMs, this.#sessionTimeoutMs));
    if (session.connection) this.#hangUp(session.connection);
    session.connection = connection;
    this.#sessionAt.set(connection, session);
    session.heardMs = this.#clock.monotonic();
    connection.toClient({
      type: 'connected',
      session: session.id,
      isSame: known !== undefined,
      timeoutMs: session.timeoutMs,
    });
  }

  #request(connection: Connection, session: Session, { id, request }: ToServer & { type: 'request' }): void {
    const call = { client: connection.client, session: session.id, request };
    if (this.faults?.({ ...call, phase: 'before' }) === 'lost') {
      this.#hangUp(connection);
      return;
    }
    let result: StoreResult;
    try {
      result = this.#do(connection, session, request);
    } catch (error) {
      if (!(error instanceof OvrError)) throw error;
      connection.toClient({ type: 'failure', id, error });
      return;
    }
    if (request.type === 'commit' || request.type === 'createSequential') this.committed?.(call);
    // It was done; the hook says whether anybody hears of it.
    if (this.faults?.({ ...call, phase: 'after' }) === 'lost') {
      this.#hangUp(connection);
      return;
    }
    connection.toClient({ type: 'answer', id, result });
  }

  #do(connection: Connection, session: Session, request: StoreRequest): StoreResult {
    switch (request.type) {
      case 'get':
        if (request.watch) this.#watch('data', request.path, connection);
        return this.#tree.get(request.path, session.id);
      case 'children': {
        const names = this.#tree.children(request.path);
        if (names && request.watch) this.#watch('children', request.path, connection);
        return names ?? [];
      }
      case 'commit':
        this.#ring(this.#tree.commit(request.writes, session.id));
        return undefined;
      case 'createSequential': {
        const { path, changes } = this.#tree.createSequential(request, session.id);
        this.#ring(changes);
        return path;
      }
      case 'ping':
        return undefined;
      case 'close':
        this.#endSession(session);
        return undefined;
    }
  }

  #watch(kind: WatchKind, path: string, connection: Connection): void {
    const key = `${kind} ${path}`;
    const watchers = this.#watches.get(key) ?? new Set();
    this.#watches.set(key, watchers.add(connection));
  }

  #ring(changes: readonly Change[]): void {
    for (const { type, path } of changes) {
      this.#tell('data', path);
      if (type === 'removed') this.#tell('children', path);
      if (type !== 'changed') this.#tell('children', parentOf(path));
    }
  }

  #tell(kind: WatchKind, path: string): void {
    const key = `${kind} ${path}`;
    const watchers = this.#watches.get(key);
    this.#watches.delete(key);
    for (const connection of watchers ?? []) connection.toClient({ type: 'watch', kind, path });
  }

  #newSession(client: string, timeoutMs: number): Session {
    this.#sessionCount += 1;
    return this.#addSession(`session-${this.#sessionCount}`, client, timeoutMs);
  }

  #addSession(id: string, client: string, timeoutMs: number): Session {
    const heardMs = this.#clock.monotonic();
    const session: Session = {
      ...{ id, client, timeoutMs, heardMs },
      connection: undefined,
      cancel: () => undefined,
    };
    this.#sessions.set(id, session);
    this.#watchOver(session);
    return session;
  }

  #watchOver(session: Session): void {
    session.cancel();
    const leftMs = Math.ceil(session.heardMs + session.timeoutMs - this.#clock.monotonic());
    session.cancel = this.#clock.after(leftMs, () => this.#expireIfSilent(session));
  }

  #expireIfSilent(session: Session): void {
    if (this.#isDown || this.#waiting || !this.#sessions.has(session.id)) return;
    if (this.#clock.monotonic() - session.heardMs < session.timeoutMs) this.#watchOver(session);
    else this.#expire(session);
  }

  #expire(session: Session): void {
    const { connection } = session;
    this.#endSession(session);
    if (connection) this.#hangUp(connection);
  }

  #endSession(session: Session): void {
    session.cancel();
    this.#sessions.delete(session.id);
    this.#ring(this.#tree.removeOwnedBy(session.id));
  }

  #hangUp(connection: Connection): void {
    connection.close('server');
    this.#closed(connection);
  }

  #closed(connection: Connection): void {
    this.#connections.delete(connection);
    for (const watchers of this.#watches.values()) watchers.delete(connection);
    const session = this.#sessionAt.get(connection);
    if (session) session.connection = undefined;
    this.#sessionAt.delete(connection);
  }
}
