import { OvrError } from '../api/index.ts';

/** Shorter texts are in every message by chance. */
const MIN_LENGTH = 4;

/** A failure that tells nothing of these values, whatever the engine has quoted: neither one as a whole nor a line of it. */
export function withoutSecrets(error: OvrError, secrets: readonly string[]): OvrError {
  const parts = secrets.flatMap((secret) => [secret, ...secret.split(/\r?\n/)]);
  const told = parts.filter((part) => part.length >= MIN_LENGTH && error.message.includes(part));
  if (told.length === 0) return error;
  // Longest first: a line of a value is a part of it.
  const longestFirst = told.toSorted((a, b) => b.length - a.length);
  const message = longestFirst.reduce((text, part) => text.replaceAll(part, '***'), error.message);
  return new OvrError(error.code, error.kind, message);
}
