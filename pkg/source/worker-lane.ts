import type { Clock } from '../api/index.ts';
import type { Answers, Question } from './protocol.ts';
import { WorkerConnection } from './worker-connection.ts';

type Asked<Op extends Question['op']> = Extract<Question, { op: Op }>;

/** One worker at a time, started when needed and again after it was ended. */
export class WorkerLane {
  readonly #clock: Clock;
  #connection: WorkerConnection | undefined;
  /** Settled when the newest question is answered, and the one before it. */
  #last: Promise<unknown> = Promise.resolve();
  #lastButOne: Promise<unknown> = this.#last;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Asks when all earlier questions are answered. `deadlineMs` counts from then. */
  queue<Op extends Question['op']>(question: Asked<Op>, deadlineMs: number): Promise<Answers[Op]> {
    const turn = this.#last.then(() => this.ask<Op>(question, deadlineMs));
    this.#last = turn.then(forget, forget); // not the answer, which may be large
    this.#lastButOne = this.#last;
    return turn;
  }

  /**
   * Asks when all earlier questions but one are answered, so that the worker does not wait for the next one. `deadlineMs` counts from when that one
   * is answered, too; whatever ends the worker meanwhile fails both.
   */
  follow<Op extends Question['op']>(question: Asked<Op>, deadlineMs: number): Promise<Answers[Op]> {
    const before = this.#last;
    const turn = this.#lastButOne.then(() => this.ask<Op>(question, deadlineMs, before));
    this.#lastButOne = before;
    this.#last = Promise.all([before, turn.then(forget, forget)]);
    return turn;
  }

  /** Asks at once, beside whatever is being answered. `before`: from when the deadline counts. */
  ask<Op extends Question['op']>(
    question: Asked<Op>,
    deadlineMs: number,
    before?: Promise<unknown>,
  ): Promise<Answers[Op]> {
    if (this.#isClosed) return Promise.reject(new Error('the reader is stopped'));
    if (this.#connection?.isOpen !== true) this.#connection = new WorkerConnection(this.#clock);
    // The worker answers each operation with its own shape (protocol.ts).
    return this.#connection.ask(question, deadlineMs, before) as Promise<Answers[Op]>;
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
