/** Bytes of one file; a larger one is not looked at. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;
/** Bytes of one document. */
export const MAX_DOCUMENT_BYTES = 64 * 1024;
/** Documents of one file. */
export const MAX_DOCUMENTS = 10_000;
/** Lists and maps inside each other; a manifest needs 6. */
export const MAX_DEPTH = 32;
/** Values that aliases may add to one document: enough for shared blocks, too few for a bomb. */
export const MAX_ALIASED_VALUES = 10_000;
/** Problems reported of one file; after that reading it stops. */
export const MAX_PROBLEMS = 100;

/** Size of a text as UTF-8. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    // Each half of a surrogate pair counts 2 of the pair's 4 bytes.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}
