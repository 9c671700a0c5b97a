import { mkdtemp, rm } from 'node:fs/promises';
import { type Server, type Socket, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SeenRequest {
  /** `performance.now()` when its first bytes came. */
  readonly atMs: number;
  readonly method: string;
  /** Without the API version. */
  readonly path: string;
}

const REQUEST_LINE = /^([A-Z]+) (?:\/v\d+\.\d+)?(\/\S*) HTTP\/1\.1\r\n/;

/** A socket in front of the engine's: passes every byte on and notes when which request came. */
export class EngineTap {
  readonly socketPath: string;
  readonly requests: SeenRequest[] = [];
  readonly #folder: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #listener: ((request: SeenRequest) => void) | undefined;

  static async open(enginePath: string): Promise<EngineTap> {
    const tap = new EngineTap(await mkdtemp(join(tmpdir(), 'ovr-bench-tap-')), enginePath);
    await new Promise<void>((resolve) => tap.#server.listen(tap.socketPath, resolve));
    return tap;
  }

  private constructor(folder: string, enginePath: string) {
    this.#folder = folder;
    this.socketPath = join(folder, 'docker.sock');
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client, enginePath));
  }

  /** The next request that fits. */
  next(method: string, path: RegExp, timeoutMs = 30_000): Promise<SeenRequest> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`waited ${timeoutMs / 1_000} s for ${method} ${path.source}`)),
        timeoutMs,
      );
      this.#listener = (request) => {
        if (request.method !== method || !path.test(request.path)) return;
        this.#listener = undefined;
        clearTimeout(timer);
        resolve(request);
      };
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#folder, { recursive: true, force: true });
  }

  #accept(client: Socket, enginePath: string): void {
    const engine = connect({ path: enginePath, allowHalfOpen: true });
    client.on('data', (chunk: Buffer) => this.#note(chunk));
    for (const [socket, other] of [
      [client, engine],
      [engine, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.pipe(other);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }

  /** A request begins a chunk of its own, for nobody sends one before the last is answered. */
  #note(chunk: Buffer): void {
    const atMs = performance.now();
    const match = REQUEST_LINE.exec(chunk.toString('latin1'));
    if (match === null) return;
    const request = { atMs, method: match[1] ?? '', path: match[2] ?? '' };
    this.requests.push(request);
    this.#listener?.(request);
  }
}
