/** What kind of keyring a file is, by its content. */
export type Keyring =
  | { readonly type: 'openpgp'; readonly bytes: Uint8Array }
  | { readonly type: 'ssh'; readonly text: string }
  | { readonly type: 'unknown'; readonly reason: string };

const ARMOR = /-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(.*?)-----END PGP PUBLIC KEY BLOCK-----/gs;
const KEYBOX_MAGIC = 'KBXf';
const KEYBOX_MAGIC_AT = 8;
/** First bytes of a public key packet, in the old and the new format. */
const PUBLIC_KEY_TAGS: ReadonlySet<number> = new Set([0x98, 0x99, 0x9a, 0xc6]);
const SIGNER_LINE = /(?:^|\s)(?:sk-)?(?:ssh|ecdsa)-[\w@.-]+\s+[\w+/=]{40,}/;
const MAX_BYTES = 16 * 1024 * 1024;

/** Tells an OpenPGP keyring (armored, binary or keybox) from an allowed-signers file of ssh. */
export function readKeyring(bytes: Uint8Array): Keyring {
  if (bytes.length > MAX_BYTES) return unknown('it is larger than 16 MiB');
  const isKeybox = asciiAt(bytes, KEYBOX_MAGIC_AT, KEYBOX_MAGIC.length) === KEYBOX_MAGIC;
  if (isKeybox || PUBLIC_KEY_TAGS.has(bytes[0] ?? 0)) return { type: 'openpgp', bytes };
  const text = new TextDecoder().decode(bytes);
  if (text.includes('PRIVATE KEY')) return unknown('it holds a private key; only public keys belong there');
  const blocks = [...text.matchAll(ARMOR)].map(([, body = '']) => unarmored(body));
  if (blocks.length > 0) return { type: 'openpgp', bytes: Buffer.concat(blocks) };
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.trimStart().startsWith('#'));
  if (lines.length === 0) return unknown('it holds no key');
  const wrong = lines.find((line) => !SIGNER_LINE.test(line));
  if (wrong === undefined) return { type: 'ssh', text };
  return unknown(
    'it is neither OpenPGP public keys nor an allowed-signers file (`PRINCIPAL ssh-ed25519 KEY` a line)',
  );
}

/** The base64 between the headers and the checksum. */
function unarmored(body: string): Buffer {
  const lines = body.split(/\r?\n/);
  const start = lines.findIndex((line) => line.trim() === '');
  const data = lines.slice(start + 1).filter((line) => !line.startsWith('='));
  return Buffer.from(data.join(''), 'base64');
}

function asciiAt(bytes: Uint8Array, start: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(start, start + length));
}

function unknown(reason: string): Keyring {
  return { type: 'unknown', reason };
}
