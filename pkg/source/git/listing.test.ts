import { describe, expect, it } from 'vitest';
import { chooseManifests, listArgs } from './listing.ts';

const oid = (digit: string): string => digit.repeat(40);

/** `mode type oid size path`, as `git ls-tree -z --long` prints it. */
function printed(...entries: [mode: string, oid: string, size: number, path: string][]): string {
  return entries
    .map(([mode, object, size, path]) => `${mode} blob ${object} ${String(size).padStart(7)}\t${path}\0`)
    .join('');
}

async function choose(output: string, links: Record<string, string> = {}, folder = ''): Promise<unknown> {
  const { files, isEmpty, diagnostics } = await chooseManifests(output, {
    folder,
    fileOf: (name) => `git:${name}`,
    readLink: (object) => Promise.resolve(links[object] ?? ''),
  });
  return {
    files: files.map(({ name, blob }) => `${name} ${blob[0]}`),
    isEmpty,
    problems: diagnostics.map(({ file, code }) => `${file} ${code}`),
  };
}

const FILE = '100644';
const LINK = '120000';

describe('the manifests of a commit', () => {
  it('are regular files with a manifest name, in the folder', async () => {
    const output = printed(
      [FILE, oid('1'), 10, 'ovr/a.yaml'],
      ['100755', oid('2'), 10, 'ovr/b.json'],
      [FILE, oid('3'), 10, 'ovr/README.md'],
      [FILE, oid('4'), 10, 'ovr/.hidden.yaml'],
      [FILE, oid('5'), 10, 'ovr/.git/x.yaml'],
      [FILE, oid('6'), 10, 'ovr/sub/c.yml'],
      [FILE, oid('7'), 10, 'other/d.yaml'],
    );
    expect(await choose(output, {}, 'ovr')).toEqual({
      files: ['a.yaml 1', 'b.json 2', 'sub/c.yml 6'],
      isEmpty: false,
      problems: [],
    });
  });

  it.each([
    '../x.yaml',
    'a/../x.yaml',
    'a//x.yaml',
    '/x.yaml',
    '.git/x.yaml',
    'a/.x/y.yaml',
    'a~/y.yaml',
    'a.yaml/y.yaml',
    'x\u0007.yaml',
    'x\n.yaml',
  ])('are not under the name %j, which an honest git does not make', async (path) => {
    expect(await choose(printed([FILE, oid('1'), 1, path]))).toMatchObject({ files: [], problems: [] });
  });

  it('are none where nothing is printed', async () => {
    expect(await choose('')).toEqual({ files: [], isEmpty: true, problems: [] });
    expect(await choose('fatal: nonsense\0')).toMatchObject({ isEmpty: true });
  });

  it.each([
    ['a regular file', 'a.yaml', 'l.yaml 1', []],
    ['a file of another name', 'plain.txt', 'l.yaml 3', []],
    ['a file below', 'sub/b.yaml', 'l.yaml 2', []],
    ['a link', 'm.yaml', 'l.yaml 1', []],
    ['itself', 'l.yaml', undefined, ['git:l.yaml file-not-regular']],
    ['a folder', 'sub', undefined, ['git:l.yaml file-not-regular']],
    ['nothing', 'none.yaml', undefined, ['git:l.yaml file-outside-folder']],
    ['above', '../a.yaml', undefined, ['git:l.yaml file-outside-folder']],
    ['above and back', 'sub/../../ovr/a.yaml', undefined, ['git:l.yaml file-outside-folder']],
    ['anywhere', '/etc/passwd', undefined, ['git:l.yaml file-outside-folder']],
    ['the folder', '.', undefined, ['git:l.yaml file-outside-folder']],
  ])(
    'are taken through a link to %s only if it is a file of the folder',
    async (_what, target, file, problems) => {
      const output = printed(
        [FILE, oid('1'), 1, 'a.yaml'],
        [LINK, oid('8'), 1, 'l.yaml'],
        [LINK, oid('9'), 1, 'm.yaml'],
        [FILE, oid('3'), 1, 'plain.txt'],
        ['040000', oid('7'), 0, 'sub'],
        [FILE, oid('2'), 1, 'sub/b.yaml'],
      );
      const chosen = await choose(output, { [oid('8')]: target, [oid('9')]: 'a.yaml' });
      const expected = ['a.yaml 1', ...(file === undefined ? [] : [file]), 'm.yaml 1', 'sub/b.yaml 2'];
      expect(chosen).toEqual({ files: expected, isEmpty: false, problems });
    },
  );

  it('are counted in bytes', async () => {
    const output = printed(
      [FILE, oid('1'), 10, 'a.yaml'],
      [FILE, oid('1'), 10, 'b.yaml'],
      [FILE, oid('2'), 5, 'README'],
    );
    const context = { folder: '', fileOf: String, readLink: () => Promise.resolve('') };
    expect((await chooseManifests(output, context)).bytes).toBe(20);
  });

  it('are no submodules, folders or giants', async () => {
    const output = printed(
      ['160000', oid('1'), 0, 'module.yaml'],
      ['040000', oid('2'), 0, 'folder.yaml'],
      [FILE, oid('3'), 4 * 1024 * 1024 + 1, 'large.yaml'],
    );
    expect(await choose(output)).toMatchObject({
      files: [],
      problems: [
        'git:module.yaml file-not-regular',
        'git:folder.yaml file-not-regular',
        'git:large.yaml file-too-large',
      ],
    });
  });
});

it('is asked for by the whole path, after "--"', () => {
  expect(listArgs('c0ffee', 'a/b', true).slice(-3)).toEqual(['c0ffee', '--', 'a/b/']);
  expect(listArgs('c0ffee', '', false).at(-1)).toBe('c0ffee');
});
