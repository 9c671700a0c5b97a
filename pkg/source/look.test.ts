import { execFileSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lookAtFolder, MAX_FILE_BYTES, scanFolder } from './look.ts';
import type { Sighting } from './sighting.ts';

let base: string;
let dir: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'ovr-look-'));
  dir = join(base, 'd');
  mkdirSync(dir);
});

afterEach(() => {
  rmSync(base, { recursive: true });
});

const put = (name: string, text = 'x\n'): void => writeFileSync(join(dir, name), text);
const see = (name: string): Sighting | undefined => lookAtFolder({ dir, names: [name] }).sightings[0];
const refusalOf = (name: string): string | undefined => {
  const sighting = see(name);
  return sighting?.kind === 'refused' ? sighting.refusal.code : undefined;
};

describe('lookAtFolder', () => {
  it('sees manifests, and only those directly in the folder', () => {
    for (const name of ['b.yaml', 'a.json', '.hidden.yaml', 'a.json~', 'README.md']) put(name);
    mkdirSync(join(dir, 'sub'));
    writeFileSync(join(dir, 'sub', 'c.yaml'), 'x');
    const names = lookAtFolder({ dir }).sightings.map(({ name }) => name);
    expect(names.sort()).toEqual(['a.json', 'b.yaml']);
  });

  it('tells which names are absent', () => {
    put('a.yaml');
    const look = lookAtFolder({ dir, names: ['a.yaml', 'b.yaml'] });
    expect([look.sightings.length, look.absent]).toEqual([1, ['b.yaml']]);
  });

  it('gives another print after a write, a change of mode and a rename, and the same one without', () => {
    const prints = new Set<string | undefined>();
    const note = (): void => void prints.add(see('a.yaml')?.print);
    put('a.yaml');
    note();
    note();
    expect(prints.size).toBe(1);
    put('a.yaml', 'xx\n');
    note();
    put('b.yaml', 'xx\n');
    renameSync(join(dir, 'b.yaml'), join(dir, 'a.yaml'));
    note();
    linkSync(join(dir, 'a.yaml'), join(dir, 'link'));
    note();
    expect(prints.size).toBeGreaterThanOrEqual(3);
  });

  it('knows a folder again, and tells another one of the same name apart', () => {
    const { identity } = lookAtFolder({ dir });
    put('a.yaml');
    expect(lookAtFolder({ dir }).identity).toBe(identity);
    rmSync(dir, { recursive: true });
    mkdirSync(dir);
    expect(lookAtFolder({ dir }).identity).not.toBe(identity);
  });

  it.each(['missing', 'a file'])('fails when the folder is %s', (what) => {
    rmSync(dir, { recursive: true });
    if (what === 'a file') writeFileSync(dir, '');
    expect(() => lookAtFolder({ dir })).toThrow(what === 'missing' ? 'ENOENT' : 'not a folder');
  });
});

describe('what is not followed or opened', () => {
  it('follows a link to a file in the folder, also through a folder in it as in a mounted ConfigMap', () => {
    mkdirSync(join(dir, '..2026_01'));
    writeFileSync(join(dir, '..2026_01', 'a.yaml'), 'x\n');
    symlinkSync('..2026_01', join(dir, '..data'));
    symlinkSync('..data/a.yaml', join(dir, 'a.yaml'));
    expect(see('a.yaml')).toMatchObject({ kind: 'file', target: join(dir, '..2026_01', 'a.yaml') });
  });

  it('works in a folder that is itself behind a link', () => {
    put('a.yaml');
    symlinkSync('a.yaml', join(dir, 'b.yaml'));
    symlinkSync(dir, join(base, 'link'));
    const look = lookAtFolder({ dir: join(base, 'link') });
    expect(look.sightings.map(({ kind }) => kind)).toEqual(['file', 'file']);
  });

  it.each([
    ['to a file elsewhere', '/etc/passwd'],
    ['to a file beside the folder', '../outside.yaml'],
    ['to a folder of a similar name', '../d2/a.yaml'],
    ['through /proc', '/proc/self/root/etc/passwd'],
  ])('does not follow a link %s', (_where, target) => {
    writeFileSync(join(base, 'outside.yaml'), 'x\n');
    mkdirSync(join(base, 'd2'));
    writeFileSync(join(base, 'd2', 'a.yaml'), 'x\n');
    symlinkSync(target, join(dir, 'a.yaml'));
    expect(refusalOf('a.yaml')).toBe('file-outside-folder');
  });

  it.each([
    ['leads nowhere', 'nothing.yaml'],
    ['leads to itself', 'a.yaml'],
  ])('reports a link that %s', (_what, target) => {
    symlinkSync(target, join(dir, 'a.yaml'));
    expect(refusalOf('a.yaml')).toBe('file-unreadable');
  });

  it('reports folders, pipes and links to them as not regular', () => {
    mkdirSync(join(dir, 'dir.yaml'));
    execFileSync('mkfifo', [join(dir, 'pipe.yaml')]);
    symlinkSync('pipe.yaml', join(dir, 'link.yaml'));
    for (const name of ['dir.yaml', 'pipe.yaml', 'link.yaml']) {
      expect(refusalOf(name)).toBe('file-not-regular');
    }
  });

  it('refuses a file over 4 MiB by its size alone', () => {
    put('a.yaml');
    truncateSync(join(dir, 'a.yaml'), MAX_FILE_BYTES);
    expect(refusalOf('a.yaml')).toBeUndefined();
    truncateSync(join(dir, 'a.yaml'), 1024 ** 4);
    expect(refusalOf('a.yaml')).toBe('file-too-large');
  });
});

describe('scanFolder', () => {
  it('sees what a complete look sees, and pauses on the way', async () => {
    for (let index = 0; index < 600; index += 1) put(`f${index}.yaml`);
    put('README.md');
    let pauses = 0;
    const scan = await scanFolder({ dir }, () => {
      pauses += 1;
      return Promise.resolve();
    });
    const look = lookAtFolder({ dir });
    expect(scan.identity).toBe(look.identity);
    expect(scan.listed?.names.map((name, index) => [name, scan.listed?.prints[index]])).toEqual(
      look.sightings.map(({ name, print }) => [name, print]),
    );
    expect(pauses).toBe(3);
  });

  it('lists nothing when everything is as it was at a scan before', async () => {
    put('a.yaml');
    put('b.yaml');
    const scan = (known?: string): ReturnType<typeof scanFolder> =>
      scanFolder({ dir, ...(known === undefined ? {} : { known }) }, () => Promise.resolve());
    const { digest, identity } = await scan();
    expect(await scan(digest)).toEqual({ digest, identity });
    renameSync(join(dir, 'b.yaml'), join(dir, 'c.yaml'));
    const after = await scan(digest);
    expect([after.digest === digest, after.listed?.names]).toEqual([false, ['a.yaml', 'c.yaml']]);
  });
});
