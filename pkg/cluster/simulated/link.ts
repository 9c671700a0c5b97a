import type { Clock } from '../../api/index.ts';
import type { ToClient, ToServer } from './messages.ts';

/** One direction between a client and the ensemble; what is blocked arrives later, as TCP sends again. */
export class Way {
  readonly clock: Clock;
  readonly latency: () => number;
  #isBlocked = false;
  #extraMs = 0;
  readonly #pipes = new Set<{ pump(): void }>();

  constructor(clock: Clock, latency: () => number) {
    this.clock = clock;
    this.latency = latency;
  }

  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  block(isBlocked: boolean): void {
    this.#isBlocked = isBlocked;
    if (!isBlocked) for (const pipe of [...this.#pipes]) pipe.pump();
  }

  /** From now on each message takes this much longer. */
  slow(extraMs: number): void {
    this.#extraMs = extraMs;
  }

  delayMs(): number {
    return this.latency() + this.#extraMs;
  }

  /** A pipe's messages go on once the way is free again. */
  attach(pipe: { pump(): void }): () => void {
    this.#pipes.add(pipe);
    return () => void this.#pipes.delete(pipe);
  }
}

/** One direction of one connection: in order, each message once, or never. */
class Pipe<Message> {
  readonly #way: Way;
  readonly #deliver: (message: Message) => void;
  readonly #queue: { readonly dueMs: number; readonly message: Message }[] = [];
  readonly #detach: () => void;
  #cancel: (() => void) | undefined;
  #isClosed = false;

  constructor(way: Way, deliver: (message: Message) => void) {
    this.#way = way;
    this.#deliver = deliver;
    this.#detach = way.attach(this);
  }

  send(message: Message): void {
    if (this.#isClosed) return;
    const nowMs = this.#way.clock.monotonic();
    const dueMs = Math.max(nowMs + this.#way.delayMs(), this.#queue.at(-1)?.dueMs ?? 0);
    this.#queue.push({ dueMs, message });
    // Never from within the call that sent it.
    if (dueMs <= nowMs) queueMicrotask(() => this.pump());
    else this.#schedule();
  }

  pump(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    for (;;) {
      const next = this.#queue[0];
      if (next === undefined || this.#isClosed || this.#way.isBlocked) return;
      if (next.dueMs > this.#way.clock.monotonic()) {
        this.#schedule();
        return;
      }
      this.#queue.shift();
      this.#deliver(next.message);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
    this.#detach();
  }

  #schedule(): void {
    const next = this.#queue[0];
    if (next === undefined || this.#cancel !== undefined || this.#way.isBlocked) return;
    const delayMs = next.dueMs - this.#way.clock.monotonic();
    this.#cancel = this.#way.clock.after(delayMs, () => this.pump());
  }
}

/** What one end of a connection does with what comes. */
export interface End<Message> {
  received(message: Message): void;
  /** The other end closed it, or it was cut. */
  closed(): void;
}

const CLOSED = 'closed';

/** One TCP connection between a client and the ensemble. */
export class Connection {
  readonly client: string;
  readonly #toServer: Pipe<ToServer | typeof CLOSED>;
  readonly #toClient: Pipe<ToClient | typeof CLOSED>;
  readonly #ends: { readonly client: End<ToClient>; readonly server: End<ToServer> };
  readonly #isOpen = { client: true, server: true };

  constructor(
    client: string,
    ways: { readonly toServer: Way; readonly toClient: Way },
    ends: {
      client: End<ToClient>;
      server: (connection: Connection) => End<ToServer>;
      hop: (run: () => void) => void;
    },
  ) {
    this.client = client;
    this.#ends = { client: ends.client, server: ends.server(this) };
    this.#toServer = new Pipe(ways.toServer, (message) => this.#arriveAtServer(message));
    this.#toClient = new Pipe(ways.toClient, (message) => ends.hop(() => this.#arriveAtClient(message)));
  }

  /** Whether this end still holds it. */
  isOpenAt(end: 'client' | 'server'): boolean {
    return this.#isOpen[end];
  }

  toServer(message: ToServer): void {
    if (this.#isOpen.client) this.#toServer.send(message);
  }

  toClient(message: ToClient): void {
    if (this.#isOpen.server) this.#toClient.send(message);
  }

  /** One end lets it go; the other learns of it as of any message. What it was being sent is dropped. */
  close(end: 'client' | 'server'): void {
    if (!this.#isOpen[end]) return;
    this.#isOpen[end] = false;
    if (end === 'client') {
      this.#toClient.close();
      this.#toServer.send(CLOSED);
    } else {
      this.#toServer.close();
      this.#toClient.send(CLOSED);
    }
  }

  /** Both ends lose it at once, and everything on the way. */
  cut(): void {
    this.#release();
    this.#arriveAtServer(CLOSED);
    this.#arriveAtClient(CLOSED);
  }

  #arriveAtServer(message: ToServer | typeof CLOSED): void {
    if (!this.#isOpen.server) return;
    if (message !== CLOSED) {
      this.#ends.server.received(message);
      return;
    }
    this.#isOpen.server = false;
    this.#release();
    this.#ends.server.closed();
  }

  #arriveAtClient(message: ToClient | typeof CLOSED): void {
    if (!this.#isOpen.client) return;
    if (message !== CLOSED) {
      this.#ends.client.received(message);
      return;
    }
    this.#isOpen.client = false;
    this.#release();
    this.#ends.client.closed();
  }

  #release(): void {
    this.#toServer.close();
    this.#toClient.close();
  }
}
