/** Short requests at a steady rate: look the name up, connect, ask, read the answer to its end. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../bench/stats.ts';
import type { Resolver } from './dns.ts';
import { AnswerTally, Failure, Tally, failureKind, type RequestReport } from './report.ts';

const TICK_MS = 2;

export interface Target {
  readonly resolver: Resolver;
  readonly name: string;
  readonly port: number;
  /** No answer for so long counts as none. */
  readonly timeoutMs: number;
}

/** Asks once, and returns the version that the answer bears. */
export async function ask({ resolver, name, port, timeoutMs }: Target): Promise<string> {
  return exchange({ host: await resolver.lookUp(name), port }, timeoutMs);
}

function exchange(to: { host: string; port: number }, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(to);
    const chunks: Buffer[] = [];
    const timer = setTimeout(() => socket.destroy(new Failure('timeout')), timeoutMs);
    socket.setNoDelay(true);
    socket.write('GET / HTTP/1.0\r\n\r\n');
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(timer);
      const version = readAnswer(Buffer.concat(chunks).toString());
      if (version === undefined) reject(new Failure('cut', 'the answer is not whole'));
      else resolve(version);
    });
  });
}

/** The version in a whole answer. */
function readAnswer(text: string): string | undefined {
  const end = text.indexOf('\r\n\r\n');
  const length = /^content-length: *(\d+)/im.exec(text)?.[1];
  const body = text.slice(end + 4);
  if (end === -1 || !/^HTTP\/1\.\d 200 /.test(text) || body.length !== Number(length ?? body.length))
    return undefined;
  return body.trim() || undefined;
}

export class Requests {
  readonly #target: Target;
  readonly #rate: number;
  readonly #answers = new AnswerTally();
  readonly #errors = new Tally();
  readonly #latenciesMs: number[] = [];
  readonly #outstanding = new Set<Promise<void>>();
  #sent = 0;
  #slowest = { ms: 0, atMs: 0 };
  #lagMs = 0;
  #isStopping = false;
  #running = Promise.resolve();

  /** `rate`: requests a second. */
  constructor(target: Target, rate: number) {
    this.#target = target;
    this.#rate = rate;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Sends no more, and waits for the answers to those that were sent. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
    await Promise.all(this.#outstanding);
  }

  report(): RequestReport {
    const latencies = this.#latenciesMs;
    return {
      sent: this.#sent,
      pending: this.#outstanding.size,
      answers: this.#answers.answers(),
      errors: this.#errors.counts(),
      p50Ms: latencies.length === 0 ? 0 : percentile(latencies, 50),
      p99Ms: latencies.length === 0 ? 0 : percentile(latencies, 99),
      slowestMs: this.#slowest.ms,
      slowestAtMs: this.#slowest.atMs,
      lagMs: this.#lagMs,
    };
  }

  /** Each request has its moment, whether or not those before it were answered: a pause of the servers hides none. */
  async #run(): Promise<void> {
    const startedMs = performance.now();
    while (!this.#isStopping) {
      const elapsedMs = performance.now() - startedMs;
      const due = Math.floor((elapsedMs * this.#rate) / 1_000);
      if (this.#sent < due)
        this.#lagMs = Math.max(this.#lagMs, elapsedMs - (this.#sent * 1_000) / this.#rate);
      while (this.#sent < due) this.#send();
      await sleep(TICK_MS);
    }
  }

  #send(): void {
    this.#sent += 1;
    const request = this.#request();
    this.#outstanding.add(request);
    void request.finally(() => this.#outstanding.delete(request));
  }

  async #request(): Promise<void> {
    const startedMs = performance.now();
    try {
      this.#answers.add(await ask(this.#target));
      const tookMs = performance.now() - startedMs;
      this.#latenciesMs.push(tookMs);
      if (tookMs > this.#slowest.ms) this.#slowest = { ms: tookMs, atMs: Date.now() };
    } catch (error) {
      this.#errors.add(failureKind(error));
    }
  }
}
