/** The value in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The smallest value that at least `percent` of them do not exceed; NaN of nothing. The median of an even count is between two. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (percent / 100) * sorted.length;
  const upper = sorted[Math.max(0, Math.ceil(rank) - 1)] ?? NaN;
  const isBetween = percent === 50 && Number.isInteger(rank) && rank > 0;
  return isBetween ? (upper + (sorted[rank] ?? upper)) / 2 : upper;
}

/** `4.61 s`, `182 ms`, `3.4 ms`. */
export function formatMs(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(2)} s`;
  return ms >= 100 ? `${ms.toFixed(0)} ms` : `${ms.toFixed(1)} ms`;
}

/** `median 182 ms, p99 201 ms`; the highest instead where there are too few for a percentile. */
export function formatSpread(values: readonly number[]): string {
  const isMany = values.length >= 50;
  const high = isMany ? percentile(values, 99) : Math.max(...values);
  return `${formatMs(median(values))} (${isMany ? 'p99' : 'max'} ${formatMs(high)})`;
}
