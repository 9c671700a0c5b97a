/**
 * Keyed hashes of the secret values that a container was made with, by variable. They say nothing to anybody who has not the key of the host,
 * which is in no label. Empty: it was made while there was no key.
 */
export const SECRET_HASH_LABEL = 'ovr.secret-hash';

/** As the spec hash, but without the texts that are encrypted in the manifest: encrypting the same values anew changes only the other. */
export const PLAIN_HASH_LABEL = 'ovr.plain-hash';

export interface SecretHashes {
  /** Which key they were made with. */
  readonly keyId: string;
  /** By name of the variable. */
  readonly hashes: ReadonlyMap<string, string>;
}

/** `KEY NAME=HASH NAME=HASH`: no name of a variable has a space or an equals sign. */
export function formatSecretHashes({ keyId, hashes }: SecretHashes): string {
  return [keyId, ...[...hashes].map(([name, hash]) => `${name}=${hash}`).sort()].join(' ');
}

/** What `formatSecretHashes` has written; undefined for anything else. */
export function readSecretHashes(label: string | undefined): SecretHashes | undefined {
  const [keyId = '', ...entries] = (label ?? '').split(' ');
  const pairs = entries.map((entry) => /^([^=]+)=([0-9a-f]+)$/.exec(entry));
  if (!/^[0-9a-f]+$/.test(keyId) || pairs.length === 0 || pairs.includes(null)) return undefined;
  return { keyId, hashes: new Map(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? ''])) };
}
