import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSecretHashes, readSecretHashes } from './secret-label.ts';

const hex = fc.stringMatching(/^[0-9a-f]{1,40}$/);
/** All that names a variable: no space, no equals sign. */
const variable = fc.stringMatching(/^[^=\s]{1,20}$/);

describe('the label with the hashes of secrets', () => {
  it('comes back as it was', () => {
    const hashes = fc.dictionary(variable, hex, { minKeys: 1 }).map((all) => new Map(Object.entries(all)));
    fc.assert(
      fc.property(hex, hashes, (keyId, map) => {
        expect(readSecretHashes(formatSecretHashes({ keyId, hashes: map }))).toEqual({ keyId, hashes: map });
      }),
    );
  });

  it.each([undefined, '', 'ab', 'ab ', 'xy A=01', 'ab A', 'ab A=', 'ab =01', 'ab A=01 B', 'ab A=0g'])(
    'says nothing where it is %j',
    (label) => expect(readSecretHashes(label)).toBeUndefined(),
  );
});
