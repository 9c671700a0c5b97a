import type { ObjectKey } from '../api/index.ts';
import type { AgentStatus } from '../reconcile/index.ts';
import { NO_STAMP, type Stamp } from './stamp.ts';

/** What a status proves beyond what it says. */
export interface Testimony {
  /** Bindings that were known before the engine was looked at. */
  readonly acting: Stamp;
  /** Objects on which steps may have run since then. */
  readonly worked: ReadonlySet<ObjectKey>;
}

/**
 * Tells what the absence of a container from a status proves. A round looks at the engine first and asks for the bindings later, and a step
 * that was allowed by older bindings may still be starting a container that was not there yet. So a round is believed to act on no more
 * than what was known when the round before it ended: no step begins against that any more. And what was being worked on at that time
 * may be running, whatever the look at the engine showed.
 */
export class Witness {
  #known: Stamp = NO_STAMP;
  #worked: ReadonlySet<ObjectKey> = new Set();

  /** `newest`: bindings that are known now, and that each further step is held against. */
  see(status: AgentStatus, newest: Stamp): Testimony {
    const worked = new Set([...this.#worked, ...status.working]);
    const testimony = { acting: this.#known, worked };
    // A status that an engine in trouble caused may come in the middle of a round: it ends nothing.
    const isRound = status.engine.up && status.lastRoundMs !== undefined;
    this.#worked = isRound ? new Set(status.working) : worked;
    if (isRound) this.#known = { epoch: newest.epoch, turn: newest.turn };
    return testimony;
  }
}
