/** A seed that once showed a bug; it runs with every run. */
export interface KnownSeed {
  readonly seed: number;
  readonly name: string;
}

/** What the simulation has found, and where. */
export const KNOWN_SEEDS: readonly KnownSeed[] = [];
