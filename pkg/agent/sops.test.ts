import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, describe } from 'vitest';
import { stringify } from 'yaml';
import {
  installSopsStandIn,
  sealedText,
  sopsMetadata,
  STAND_IN_KEY,
} from '../../test/tools/sops-stand-in.ts';
import { openSealed } from './sops.ts';

const SECRET = 'planted-and-sealed-577';
let folder: string;
let ageKeyFile: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ovr-sops-test-'));
  await installSopsStandIn(folder);
  ageKeyFile = join(folder, 'keys');
  await writeFile(ageKeyFile, `# a key\n${STAND_IN_KEY}\n`);
});
afterAll(() => rm(folder, { recursive: true }));

function sealed(change: object = {}): object {
  const document = {
    kind: 'Container',
    spec: {
      image: 'a',
      env: [
        { name: 'TOKEN', value: sealedText(SECRET) },
        { name: 'LINES', value: sealedText('a\nb\n') },
        { name: 'PLAIN', value: 'b' },
        { name: 'NUL', value: sealedText('a\0b') },
        { name: 'FILE', valueFrom: { file: '/x' } },
      ],
    },
  };
  return { ...document, sops: sopsMetadata(document), ...change };
}

/** Puts another program in the place of sops. */
async function other(script: string): Promise<string> {
  const path = await mkdtemp(join(folder, 'other-'));
  await writeFile(join(path, 'sops'), script);
  await chmod(join(path, 'sops'), 0o755);
  return path;
}

const path = (): string => `${folder}:/usr/bin:/bin`;

async function failure(text: string, options: Parameters<typeof openSealed>[1]): Promise<string> {
  const error: unknown = await openSealed(text, options).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'secret-unreadable', kind: 'waiting' });
  const told = error instanceof Error ? `${error.message} ${JSON.stringify(error.cause)} ${error.stack}` : '';
  expect(told).not.toContain(SECRET);
  return error instanceof Error ? error.message : '';
}

describe('openSealed', () => {
  it.each([
    ['YAML', stringify],
    ['JSON', (value: unknown) => JSON.stringify(value)],
  ])('hands %s to sops, without a name on disk, and takes the texts of env', async (_, write) => {
    const opened = await openSealed(write(sealed()), { path: path(), ageKeyFile });
    expect([...opened]).toEqual([
      ['TOKEN', SECRET],
      ['LINES', 'a\nb\n'],
      ['PLAIN', 'b'],
    ]);
    expect((await readdir(tmpdir())).filter((name) => /^ovr-sops-(?!test-)/.test(name))).toEqual([]);
  });

  it('says that sops is not installed', async () => {
    const message = await failure(JSON.stringify(sealed()), { path: join(folder, 'none'), ageKeyFile });
    expect(message).toBe(
      'cannot decrypt the manifest: sops is not installed here; put its program into /usr/local/bin',
    );
  });

  it('says that no key opens it', async () => {
    const text = JSON.stringify(sealed());
    expect(await failure(text, { path: path() })).toMatch(/no key here opens it; .*--sops-age-key-file/);
    await writeFile(join(folder, 'wrong-keys'), 'AGE-SECRET-KEY-1OTHER\n');
    expect(await failure(text, { path: path(), ageKeyFile: join(folder, 'wrong-keys') })).toMatch(
      /no key here/,
    );
  });

  it('says that it was changed without sops, and nothing of what sops printed', async () => {
    const text = JSON.stringify(sealed({ kind: 'Network' }));
    expect(await failure(text, { path: path(), ageKeyFile })).toMatch(/was changed after it was encrypted/);
  });

  it.each([
    [
      'ends badly',
      `echo ${SECRET}; echo ${SECRET} >&2; exit 7`,
      /sops ended with code 7; run sops --decrypt/,
    ],
    ['prints no JSON', `echo ${SECRET}`, /is no JSON/],
    ['prints without end', `while :; do echo ${SECRET}; done`, /is larger than any manifest/],
    ['does not end', `echo ${SECRET}; exec sleep 600`, /sops has not ended within 2 s/],
  ])('gives up on a sops that %s', async (_, script, expected) => {
    const options = { path: `${await other(`#!/bin/sh\n${script}\n`)}:/usr/bin:/bin`, deadlineMs: 2_000 };
    expect(await failure('{}', options)).toMatch(expected);
  });

  it('gives up on a sops that cannot be run', async () => {
    const path = await other('');
    await chmod(join(path, 'sops'), 0o644);
    expect(await failure('{}', { path })).toMatch(/sops (cannot be started|is not installed)/);
  });
});
