/** The kinds of object a manifest can declare. */
export const KINDS = ['Network', 'Container', 'Alias'] as const;
export type Kind = (typeof KINDS)[number];

/** Names one object everywhere: in plans, logs, metrics, the API and the CLI. Written `Kind/name`. */
export type ObjectKey = `${Kind}/${string}`;

/** Builds the key of an object. */
export function objectKey(kind: Kind, name: string): ObjectKey {
  return `${kind}/${name}`;
}

/** Splits a key into its parts. Names hold no slash, so the first one separates. */
export function splitKey(key: ObjectKey): { kind: Kind; name: string } {
  const slash = key.indexOf('/');
  return { kind: key.slice(0, slash) as Kind, name: key.slice(slash + 1) };
}

/** Total order of strings by code unit: the same on every host, unlike a locale's. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
