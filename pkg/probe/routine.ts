import { errorMessage, type Clock, type Logger } from '../api/index.ts';

export interface RoutineDeps {
  readonly intervalMs: number;
  readonly check: () => Promise<unknown>;
  /** Whether this node goes first where several could. */
  readonly isFirst: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A number in [0, 1). */
  readonly random: () => number;
}

/** The others ask only where the first does not: this much later, in intervals, spread over as much again. */
const LATENESS = 0.25;

/**
 * Checks again and again. In a cluster one node's question makes all of them look, so a node that was asked by another lately asks nothing
 * itself; the leader is the first to ask.
 */
export class Routine {
  readonly #deps: RoutineDeps;
  #cancel: () => void = () => undefined;
  #isStopped = false;

  constructor(deps: RoutineDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#wait();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  /** To be called whenever this node has looked at all its networks, whoever asked. */
  looked(): void {
    this.#cancel();
    this.#wait();
  }

  #wait(): void {
    if (this.#isStopped) return;
    const { intervalMs, clock, isFirst, random } = this.#deps;
    const share = isFirst() ? 1 : 1 + LATENESS * (1 + random());
    this.#cancel = clock.after(intervalMs * share, () => void this.#look());
  }

  async #look(): Promise<void> {
    const { check, logger } = this.#deps;
    try {
      await check();
    } catch (error) {
      logger.warn({ error: errorMessage(error) }, 'the networks cannot be checked');
    }
    this.looked();
  }
}
