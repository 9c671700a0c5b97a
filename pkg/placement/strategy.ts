import type { Strategy } from './input.ts';
import type { NodeLoad } from './node-load.ts';

/** Whether the first node gets the next container rather than the second, both having room for it. */
export type Preference = (a: NodeLoad, b: NodeLoad) => boolean;

/** How a strategy prefers nodes. The node that takes the container of course changes its own rank, and no other does. */
export const PREFERENCES: Readonly<Record<Strategy, Preference>> = {
  /** Fewest containers, then the smallest requested share, then the name. */
  spread: (a, b) => {
    if (a.count !== b.count) return a.count < b.count;
    return a.share === b.share ? a.index < b.index : a.share < b.share;
  },
  /** Largest requested share, then most containers, then the name. */
  binpack: (a, b) => {
    if (a.share !== b.share) return a.share > b.share;
    return a.count === b.count ? a.index < b.index : a.count > b.count;
  },
};
