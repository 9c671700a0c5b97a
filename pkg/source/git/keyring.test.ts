import { describe, expect, it } from 'vitest';
import { readKeyring } from './keyring.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const KEY = 'AAAAC3NzaC1lZDI1NTE5AAAAIJ8Jm3vJ0m1mZ5m1mZ5m1mZ5m1mZ5m1mZ5m1mZ5m1mZ5';
const armored = (data: string, headers = ''): string =>
  `-----BEGIN PGP PUBLIC KEY BLOCK-----\n${headers}\n${Buffer.from(data).toString('base64')}\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n`;

describe('a keyring', () => {
  it.each([
    ['armored', bytes(armored('one'))],
    ['armored, with a comment before it', bytes(`Ann's key\n${armored('one', 'Comment: x\n')}`)],
    ['armored, with Windows line ends', bytes(armored('one').replaceAll('\n', '\r\n'))],
  ])('of OpenPGP may be %s', (_how, content) => {
    const keyring = readKeyring(content);
    expect(keyring.type === 'openpgp' && Buffer.from(keyring.bytes).toString()).toBe('one');
  });

  it('of OpenPGP may be several armored ones', () => {
    const keyring = readKeyring(bytes(armored('one') + armored('two')));
    expect(keyring.type === 'openpgp' && Buffer.from(keyring.bytes).toString()).toBe('onetwo');
  });

  it.each([
    ['binary, old format', Uint8Array.of(0x98, 0x33, 0x04)],
    ['binary, long', Uint8Array.of(0x99, 0x01, 0x0d)],
    ['binary, new format', Uint8Array.of(0xc6, 0x33, 0x04)],
    ['a keybox', Uint8Array.of(0, 0, 0, 32, 1, 1, 0, 2, 0x4b, 0x42, 0x58, 0x66, 0)],
  ])('of OpenPGP may be %s', (_how, content) => {
    expect(readKeyring(content)).toEqual({ type: 'openpgp', bytes: content });
  });

  it.each([
    `ann@example.org ssh-ed25519 ${KEY}\n`,
    `# who may\n\nann@example.org,bob@example.org namespaces="git" ssh-ed25519 ${KEY} comment\r\n* ecdsa-sha2-nistp256 ${KEY}\n`,
    `* sk-ssh-ed25519@openssh.com ${KEY}`,
  ])('of ssh is an allowed-signers file: %j', (text) => {
    expect(readKeyring(bytes(text)).type).toBe('ssh');
  });

  it.each([
    ['', 'holds no key'],
    ['# nobody\n', 'holds no key'],
    ['some text', 'neither'],
    [`ann@example.org ssh-ed25519 ${KEY}\nbob\n`, 'neither'],
    ['-----BEGIN PGP PRIVATE KEY BLOCK-----\n', 'private key'],
    ['-----BEGIN OPENSSH PRIVATE KEY-----\n', 'private key'],
  ])('is not %j', (text, reason) => {
    expect(readKeyring(bytes(text))).toMatchObject({
      type: 'unknown',
      reason: expect.stringContaining(reason) as unknown,
    });
  });
});
