import { Worker } from 'node:worker_threads';
import { errorMessage, type Clock } from '../api/index.ts';
import { READY_ID, type Answer, type Letter, type Question, type Reply } from './protocol.ts';

/** Loading the parser takes 0.3 s; a busy machine may need more. */
const READY_DEADLINE_MS = 30_000;
/** A small young generation fits into the processor's caches, and keeps 30 MB from being claimed for ever. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 4, stackSizeMb: 4 };
/** Nothing of how the process was started concerns the worker; some flags, such as --input-type, even keep it from starting. */
const WORKER_OPTIONS = { resourceLimits: RESOURCE_LIMITS, execArgv: [], env: {}, name: 'manifests' };

/** The worker did not answer in time. */
export class DeadlineError extends Error {}

/** The worker was ended over another question, which it was asked before. */
export class BystanderError extends Error {}

/** The worker's entry beside this module: TypeScript in a checkout, JavaScript in a build. */
function entryUrl(): URL {
  return new URL(
    import.meta.url.endsWith('.ts') ? './parse-worker.ts' : './parse-worker.js',
    import.meta.url,
  );
}

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
  readonly cancel: () => void;
}

/**
 * One worker thread and the questions it has not answered. When one is late, or the thread dies, all of them fail and the
 * thread is ended; it cannot be used again. Keeps the process alive only while a question is out.
 */
export class WorkerConnection {
  readonly #clock: Clock;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = READY_ID;
  #error: Error | undefined;
  readonly #ready: Promise<Reply>;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#worker = new Worker(entryUrl(), WORKER_OPTIONS);
    this.#worker.on('message', (reply: Reply) => this.#receive(reply));
    this.#worker.on('error', (error: unknown) => this.#end(new Error(errorMessage(error))));
    this.#worker.on('exit', () => this.#end(new Error('the reader thread ended')));
    this.#ready = this.#expect(READY_DEADLINE_MS).reply;
    this.#ready.catch(() => undefined);
  }

  /** Whether it can still be asked. */
  get isOpen(): boolean {
    return this.#error === undefined;
  }

  /**
   * The deadline, milliseconds, counts from when the worker is up, and from when `before` is settled, which never fails. Fails with DeadlineError,
   * with BystanderError, or with what went wrong.
   */
  async ask(question: Question, deadlineMs: number, before?: Promise<unknown>): Promise<Answer> {
    await this.#ready;
    const { id, reply } = this.#expect(deadlineMs, before);
    this.#worker.postMessage({ id, question } satisfies Letter);
    const received = await reply;
    if (received.type === 'failure') throw new Error(received.message);
    return received.answer;
  }

  /** Ends the thread, whatever it is doing. */
  async close(): Promise<void> {
    this.#end(new Error('the reader is stopped'));
    await this.#worker.terminate();
  }

  #expect(deadlineMs: number, before?: Promise<unknown>): { id: number; reply: Promise<Reply> } {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    if (this.#error !== undefined) {
      reject(new BystanderError(this.#error.message));
      return { id: READY_ID, reply: promise };
    }
    const id = this.#nextId;
    this.#nextId += 1;
    this.#waiting.set(id, { resolve, reject, cancel: () => undefined });
    this.#worker.ref();
    if (before === undefined) this.#limit(id, deadlineMs);
    else void before.then(() => this.#limit(id, deadlineMs));
    return { id, reply: promise };
  }

  #limit(id: number, deadlineMs: number): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    const cancel = this.#clock.after(deadlineMs, () =>
      this.#end(new DeadlineError(`no answer within ${deadlineMs / 1_000} s`)),
    );
    this.#waiting.set(id, { ...waiting, cancel });
  }

  #receive(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    waiting?.cancel();
    waiting?.resolve(reply);
    if (this.#waiting.size === 0) this.#worker.unref();
  }

  #end(error: Error): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    // The worker does one thing after the other.
    const [atWork, ...others] = this.#waiting.values();
    atWork?.cancel();
    atWork?.reject(error);
    for (const { cancel, reject } of others) {
      cancel();
      reject(new BystanderError(error.message));
    }
    this.#waiting.clear();
    void this.#worker.terminate();
  }
}
