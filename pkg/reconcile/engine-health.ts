import { errorMessage } from '../api/index.ts';
import type { EngineFacts } from '../state/index.ts';
import type { Journal } from './journal.ts';

/** Whether the engine answers, as the rounds find it; the journal is told of each change once. */
export class EngineHealth {
  readonly #journal: Journal;
  #facts: EngineFacts | undefined;
  #problem: string | undefined = 'not asked yet';
  #failures = 0;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** What it said of itself last. */
  get facts(): EngineFacts | undefined {
    return this.#facts;
  }

  /** What is wrong; undefined while it answers. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Rounds in a row that failed. */
  get failures(): number {
    return this.#failures;
  }

  answered(facts: EngineFacts): void {
    if (this.#problem !== undefined) {
      this.#journal.engine(true, `${facts.kind} ${facts.version}, API ${facts.apiVersion}`);
    }
    this.#facts = facts;
    this.#problem = undefined;
    this.#failures = 0;
  }

  /** A round failed; true where that is news. */
  failed(error: unknown): boolean {
    this.#failures += 1;
    return this.down(errorMessage(error));
  }

  /** True where it is news. */
  down(message: string): boolean {
    if (this.#problem === message) return false;
    this.#journal.engine(false, message);
    this.#problem = message;
    return true;
  }
}
