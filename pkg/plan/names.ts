const PARKED_SUFFIX = '.ovr-old';

/** The name an old container has while its replacement is being proven. Manifests may not declare such names. */
export function parkedName(name: string): string {
  return name + PARKED_SUFFIX;
}

/** The name of the object that a container of this name belongs to. */
export function objectNameOf(containerName: string): string {
  return containerName.endsWith(PARKED_SUFFIX)
    ? containerName.slice(0, -PARKED_SUFFIX.length)
    : containerName;
}
