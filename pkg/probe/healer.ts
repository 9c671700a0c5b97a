import { errorMessage, objectKey, type Clock, type Logger, type ObjectKey } from '../api/index.ts';
import { dueSuspects, looked, NO_HISTORY, told, tried, type Suspect } from '../check/index.ts';
import type { AgentStatus, Engine, Finding, FindingAnswer } from '../reconcile/index.ts';
import { keepsItsAddress, whyNotNow } from './fitness.ts';
import { Turnstile } from './turnstile.ts';

export interface HealerDeps {
  /** Between two checks. */
  readonly intervalMs: number;
  readonly cluster: string;
  readonly engine: Pick<Engine, 'observe'>;
  readonly status: () => AgentStatus;
  readonly republish: (finding: Finding) => FindingAnswer;
  /** Tells people why something is left alone. */
  readonly refused: (key: ObjectKey, message: string) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Makes endpoints of this node again that the others do not find, check after check: one at a time, with their addresses. */
export class Healer {
  readonly #deps: HealerDeps;
  readonly #turnstile = new Turnstile(1);
  #history = NO_HISTORY;

  constructor(deps: HealerDeps) {
    this.#deps = deps;
  }

  /** To be called whenever this node has looked at all its networks. */
  looked(): void {
    this.#history = looked(this.#history, this.#deps.clock.monotonic());
  }

  /** Takes what the check has come to in which this node looked last. Never fails. */
  hear(all: readonly Suspect[]): Promise<void> {
    const { logger, status } = this.#deps;
    return this.#turnstile.pass(async () => {
      const { node } = status();
      this.#history = told(
        this.#history,
        all.filter((suspect) => suspect.node === node),
      );
      try {
        await this.#act();
      } catch (error) {
        logger.debug(
          { error: errorMessage(error) },
          'endpoints that others do not find are left alone for now',
        );
      }
    });
  }

  async #act(): Promise<void> {
    const { clock, intervalMs, engine, cluster, status, republish, logger } = this.#deps;
    const due = dueSuspects(this.#history, { nowMs: clock.monotonic(), intervalMs });
    if (due.length === 0) return;
    const observed = await engine.observe();
    for (const suspect of due) {
      const why = whyNotNow(suspect, status());
      if (why !== undefined) {
        logger.info(
          { container: suspect.container, network: suspect.network, why },
          'an endpoint that others do not find is left alone',
        );
      } else if (!keepsItsAddress(suspect, observed, cluster)) this.#refuse(suspect);
      else {
        // Also where it is being made again already: never two at a time.
        if (republish(findingOf(suspect)) === 'taken') this.#remember(suspect, 'open');
        return;
      }
    }
  }

  #refuse(suspect: Suspect): void {
    const { container, network, address, why } = suspect;
    this.#remember(suspect, 'refused');
    this.#deps.refused(
      objectKey('Container', container),
      `${why}. It is left alone, since network ${network} has no configured subnet and ${address} could not be kept: ovr republish ${container} gives it another one, and breaks its connections`,
    );
  }

  #remember(suspect: Suspect, outcome: 'open' | 'refused'): void {
    this.#history = tried(this.#history, suspect, { atMs: this.#deps.clock.monotonic(), outcome });
  }
}

function findingOf({ container, network, why }: Suspect): Finding {
  return { key: objectKey('Container', container), network, address: 'kept', why };
}
