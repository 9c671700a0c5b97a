import type { Clock, ObjectKey } from '../../api/index.ts';
import type { ObjectPlan, Unpublished } from '../../plan/index.ts';
import type { Board } from '../board.ts';
import type { Journal } from '../journal.ts';
import type { Observer } from '../observer.ts';
import type { HealRecord } from '../status.ts';
import { Republisher, type Finding, type FindingAnswer } from './republisher.ts';

export interface HealDeskDeps {
  readonly board: Board;
  readonly journal: Journal;
  readonly observer: Observer;
  readonly clock: Clock;
}

/** What is to be healed on a probe's word, and everybody who is told of what was healed. */
export class HealDesk {
  readonly #deps: HealDeskDeps;
  readonly #republisher = new Republisher();

  constructor(deps: HealDeskDeps) {
    this.#deps = deps;
  }

  /** What the next plan is to act on. */
  get unpublished(): ReadonlyMap<ObjectKey, readonly Unpublished[]> {
    return this.#republisher.findings;
  }

  readonly healed = (record: HealRecord): void => {
    const { board, journal, observer } = this.#deps;
    board.heal(record);
    journal.healed(record);
    observer.healed(record.playbook);
  };

  take(finding: Finding): FindingAnswer {
    const answer = this.#republisher.take(finding, this.#deps.clock.monotonic());
    if (answer === 'too-often') this.#deps.journal.healingStopped(finding);
    return answer;
  }

  ran(plan: ObjectPlan): void {
    this.#republisher.ran(plan);
  }

  planned(objects: readonly ObjectPlan[], working: ReadonlySet<ObjectKey>): void {
    this.#republisher.planned(objects, working);
  }
}
