/** Docker labels that ovr puts on everything it creates. Only what carries them is ever changed or removed. */
export const OWNER_LABELS = {
  cluster: 'ovr.cluster',
  kind: 'ovr.kind',
  name: 'ovr.name',
  specHash: 'ovr.spec-hash',
} as const;

/** `false` on what stays when its manifest goes. Beside the four above it proves nothing. */
export const PRUNE_LABEL = 'ovr.prune';

/** What the ownership labels of an engine object say. */
export interface Ownership {
  readonly cluster: string;
  readonly kind: string;
  readonly name: string;
  readonly specHash: string;
}

/** Reads the ownership labels; undefined where any is missing, so a half-labelled object counts as foreign. */
export function readOwnership(labels: Readonly<Record<string, string>>): Ownership | undefined {
  const cluster = labels[OWNER_LABELS.cluster];
  const kind = labels[OWNER_LABELS.kind];
  const name = labels[OWNER_LABELS.name];
  const specHash = labels[OWNER_LABELS.specHash];
  if (!cluster || !kind || !name || !specHash) return undefined;
  return { cluster, kind, name, specHash };
}

/**
 * The labels that mark an object as owned.
 * @param prune whether it goes with its manifest
 */
export function ownerLabels(owner: Ownership, prune = true): Record<string, string> {
  return {
    [OWNER_LABELS.cluster]: owner.cluster,
    [OWNER_LABELS.kind]: owner.kind,
    [OWNER_LABELS.name]: owner.name,
    [OWNER_LABELS.specHash]: owner.specHash,
    ...(prune ? {} : { [PRUNE_LABEL]: 'false' }),
  };
}

/** Whether the labels say that the object stays when its manifest goes. */
export function isLabelledToStay(labels: Readonly<Record<string, string>>): boolean {
  return labels[PRUNE_LABEL] === 'false';
}
