import type { BigIntStats } from 'node:fs';

/** Identifies one version of one file. */
export function printOf(stat: BigIntStats): string {
  return `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
}
