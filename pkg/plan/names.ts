const PARKED_SUFFIX = '.ovr-old';

/** The name an old container has while its replacement is being proven. Manifests may not declare such names. */
export function parkedName(name: string): string {
  return name + PARKED_SUFFIX;
}
