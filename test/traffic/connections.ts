/** Connections that stay open: a numbered line goes out and must come back before the next. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { BYE } from './protocol.ts';
import { AnswerTally, Failure, Tally, failureKind, type ConnectionReport } from './report.ts';
import type { Target } from './requests.ts';

const REOPEN_MS = 100;

export class Connections {
  readonly #target: Target;
  readonly #count: number;
  readonly #intervalMs: number;
  readonly #exchanges = new AnswerTally();
  readonly #broken = new Tally();
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();
  #open = 0;
  #ended = 0;
  #slowestMs = 0;

  constructor(target: Target, options: { readonly count: number; readonly intervalMs: number }) {
    this.#target = target;
    this.#count = options.count;
    this.#intervalMs = options.intervalMs;
  }

  start(): void {
    this.#running = Promise.all(Array.from({ length: this.#count }, () => this.#keepOpen()));
  }

  /** Lets every exchange end, and closes. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  report(): ConnectionReport {
    return {
      open: this.#open,
      exchanges: this.#exchanges.answers(),
      ended: this.#ended,
      broken: this.#broken.counts(),
      slowestMs: this.#slowestMs,
    };
  }

  get #isStopping(): boolean {
    return this.#stop.signal.aborted;
  }

  async #keepOpen(): Promise<void> {
    while (!this.#isStopping) {
      try {
        if (await this.#talk()) this.#ended += 1;
      } catch (error) {
        this.#broken.add(failureKind(error));
        await this.#pause(REOPEN_MS);
      }
    }
  }

  /** One connection, until the server says that it ends, or we do. Returns whether it was the server. */
  async #talk(): Promise<boolean> {
    const line = await Line.open(this.#target);
    this.#open += 1;
    try {
      for (let number = 1; !this.#isStopping && !line.isEnding; number += 1) {
        const startedMs = performance.now();
        this.#exchanges.add(await line.exchange(number));
        this.#slowestMs = Math.max(this.#slowestMs, performance.now() - startedMs);
        await Promise.race([this.#pause(this.#intervalMs), line.ending, line.broken]);
      }
      await line.close();
      return line.isEnding;
    } finally {
      this.#open -= 1;
      line.destroy();
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }
}

/** One connection to a server of lines. */
class Line {
  /** Fulfilled when the server has said that it ends. */
  readonly ending: Promise<void>;
  /** Rejected when the connection breaks. */
  readonly broken: Promise<never>;
  isEnding = false;
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  #expected = 0;
  #answered: ((version: string) => void) | undefined;
  #bye: () => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;

  static async open({ resolver, name, port, timeoutMs }: Target): Promise<Line> {
    const socket = connect({ host: await resolver.lookUp(name), port });
    const line = new Line(socket, timeoutMs);
    const opened = new Promise<void>((resolve) => socket.once('connect', resolve));
    await line.#inTime(opened);
    return line;
  }

  private constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    this.ending = new Promise((resolve) => (this.#bye = resolve));
    this.broken = new Promise<never>((_, reject) => (this.#fail = reject));
    this.broken.catch(() => undefined);
    socket.setNoDelay(true);
    socket.on('error', (error) => this.#fail(error));
    socket.on('end', () => this.#fail(new Failure('closed')));
    let rest = '';
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const text of lines) this.#read(text);
    });
  }

  /** Sends a number and waits until it has come back, and nothing else has. Returns the version of the server. */
  async exchange(number: number): Promise<string> {
    this.#expected = number;
    const answer = new Promise<string>((resolve) => (this.#answered = resolve));
    this.#socket.write(`${number}\n`);
    return this.#inTime(answer);
  }

  /** Ends it as the server expects: all that was sent has been answered. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.end(resolve));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  async #inTime<T>(answer: Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.#fail(new Failure('timeout')), this.#timeoutMs);
    try {
      return await Promise.race([answer, this.broken]);
    } finally {
      clearTimeout(timer);
    }
  }

  #read(text: string): void {
    if (text === BYE) {
      this.isEnding = true;
      this.#bye();
      return;
    }
    const [, version = 'echo', number = ''] = /^(?:(\S+) )?(\d+)$/.exec(text) ?? [];
    const answered = this.#answered;
    this.#answered = undefined;
    if (answered !== undefined && Number(number) === this.#expected) answered(version);
    else this.#fail(new Failure(Number(number) > this.#expected ? 'lost' : 'repeated', `answer "${text}"`));
  }
}
