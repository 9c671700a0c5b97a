/**
 * Numbers that look random and depend on the seed alone (mulberry32), so that a failing run can be repeated.
 * Each call gives the next one, from 0 up to but not 1.
 */
export function sequence(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** A Docker ID, 64 hex digits, for a counter. */
export function idOf(counter: number): string {
  const next = sequence(counter);
  return Array.from({ length: 8 }, () =>
    Math.floor(next() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0'),
  ).join('');
}

/** A copy in another order (Fisher-Yates). */
export function shuffled<Item>(items: readonly Item[], next: () => number): Item[] {
  const rest = [...items];
  const result: Item[] = [];
  while (rest.length > 0) result.push(...rest.splice(Math.floor(next() * rest.length), 1));
  return result;
}
