const DIGEST_SHOWN = 12;

/** The beginning of a digest that people read and write. */
export function shortRevision(digest: string): string {
  return digest.slice(0, DIGEST_SHOWN);
}
