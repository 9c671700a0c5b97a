/** One large transfer, of which every byte is checked. */
import { connect, type Socket } from 'node:net';
import { patternDigest, startDigest } from './pattern.ts';
import { Failure, failureKind, type TransferReport } from './report.ts';
import type { Target } from './requests.ts';

export interface TransferOptions {
  readonly bytes: number;
  readonly bytesPerSecond: number;
}

export class Transfer {
  readonly #target: Target;
  readonly #options: TransferOptions;
  readonly #hash = startDigest();
  #bytes = 0;
  #startedMs = 0;
  #lastMs = 0;
  #longestGapMs = 0;
  #isIntact = false;
  #error: string | undefined;
  #running = Promise.resolve();

  constructor(target: Target, options: TransferOptions) {
    this.#target = target;
    this.#options = options;
  }

  start(): void {
    this.#startedMs = performance.now();
    this.#lastMs = this.#startedMs;
    this.#running = this.#run().catch((error: unknown) => {
      this.#error = failureKind(error);
    });
  }

  /** Waits until all has come, or nothing more does. */
  stop(): Promise<void> {
    return this.#running;
  }

  report(): TransferReport {
    return {
      bytes: this.#bytes,
      wantedBytes: this.#options.bytes,
      isIntact: this.#isIntact,
      tookMs: this.#lastMs - this.#startedMs,
      longestGapMs: this.#longestGapMs,
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }

  async #run(): Promise<void> {
    const { resolver, name, port, timeoutMs } = this.#target;
    const { bytes, bytesPerSecond } = this.#options;
    const socket = connect({ host: await resolver.lookUp(name), port });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Failure('timeout')));
    socket.write(`GET /bytes?total=${bytes}&rate=${bytesPerSecond} HTTP/1.0\r\n\r\n`);
    await this.#read(socket);
    if (this.#bytes !== bytes) throw new Failure('cut', `${this.#bytes} of ${bytes} bytes came`);
    this.#isIntact = this.#hash.digest('hex') === patternDigest(bytes);
    if (!this.#isIntact) throw new Failure('altered');
  }

  async #read(socket: Socket): Promise<void> {
    let head: Buffer | undefined = Buffer.alloc(0);
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      if (head === undefined) this.#take(chunk);
      else {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf('\r\n\r\n');
        if (end === -1) continue;
        this.#take(head.subarray(end + 4));
        head = undefined;
      }
    }
  }

  #take(chunk: Buffer): void {
    const nowMs = performance.now();
    this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
    this.#bytes += chunk.length;
    this.#hash.update(chunk);
  }
}
