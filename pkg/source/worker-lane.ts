import type { Clock } from '../api/index.ts';
import type { Answers, Question } from './protocol.ts';
import { WorkerConnection } from './worker-connection.ts';

type Asked<Op extends Question['op']> = Extract<Question, { op: Op }>;

/** One worker at a time, started when needed and again after it was ended; questions in `queue` wait for each other. */
export class WorkerLane {
  readonly #clock: Clock;
  #connection: WorkerConnection | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Asks when all earlier questions are answered. `deadlineMs` counts from then. */
  queue<Op extends Question['op']>(question: Asked<Op>, deadlineMs: number): Promise<Answers[Op]> {
    const turn = this.#last.then(() => this.ask<Op>(question, deadlineMs));
    this.#last = turn.then(forget, forget); // not the answer, which may be large
    return turn;
  }

  /** Asks at once, beside whatever is being answered. */
  ask<Op extends Question['op']>(question: Asked<Op>, deadlineMs: number): Promise<Answers[Op]> {
    if (this.#isClosed) return Promise.reject(new Error('the reader is stopped'));
    if (this.#connection?.isOpen !== true) this.#connection = new WorkerConnection(this.#clock);
    // The worker answers each operation with its own shape (protocol.ts).
    return this.#connection.ask(question, deadlineMs) as Promise<Answers[Op]>;
  }

  /** Ends the worker, whatever it is doing. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#connection?.close();
  }
}

function forget(): undefined {
  return undefined;
}
