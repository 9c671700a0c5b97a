import type { Clock } from '../api/index.ts';
import { describeHolds, type HoldScene, type HoldStatus } from './hold-status.ts';
import { activeHolds, isActive, type Hold } from './holds.ts';
import type { Coordination } from './ports.ts';

/** One hold that began or ended for this agent. */
export interface HoldNews {
  readonly hold: Hold;
  /** `replaced`: another one with the same ID was in force. */
  readonly change: 'begun' | 'replaced' | 'released' | 'expired';
}

interface HoldEars {
  readonly tell: (news: HoldNews) => void;
  /** In how many milliseconds the next one ends by itself. */
  readonly endsIn: (ms: number) => void;
}

/** A timer for longer does not work everywhere. */
const LONGEST_WAIT_MS = 24 * 3_600_000;

/** Remembers which holds were in force, so that each beginning and each end is told once. */
export class HoldWatch {
  readonly #coordination: Pick<Coordination, 'holds'>;
  readonly #clock: Clock;
  readonly #ears: HoldEars;
  #known: ReadonlyMap<string, Hold> = new Map();

  constructor(
    { coordination, clock }: { readonly coordination: Pick<Coordination, 'holds'>; readonly clock: Clock },
    ears: HoldEars,
  ) {
    this.#coordination = coordination;
    this.#clock = clock;
    this.#ears = ears;
  }

  /** Those in force now. */
  status(scene: HoldScene): readonly HoldStatus[] {
    return describeHolds(this.#active(), scene);
  }

  /** Tells what has begun or ended since the last look, and when the next one ends by itself. */
  look(): void {
    const nowMs = this.#clock.now();
    const before = this.#known;
    const active = new Map(this.#active().map((hold) => [hold.id, hold]));
    this.#known = active;
    for (const [id, hold] of before) {
      if (!active.has(id)) this.#ears.tell({ hold, change: isActive(hold, nowMs) ? 'released' : 'expired' });
    }
    for (const [id, hold] of active) {
      const old = before.get(id);
      if (old === undefined) this.#ears.tell({ hold, change: 'begun' });
      else if (JSON.stringify(old) !== JSON.stringify(hold)) this.#ears.tell({ hold, change: 'replaced' });
    }
    const ends = [...active.values()].flatMap(({ untilMs }) => (untilMs === undefined ? [] : [untilMs]));
    if (ends.length > 0) this.#ears.endsIn(Math.max(1, Math.min(...ends, nowMs + LONGEST_WAIT_MS) - nowMs));
  }

  #active(): readonly Hold[] {
    return activeHolds(this.#coordination.holds.list(), this.#clock.now());
  }
}
