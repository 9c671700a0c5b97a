import { sequence } from '../../pkg/reconcile/simulated/random.ts';

/** Chance that depends on a seed alone. */
export class Dice {
  readonly next: () => number;

  constructor(seed: number) {
    this.next = sequence(seed);
    // Small seeds begin alike.
    for (let skip = 0; skip < 4; skip += 1) this.next();
  }

  /** A stream of its own: what is drawn from it moves nothing here. */
  fork(): Dice {
    return new Dice(Math.floor(this.next() * 2 ** 32));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** As often near the low end as far from it: short faults matter as much as long ones. */
  spread(low: number, high: number): number {
    return Math.round(low * (high / low) ** this.next());
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.next() * items.length)]!;
  }

  /** By weight; weights are not below zero and not all zero. */
  weighted<Item>(items: readonly (readonly [Item, number])[]): Item {
    let left = this.next() * items.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [item, weight] of items) {
      left -= weight;
      if (left < 0) return item;
    }
    return items.at(-1)![0];
  }
}
