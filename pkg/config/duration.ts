const MS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `500ms`, `30s`, `1h30m` in milliseconds; undefined where it is not a duration. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d{1,9}(ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, digits, unit] of text.matchAll(/(\d+)(ms|s|m|h)/g)) {
    total += Number(digits) * (MS_PER_UNIT[unit ?? ''] ?? 0);
  }
  return total;
}

/** A duration in one unit, as a person would write it: `500ms`, `30s`, `24h`. */
export function writeDuration(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}
