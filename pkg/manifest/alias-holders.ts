import type { Selector } from '../api/index.ts';
import type { AliasSpec, ContainerObject } from './objects.ts';

/** Containers that an alias's selector chooses. */
export interface AliasCandidates {
  readonly holders: readonly ContainerObject[];
  /** Chosen too, but not on the alias's network: they cannot hold the name. */
  readonly unattached: readonly ContainerObject[];
}

/** The containers that an alias chooses, by its own selector or by another one in its place. */
export function aliasCandidates(
  { network, selector }: Pick<AliasSpec, 'network' | 'selector'>,
  containers: readonly ContainerObject[],
): AliasCandidates {
  const chosen = containers.filter(({ labels }) => hasLabels(labels, selector));
  const isAttached = ({ spec }: ContainerObject): boolean =>
    spec.networks?.some(({ name }) => name === network) ?? false;
  return { holders: chosen.filter(isAttached), unattached: chosen.filter((object) => !isAttached(object)) };
}

function hasLabels(labels: Readonly<Record<string, string>>, selector: Selector): boolean {
  return Object.entries(selector).every(([label, value]) => labels[label] === value);
}
