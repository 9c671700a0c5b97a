import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadFiles } from './load.ts';
import { lookAtFolder } from './look.ts';
import type { LoadRequest, LoadResult, ReadRules } from './sighting.ts';
import type { WriterCheck } from './writers.ts';

let base: string;
let dir: string;
let parsed: string[];
let writers: WriterCheck;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'ovr-load-'));
  dir = join(base, 'd');
  mkdirSync(dir);
  parsed = [];
  writers = { status: 'none' };
});

afterEach(() => {
  rmSync(base, { recursive: true });
});

const STRICT: ReadRules = { checkWriters: 'always', acceptBlind: false, acceptUnterminated: false };
const put = (name: string, data: string | Uint8Array): void => writeFileSync(join(dir, name), data);

function requestFor(name: string, rules: Partial<ReadRules> = {}): LoadRequest {
  const sighting = lookAtFolder({ dir, names: [name] }).sightings[0];
  if (sighting?.kind !== 'file') throw new Error('the test put no file there');
  const { print, size, target } = sighting;
  const link = target === undefined ? {} : { target };
  return { name, file: `d/${name}`, print, size, rules: { ...STRICT, ...rules }, ...link };
}

function load(request: LoadRequest, parse = (text: string) => void parsed.push(text)): LoadResult {
  const context = {
    parse: (text: string) => {
      parse(text);
      return { objects: [], diagnostics: [] };
    },
    writers: () => writers,
  };
  const [result] = loadFiles(dir, [request], context);
  if (result === undefined) throw new Error('no result');
  return result;
}

describe('loadFiles', () => {
  it('reads exactly the version that was seen', () => {
    put('a.yaml', 'x: 1\n');
    const request = requestFor('a.yaml');
    expect(load(request)).toMatchObject({ name: 'a.yaml', status: 'loaded' });
    expect(parsed).toEqual(['x: 1\n']);
    appendFileSync(join(dir, 'a.yaml'), 'y: 1\n');
    expect(load(request).status).toBe('changed');
  });

  it('does not parse content that is known already', () => {
    put('a.yaml', 'x: 1\n');
    const first = load(requestFor('a.yaml'));
    if (first.status !== 'loaded') throw new Error(first.status);
    put('a.yaml', 'x: 1\n');
    expect(load({ ...requestFor('a.yaml'), hash: first.hash }).status).toBe('same');
    expect(parsed.length).toBe(1);
  });

  it.each([
    ['removed', (path: string) => rmSync(path)],
    [
      'swapped for a link to a secret',
      (path: string) => {
        rmSync(path);
        symlinkSync('/etc/shadow', path);
      },
    ],
    [
      'swapped for a pipe',
      (path: string) => {
        rmSync(path);
        execFileSync('mkfifo', [path]);
      },
    ],
  ])('says changed, and neither follows nor waits, when the file is %s after it was seen', (_what, swap) => {
    put('a.yaml', 'x: 1\n');
    const request = requestFor('a.yaml');
    swap(join(dir, 'a.yaml'));
    expect(load(request).status).toBe('changed');
    expect(parsed).toEqual([]);
  });

  it('reads through a link in the folder, but not when the way to it leads out by then', () => {
    mkdirSync(join(dir, '..1'));
    writeFileSync(join(dir, '..1', 'a.yaml'), 'x: 1\n');
    symlinkSync('..1/a.yaml', join(dir, 'a.yaml'));
    const request = requestFor('a.yaml');
    expect(load(request).status).toBe('loaded');
    renameSync(join(dir, '..1'), join(base, 'moved'));
    symlinkSync('../moved', join(dir, '..1'));
    expect(load(request).status).toBe('changed');
  });

  it.each<[WriterCheck, Partial<ReadRules>, string]>([
    [{ status: 'open', by: 'vi (pid 1)' }, {}, 'busy'],
    [{ status: 'open', by: 'vi (pid 1)' }, { acceptBlind: true }, 'busy'],
    [{ status: 'blind' }, {}, 'blind'],
    [{ status: 'blind' }, { acceptBlind: true }, 'loaded'],
    [{ status: 'open', by: 'vi (pid 1)' }, { checkWriters: 'never' }, 'loaded'],
    [{ status: 'open', by: 'vi (pid 1)' }, { checkWriters: 'doubtful' }, 'loaded'],
  ])('with writers %j and rules %j: %s', (check, rules, expected) => {
    put('a.yaml', 'x: 1\n');
    writers = check;
    expect(load(requestFor('a.yaml', rules)).status).toBe(expected);
  });

  it.each([
    ['a large file', '# long\n'.repeat(10_000)],
    ['a file without a newline at its end', 'x: 1'],
    ['an empty file', ''],
  ])('looks for writers of %s when in doubt', (_what, text) => {
    put('a.yaml', text);
    writers = { status: 'open', by: 'vi (pid 1)' };
    const rules = { checkWriters: 'doubtful', acceptUnterminated: true } as const;
    expect(load(requestFor('a.yaml', rules)).status).toBe('busy');
    writers = { status: 'none' };
    expect(load(requestFor('a.yaml', rules)).status).toBe('loaded');
  });

  it.each([
    ['a.yaml', 'x: 1', 'unterminated'],
    ['a.yaml', '', 'unterminated'],
    ['a.yaml', 'x: 1\r\n', 'loaded'],
    ['a.json', '{"x": [1]}', 'loaded'],
    ['a.json', '{"x": [1]', 'unterminated'],
    ['a.json', '', 'unterminated'],
  ])('of %s with %j: %s', (name, text, expected) => {
    put(name, text);
    expect(load(requestFor(name)).status).toBe(expected);
  });

  it.each([
    ['UTF-8 with a byte order mark', Buffer.from('\uFEFFx: 1\n'), ['x: 1\n']],
    ['UTF-16', Buffer.from('\uFEFFx: 1\n', 'utf16le'), []],
    ['Latin-1', Buffer.from('x: caf\u00e9\n', 'latin1'), []],
  ])('reads %s, or refuses it', (_what, bytes, texts) => {
    put('a.yaml', bytes);
    const result = load(requestFor('a.yaml'));
    expect(parsed).toEqual(texts);
    if (texts.length === 0) expect(result).toMatchObject({ refusal: { code: 'encoding-invalid' } });
  });

  it('survives a parser that throws', () => {
    put('a.yaml', 'x: 1\n');
    const result = load(requestFor('a.yaml'), () => {
      throw new RangeError('Maximum call stack size exceeded');
    });
    expect(result).toMatchObject({ status: 'refused', refusal: { code: 'parse-failed' } });
  });
});
