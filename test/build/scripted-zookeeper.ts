/** A ZooKeeper that answers as a test says, for what no real one can be made to answer. */
import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';

export const OP = { create: 1, exists: 3, getData: 4, ping: 11, children: 12, multi: 14, auth: 100 } as const;
const CLOSE_SESSION = -11;

export interface ScriptedRequest {
  readonly xid: number;
  readonly type: number;
  /** What comes after both. */
  readonly body: Buffer;
  /** Counts the connections from 0. */
  readonly connection: number;
}

/** The first frame of a connection. */
export interface Greeting {
  readonly zxid: bigint;
  readonly timeoutMs: number;
  readonly session: bigint;
  readonly connection: number;
}

/** What to send back: whole frames in one piece, or pieces that are sent one after the other; undefined says nothing. */
export type Answer = Buffer | readonly Buffer[] | undefined;

/** Replaces what it does by itself; `end` breaks the connection after the answer. */
export interface Script {
  greet?: (greeting: Greeting, end: () => void) => Answer;
  answer?: (request: ScriptedRequest, end: () => void) => Answer | 'usual';
}

export class ScriptedZooKeeper {
  script: Script;
  readonly greetings: Greeting[] = [];
  readonly requests: ScriptedRequest[] = [];
  /** Everything that came, by connection, in bytes. */
  readonly received: number[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  static async open(script: Script = {}): Promise<ScriptedZooKeeper> {
    const zookeeper = new ScriptedZooKeeper(script);
    zookeeper.#server.listen(0, '127.0.0.1');
    await once(zookeeper.#server, 'listening');
    return zookeeper;
  }

  private constructor(script: Script) {
    this.script = script;
    this.#server = createServer({ noDelay: true }, (socket) => this.#join(socket));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The types of what a connection sent after its greeting, in order. */
  types(connection: number): number[] {
    return this.requests.filter((each) => each.connection === connection).map(({ type }) => type);
  }

  /** Breaks all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Sends this to all connections. */
  say(frame: Buffer): void {
    for (const socket of this.#sockets) socket.write(frame);
  }

  async close(): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }

  #join(socket: Socket): void {
    const connection = this.received.push(0) - 1;
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    let rest = Buffer.alloc(0);
    let greeted = false;
    socket.on('data', (chunk: Buffer) => {
      this.received[connection]! += chunk.length;
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
        const frame = rest.subarray(4, 4 + rest.readInt32BE(0));
        rest = rest.subarray(4 + frame.length);
        if (greeted) this.#take(socket, frame, connection);
        else this.#greet(socket, frame, connection);
        greeted = true;
      }
    });
  }

  #greet(socket: Socket, frame: Buffer, connection: number): void {
    const greeting = {
      zxid: frame.readBigInt64BE(4),
      timeoutMs: frame.readInt32BE(12),
      session: frame.readBigInt64BE(16),
      connection,
    };
    this.greetings.push(greeting);
    const { greet = grantIt } = this.script;
    void send(
      socket,
      greet(greeting, () => socket.end()),
    );
  }

  #take(socket: Socket, frame: Buffer, connection: number): void {
    const request = {
      xid: frame.readInt32BE(0),
      type: frame.readInt32BE(4),
      body: frame.subarray(8),
      connection,
    };
    this.requests.push(request);
    const { answer = () => 'usual' as const } = this.script;
    const said = answer(request, () => socket.end());
    void send(socket, said === 'usual' ? usualAnswer(request) : said);
    if (request.type === CLOSE_SESSION && said === 'usual') socket.end();
  }
}

async function send(socket: Socket, answer: Answer): Promise<void> {
  const pieces = answer === undefined ? [] : Buffer.isBuffer(answer) ? [answer] : answer;
  for (const piece of pieces) {
    if (socket.writable) await new Promise((resolve) => socket.write(piece, resolve));
    // So that the other side sees them apart.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Goes on with the session that is asked for, or makes number 7. */
function grantIt({ session, timeoutMs }: Greeting): Buffer {
  return grant(session === 0n ? 7n : session, timeoutMs);
}

/** The answer to a greeting; a timeout of 0 says that the session has expired. */
export function grant(session: bigint, timeoutMs: number): Buffer<ArrayBuffer> {
  const body = Buffer.alloc(36);
  body.writeInt32BE(timeoutMs, 4);
  body.writeBigInt64BE(session, 8);
  body.writeInt32BE(16, 16);
  body.fill(1, 20);
  return framed(body);
}

/** Each znode is there, at version 0, with the text `data`, and has no children. */
function usualAnswer(request: ScriptedRequest): Buffer {
  switch (request.type) {
    case OP.getData:
      return reply(request, 0, Buffer.concat([text('data'), stat()]));
    case OP.exists:
      return reply(request, 0, stat());
    case OP.children:
      return reply(request, 0, Buffer.concat([int(0), stat()]));
    case OP.create:
      return reply(request, 0, text('/made'));
    case OP.multi:
      return reply(request, 0, multiResults([]));
    default:
      return reply(request, 0);
  }
}

export function reply({ xid }: { xid: number }, code: number, body = Buffer.alloc(0), zxid = 100n): Buffer {
  const head = Buffer.alloc(16);
  head.writeInt32BE(xid, 0);
  head.writeBigInt64BE(zxid, 4);
  head.writeInt32BE(code, 12);
  return framed(Buffer.concat([head, body]));
}

/** A watch's event. */
export function event(type: number, path: string): Buffer {
  return reply({ xid: -1 }, 0, Buffer.concat([int(type), int(3), text(path)]));
}

/** The results of a failed transaction, by error number. */
export function multiResults(codes: readonly number[]): Buffer<ArrayBuffer> {
  const results = codes.map((code) => Buffer.concat([int(-1), Buffer.from([0]), int(code), int(code)]));
  return Buffer.concat([...results, int(-1), Buffer.from([1]), int(-1)]);
}

function framed(body: Buffer): Buffer<ArrayBuffer> {
  return Buffer.concat([int(body.length), body]);
}

function int(value: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function text(value: string): Buffer<ArrayBuffer> {
  return Buffer.concat([int(Buffer.byteLength(value)), Buffer.from(value)]);
}

function stat(): Buffer<ArrayBuffer> {
  return Buffer.alloc(68);
}
