import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';

interface SessionKey {
  readonly id: Buffer;
  readonly password: Buffer;
}

/** A server's first frame: its length, protocol, session timeout, session id, length of the password, password. */
const GRANT_BYTES = 4 + 4 + 4 + 8 + 4 + 16;
const CLOSE_SESSION = -11;

/** Stands between stores and a ZooKeeper on loopback: breaks their connections, and ends their sessions behind their backs. */
export class ZooKeeperRelay {
  readonly #server: Server;
  readonly #target: number;
  readonly #open = new Set<Socket>();
  readonly #keys = new Map<string, SessionKey>();
  /** Bytes that stores have sent, per connection, in the order they came. */
  readonly sent: number[] = [];

  static async open(target: number): Promise<ZooKeeperRelay> {
    const relay = new ZooKeeperRelay(target);
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    return relay;
  }

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer({ noDelay: true }, (client) => this.#join(client));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  cut(): void {
    for (const socket of this.#open) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Ends the session as its owner would, on a connection of its own. */
  async expire(session: string): Promise<void> {
    const key = this.#keys.get(session);
    if (key === undefined) throw new Error(`no connection had session ${session}`);
    const socket = connect(this.#target, '127.0.0.1');
    socket.write(resumeFrame(key));
    await once(socket, 'data');
    socket.write(closeFrame());
    socket.resume();
    await once(socket, 'close');
  }

  #join(client: Socket): void {
    const upstream = connect({ port: this.#target, host: '127.0.0.1', noDelay: true });
    const index = this.sent.push(0) - 1;
    client.on('data', (chunk: Buffer) => (this.sent[index]! += chunk.length));
    let head = Buffer.alloc(0);
    upstream.on('data', (chunk: Buffer) => {
      if (head.length >= GRANT_BYTES) return;
      head = Buffer.concat([head, chunk]);
      if (head.length >= GRANT_BYTES) this.#learn(head);
    });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#open.add(from);
      from.pipe(to);
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#open.delete(from);
        to.destroy();
      });
    }
  }

  #learn(head: Buffer): void {
    const id = Buffer.from(head.subarray(12, 20));
    this.#keys.set(id.toString('hex'), { id, password: Buffer.from(head.subarray(24, GRANT_BYTES)) });
  }
}

function resumeFrame({ id, password }: SessionKey): Buffer {
  const frame = Buffer.alloc(4 + 4 + 8 + 4 + 8 + 4 + 16);
  frame.writeInt32BE(frame.length - 4, 0);
  frame.writeInt32BE(10_000, 16); // the session timeout, after protocol and newest state seen
  id.copy(frame, 20);
  frame.writeInt32BE(password.length, 28);
  password.copy(frame, 32);
  return frame;
}

function closeFrame(): Buffer {
  const frame = Buffer.alloc(12);
  frame.writeInt32BE(8, 0);
  frame.writeInt32BE(1, 4);
  frame.writeInt32BE(CLOSE_SESSION, 8);
  return frame;
}
