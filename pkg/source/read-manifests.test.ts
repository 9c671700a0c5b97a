import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeClock } from '../api/index.ts';
import { readManifests, type ManifestsRead } from './read-manifests.ts';
import type { VariableOptions } from './variable-set.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ovr-read-'));
});

afterEach(() => {
  rmSync(dir, { recursive: true });
});

const manifest = (name: string): string =>
  `apiVersion: ovr/v1\nkind: Network\nmetadata: {name: ${name}}\nspec: {}\n`;
const put = (file: string, text: string): string => {
  writeFileSync(join(dir, file), text);
  return join(dir, file);
};
const read = (paths: string[], stdin?: string): Promise<ManifestsRead> =>
  readManifests(paths, { clock: new FakeClock(), ...(stdin === undefined ? {} : { stdin }) });
const asking =
  'apiVersion: ovr/v1\nkind: Network\nmetadata:\n  name: ${NAME}\n  annotations: {ovr/substitute: "true"}\nspec:\n  mtu: ${MTU}\n';
const keys = ({ revision }: ManifestsRead): string[] => [...revision.objects.keys()];
const codes = ({ diagnostics }: ManifestsRead): string[] => diagnostics.map(({ code }) => code);

it('reads files whatever their name, folders for their manifests, and standard input, each file once', async () => {
  const text = put('anything.txt', manifest('a'));
  put('b.yaml', manifest('b'));
  put('.hidden.yaml', manifest('hidden'));
  const result = await read([text, dir, join(dir, 'b.yaml'), dir, '-'], manifest('c'));
  expect([keys(result), codes(result)]).toEqual([['Network/a', 'Network/b', 'Network/c'], []]);
  expect(result.revision.objects.get('Network/b')?.origin.file).toBe(join(dir, 'b.yaml'));
  expect(result.revision.objects.get('Network/c')?.origin.file).toBe('<stdin>');
});

it('reads the folders below too where it is asked to, but for hidden ones', async () => {
  for (const folder of ['sub', 'sub/deep', 'sub/empty', '.git']) mkdirSync(join(dir, folder));
  put('a.yaml', manifest('a'));
  put('sub/b.yaml', manifest('b'));
  put('sub/deep/c.yaml', manifest('c'));
  put('.git/d.yaml', manifest('d'));
  expect(keys(await read([dir]))).toEqual(['Network/a']);
  const result = await readManifests([dir], { clock: new FakeClock(), recursive: true });
  expect([keys(result), codes(result)]).toEqual([['Network/a', 'Network/b', 'Network/c'], []]);
  expect(result.files).toEqual(['a.yaml', 'sub/b.yaml', 'sub/deep/c.yaml'].map((name) => join(dir, name)));
});

it('follows links within the tree, and reports what it may not follow or read under the path that the user gave', async () => {
  for (const folder of ['one', 'two', '.v1', 'x.yaml']) mkdirSync(join(dir, folder));
  put('one/a.yaml', manifest('a'));
  symlinkSync('../one/a.yaml', join(dir, 'two', 'b.yaml'));
  put('.v1/c.yaml', manifest('c'));
  symlinkSync('.v1', join(dir, 'current'));
  symlinkSync('/etc', join(dir, 'out'));
  symlinkSync('.', join(dir, 'self'));
  const { revision, diagnostics } = await readManifests([dir], { clock: new FakeClock(), recursive: true });
  expect([...revision.objects.keys()]).toEqual(['Network/c']);
  expect(diagnostics.map(({ file, code }) => `${file.slice(dir.length + 1)} ${code}`)).toEqual([
    'out file-outside-folder',
    'x.yaml file-not-regular',
    'one/a.yaml duplicate-object',
    'two/b.yaml duplicate-object',
  ]);
});

it('follows a link that the user names', async () => {
  mkdirSync(join(dir, 'd'));
  put('a.yaml', manifest('a'));
  symlinkSync('../a.yaml', join(dir, 'd', 'link.yaml'));
  expect(keys(await read([join(dir, 'd', 'link.yaml')]))).toEqual(['Network/a']);
  expect(codes(await read([join(dir, 'd')]))).toEqual(['file-outside-folder']);
});

it('reports what it cannot read under the path that the user gave, and reads the rest', async () => {
  mkdirSync(join(dir, 'empty'));
  execFileSync('mkfifo', [join(dir, 'pipe.yaml')]);
  symlinkSync('loop.yaml', join(dir, 'loop.yaml'));
  const paths = [
    join(dir, 'none.yaml'),
    join(dir, 'empty'),
    join(dir, 'pipe.yaml'),
    join(dir, 'loop.yaml'),
    put('a.yaml', manifest('a')),
  ];
  const result = await read(paths);
  expect(keys(result)).toEqual(['Network/a']);
  expect(result.diagnostics.map(({ file, code }) => [file, code])).toEqual([
    [paths[0], 'path-missing'],
    [paths[1], 'path-empty'],
    [paths[2], 'file-not-regular'],
    [paths[3], 'file-unreadable'],
  ]);
});

it('collects the mistakes in files and between them, and keeps the valid objects', async () => {
  put('a.yaml', `${manifest('a')}---\n${manifest('b').replace('{}\n', '{mtuu: 1}\n')}`);
  put('c.yaml', manifest('a'));
  const result = await read([dir]);
  expect(codes(result)).toEqual(['field-unknown', 'duplicate-object', 'duplicate-object']);
  expect(codes(await read(['-']))).toEqual([]);
});

it('fills in variables, also on standard input, and tells what is wrong with their files', async () => {
  const file = put('n.yaml', asking);
  const files = [put('one.vars', 'NAME=a\nMTU=1300'), put('two.vars', 'MTU=1400\n')];
  const readWith = (variables: VariableOptions, paths = [file]): Promise<ManifestsRead> =>
    readManifests(paths, { clock: new FakeClock(), stdin: asking, variables });
  const result = await readWith({ values: {}, files });
  expect([codes(result), result.revision.objects.get('Network/a')?.spec]).toMatchObject([[], { mtu: 1400 }]);
  expect(keys(await readWith({ values: { NAME: 'b' }, files }, ['-']))).toEqual(['Network/b']);
  const wrong = await readWith({
    values: { NAME: 'a' },
    files: [put('bad.vars', 'MTU: 1\n'), join(dir, 'none')],
  });
  expect(codes(wrong)).toEqual(['variables-invalid', 'file-unreadable', 'variable-undefined']);
});
