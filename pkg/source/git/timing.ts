const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 300_000;

/**
 * When to ask the remote next, milliseconds. Without failures about the interval; after one soon, then less and less often.
 * @param chance from 0 to 1, so that many agents do not ask at once
 */
export function nextDelayMs(intervalMs: number, failures: number, chance: number): number {
  if (failures === 0) return intervalMs * (0.9 + 0.2 * chance);
  const first = Math.min(FIRST_RETRY_MS, intervalMs);
  const longest = Math.max(LONGEST_RETRY_MS, intervalMs);
  return Math.min(longest, first * 2 ** (failures - 1)) * (0.5 + 0.5 * chance);
}
