/** Time as a dependency. Everything that waits, backs off or stamps gets one of these, so that tests own time. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch: for people and for comparing with the engine's own stamps. */
  now(): number;
  /** Never goes back; milliseconds: for leases, back-off and durations. */
  monotonic(): number;
  /** Calls `callback` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

/** Resolves after so many milliseconds of the clock. */
export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}
