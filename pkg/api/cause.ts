/** Why an action is needed. A closed set: it is a metric label, a log field and what `ovr explain` prints. */
export const REASONS = [
  'ManifestAdded',
  'ManifestChanged',
  'ManifestRemoved',
  'ConstraintUnmet',
  'Placed',
  'Moved',
  'Fenced',
  'Adopted',
  'Missing',
  'NotRunning',
  'Paused',
  'Renamed',
  'SpecDiffers',
  'EndpointMissing',
  'EndpointUnexpected',
  'AliasesDiffer',
  'AliasMoved',
  'AliasSwitched',
  'HolderReady',
  'HolderUnready',
  'AddressDiffers',
  'AddressChanged',
  'NetworkReplaced',
  'Unpublished',
  'RestartPolicyDiffers',
  'ResourcesDiffer',
  'Duplicate',
  'Unfinished',
  'NotReady',
  'Replaced',
  'SecretChanged',
] as const;
export type Reason = (typeof REASONS)[number];

/** One difference: the field, what the engine has, what the manifest wants. */
export interface Cause {
  readonly reason: Reason;
  /** True when no manifest change explains it: somebody or something else made it. */
  readonly drift: boolean;
  /** Path of the field, for example `networks[ovr0].aliases`. */
  readonly field: string;
  readonly observed: string;
  readonly desired: string;
  /** What mending it costs, or why it is not mended, and what a person can do. */
  readonly note?: string;
}

/** The form every surface shows: `networks[ovr0].aliases: [] → [nginx] (AliasesDiffer, drift)`, and a note after it. */
export function formatCause(cause: Cause): string {
  const origin = cause.drift ? `${cause.reason}, drift` : cause.reason;
  const difference = `${cause.field}: ${cause.observed} → ${cause.desired} (${origin})`;
  return cause.note === undefined ? difference : `${difference}; ${cause.note}`;
}

/** The field without names in brackets, so that it can be a metric label of a closed set. */
export function fieldClass(field: string): string {
  return field.replaceAll(/\[[^\]]*\]/g, '');
}
