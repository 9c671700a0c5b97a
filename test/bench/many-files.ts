/** Ten thousand manifests, an object a file: `box-N.yaml` on some networks, for rows about many files. */
import { containerManifest, networkManifest } from './workload.ts';

export const FILES = 10_000;
const NETWORKS = 50;
export const BOXES = FILES - NETWORKS;

/** Manifest by file name. */
export function manyFiles(): Map<string, string> {
  const networks = Array.from({ length: NETWORKS }, (_, index): [string, string] => [
    `net-${index}.yaml`,
    networkManifest(`net-${index}`, `10.1.${index}.0/24`),
  ]);
  const boxes = Array.from({ length: BOXES }, (_, index): [string, string] => [
    `box-${index}.yaml`,
    boxManifest(index, 'site'),
  ]);
  return new Map([...networks, ...boxes]);
}

export function boxManifest(number: number, alias: string): string {
  return containerManifest(`box-${number}`, `net-${number % NETWORKS}`, [alias]);
}
