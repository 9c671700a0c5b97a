const PARKED_SUFFIX = '.ovr-old';
const COMING_SUFFIX = '.ovr-new';
const ASIDE_SUFFIX = '.ovr-aside';

/** The name an old container has while its replacement is being proven. Manifests may not declare such names. */
export function parkedName(name: string): string {
  return name + PARKED_SUFFIX;
}

/** The name a new container has while it is made ready beside the old one. Manifests may not declare such names. */
export function comingName(name: string): string {
  return name + COMING_SUFFIX;
}

/** The name under which a container steps aside for a moment: one that the plan does not take for what it is not. */
export function asideName(containerName: string): string {
  const name = objectNameOf(containerName);
  return containerName === name ? parkedName(name) : name + ASIDE_SUFFIX;
}

/** All names that containers of an object of this name may bear. */
export function namesOf(name: string): string[] {
  return [name, parkedName(name), comingName(name), name + ASIDE_SUFFIX];
}

/** The name of the object that a container of this name belongs to. */
export function objectNameOf(containerName: string): string {
  const suffix = [PARKED_SUFFIX, COMING_SUFFIX, ASIDE_SUFFIX].find((end) => containerName.endsWith(end));
  return suffix === undefined ? containerName : containerName.slice(0, -suffix.length);
}
