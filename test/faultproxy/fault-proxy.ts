/** Stands between the adapter and an engine and does what networks, proxies and daemons do on their bad days. */
import { mkdtemp, rm } from 'node:fs/promises';
import { type NetConnectOpts, type Server, type Socket, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fault, SeenRequest } from './fault.ts';

const HEAD_END = '\r\n\r\n';

/** Takes one request a connection, which is how the adapter sends them. */
export class FaultProxy {
  readonly socketPath: string;
  /** All requests so far, oldest first. */
  readonly requests: SeenRequest[] = [];
  readonly #folder: string;
  readonly #target: NetConnectOpts;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  readonly #upstreams = new Set<Socket>();
  #faultFor: (request: SeenRequest) => Fault = () => ({ type: 'pass' });
  #isFrozen = false;

  /** Listens on a socket of its own and passes everything on to `target`. */
  static async start(target: NetConnectOpts): Promise<FaultProxy> {
    const folder = await mkdtemp(join(tmpdir(), 'ovr-faultproxy-'));
    const proxy = new FaultProxy(folder, target);
    await new Promise<void>((resolve) => proxy.#server.listen(proxy.socketPath, resolve));
    return proxy;
  }

  private constructor(folder: string, target: NetConnectOpts) {
    this.#folder = folder;
    this.socketPath = join(folder, 'docker.sock');
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** From now on requests whose `METHOD /path` fits get this fault, the others pass. */
  fault(pattern: RegExp, fault: Fault): void {
    this.#faultFor = ({ method, path }) => (pattern.test(`${method} ${path}`) ? fault : { type: 'pass' });
  }

  /** From now on every request passes. */
  heal(): void {
    this.#faultFor = () => ({ type: 'pass' });
  }

  /** Like SIGSTOP of the engine: connections are taken and open ones stay, but nothing comes any more. */
  freeze(): void {
    this.#isFrozen = true;
    for (const upstream of this.#upstreams) upstream.pause();
  }

  thaw(): void {
    this.#isFrozen = false;
    for (const upstream of this.#upstreams) upstream.resume();
  }

  /** Ends all connections, as an engine that is killed does. */
  cutAll(): void {
    for (const socket of [...this.#clients, ...this.#upstreams]) socket.destroy();
  }

  /** How many connections clients have open. */
  get openConnections(): number {
    return this.#clients.size;
  }

  async close(): Promise<void> {
    this.cutAll();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#folder, { recursive: true, force: true });
  }

  #accept(client: Socket): void {
    this.#clients.add(client);
    client.on('close', () => this.#clients.delete(client));
    client.on('error', () => client.destroy());
    let head = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const [line = ''] = head.toString('latin1').split('\r\n');
      if (!head.includes(HEAD_END)) return;
      client.off('data', onData);
      const [method = '', path = ''] = line.split(' ');
      this.requests.push({ method, path });
      this.#serve(client, head, this.#faultFor({ method, path }));
    };
    client.on('data', onData);
  }

  #serve(client: Socket, begun: Buffer, fault: Fault): void {
    if (fault.type === 'stall') client.resume();
    else if (fault.type === 'close') client.destroy();
    else if (fault.type === 'answer') client.end(answerBytes(fault));
    else this.#forward(client, begun, fault);
  }

  #forward(client: Socket, begun: Buffer, fault: Fault): void {
    const upstream = connect(this.#target);
    this.#upstreams.add(upstream);
    // Under these the client is left waiting.
    const isEndless = fault.type === 'silence' || fault.type === 'drip';
    upstream.on('close', () => {
      this.#upstreams.delete(upstream);
      if (!isEndless) client.destroy();
    });
    upstream.on('error', () => upstream.destroy());
    // The engine goes on with what it was asked when the answer is to be lost.
    if (fault.type !== 'drop-answer') client.on('close', () => upstream.destroy());
    upstream.write(begun);
    client.on('data', (chunk) => upstream.write(chunk));
    const write = answerWriter(client, fault);
    upstream.on('data', write);
    upstream.on('end', () => {
      if (!isEndless) client.end();
    });
    if (this.#isFrozen) upstream.pause();
  }
}

function answerBytes({ status, body, contentType }: Extract<Fault, { type: 'answer' }>): string {
  const length = Buffer.byteLength(body);
  const headers = [`Content-Type: ${contentType}`, `Content-Length: ${length}`, 'Connection: close'];
  return [`HTTP/1.1 ${status} Answer`, ...headers, '', body].join('\r\n');
}

/** How pieces of the engine's answer reach the client under this fault. */
function answerWriter(client: Socket, fault: Fault): (chunk: Buffer) => void {
  if (fault.type === 'pass') {
    return (chunk) => {
      client.write(chunk);
    };
  }
  if (fault.type === 'drop-answer') return () => client.destroy();
  const body = bodyWriter(client, fault);
  let head = Buffer.alloc(0);
  let isHeadSent = false;
  return (chunk) => {
    if (isHeadSent) {
      body(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf(HEAD_END);
    if (end === -1) return;
    isHeadSent = true;
    client.write(head.subarray(0, end + HEAD_END.length));
    body(head.subarray(end + HEAD_END.length));
  };
}

function bodyWriter(client: Socket, fault: Fault): (chunk: Buffer) => void {
  if (fault.type === 'cut') return cutter(client, fault.bodyBytes);
  if (fault.type === 'drip') return dripper(client, fault.bytes, fault.everyMs);
  return () => undefined;
}

function cutter(client: Socket, bodyBytes: number): (chunk: Buffer) => void {
  let left = bodyBytes;
  return (chunk) => {
    client.write(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0) client.end();
  };
}

function dripper(client: Socket, bytes: number, everyMs: number): (chunk: Buffer) => void {
  let waiting = Buffer.alloc(0);
  const timer = setInterval(() => {
    client.write(waiting.subarray(0, bytes));
    waiting = waiting.subarray(bytes);
  }, everyMs);
  client.on('close', () => clearInterval(timer));
  return (chunk) => {
    waiting = Buffer.concat([waiting, chunk]);
  };
}
