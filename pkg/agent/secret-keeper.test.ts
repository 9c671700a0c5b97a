import { chmod, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSecretKeeper } from './secret-keeper.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ovr-keeper-'));
  path = join(folder, 'state', 'secrets.key');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the key of a host', () => {
  it('is made when it is needed, once, for this user alone', async () => {
    const keeper = createSecretKeeper(path);
    expect(await keeper.key(false)).toBeUndefined();
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
    const keys = await Promise.all(
      [keeper, createSecretKeeper(path), createSecretKeeper(path)].map((each) => each.key(true)),
    );
    expect(new Set(keys.map((key) => key?.id)).size).toBe(1);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'state'))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(folder, 'state'))).toEqual(['secrets.key']);
    expect((await createSecretKeeper(path).key(false))?.hash('a')).toBe(keys[0]?.hash('a'));
  });

  it('tells neither itself nor what it hashes', async () => {
    const key = await createSecretKeeper(path).key(true);
    const secret = (await readFile(path, 'utf8')).trim();
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(key?.id).toMatch(/^[0-9a-f]{16}$/);
    expect(secret).not.toContain(key?.id);
    expect(JSON.stringify(key)).toBe(JSON.stringify({ id: key?.id }));
    expect(key?.hash('a')).toMatch(/^[0-9a-f]{32}$/);
    expect(key?.hash('a')).not.toBe(key?.hash('b'));
  });

  it('is another one on another host', async () => {
    const [one, two] = [join(folder, 'one'), join(folder, 'two')];
    const [a, b] = await Promise.all([one, two].map((each) => createSecretKeeper(each).key(true)));
    expect([a?.id === b?.id, a?.hash('x') === b?.hash('x')]).toEqual([false, false]);
  });

  it.each<[what: string, spoil: () => Promise<unknown>, why: RegExp]>([
    ['others may read', () => chmod(path, 0o644), /others may use it; chmod 600 \//],
    ['was cut', () => writeFile(path, 'abc'), /holds no key; put it back from a backup, or remove it/],
    ['is something else', () => writeFile(path, `${'g'.repeat(64)}\n`), /holds no key/],
    [
      'is a link',
      async () => {
        await rename(path, join(folder, 'elsewhere'));
        await symlink(join(folder, 'elsewhere'), path);
      },
      /ELOOP/,
    ],
  ])('that %s is not used, nor replaced, and nothing of it is told', async (_, spoil, why) => {
    const keeper = createSecretKeeper(path);
    await keeper.key(true);
    await spoil();
    const before = await readFile(path, 'utf8');
    for (const make of [false, true]) {
      const failure: unknown = await keeper.key(make).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'secret-unreadable', kind: 'waiting' });
      expect(String(failure)).toMatch(why);
      expect(String(failure)).not.toContain(before.trim().slice(0, 16));
    }
    expect(await readFile(path, 'utf8')).toBe(before);
  });

  it('that cannot be made says why', async () => {
    await writeFile(join(folder, 'state'), '');
    await expect(createSecretKeeper(path).key(true)).rejects.toMatchObject({
      code: 'secret-unreadable',
      message: expect.stringContaining(`cannot use the key file ${path}`) as string,
    });
  });
});

describe('the stamp of a file', () => {
  const file = (): string => join(folder, 'token');
  const stamp = async (): Promise<string> => (await createSecretKeeper(path).stamp(file())).stamp;

  it('stays while the file does, and changes with what is done to it', async () => {
    await writeFile(file(), 'one');
    const first = await stamp();
    expect(await stamp()).toBe(first);
    await writeFile(join(folder, 'new'), 'one');
    await rename(join(folder, 'new'), file());
    expect(await stamp()).not.toBe(first);
  });

  it('follows links, as the read does', async () => {
    await writeFile(join(folder, 'a'), 'one');
    await writeFile(join(folder, 'b'), 'two');
    await symlink(join(folder, 'a'), file());
    const first = await stamp();
    await rm(file());
    await symlink(join(folder, 'b'), file());
    expect(await stamp()).not.toBe(first);
  });

  it('fails where there is no file', async () => {
    await expect(stamp()).rejects.toMatchObject({ code: 'secret-unreadable', kind: 'waiting' });
  });
});
