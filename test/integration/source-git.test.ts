import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Reader } from '../../pkg/source/sighting.ts';
import { GitStage, namesOf, network, sharedReader, waitFor } from '../tools/git-stage.ts';
import type { TestRepository } from '../tools/git-server.ts';

/** The Git source with the real git and bare repositories on disk: what counts, and what is done for it. */

let stage: GitStage;
let repository: TestRepository;

beforeEach(() => {
  stage = new GitStage();
  repository = stage.repository;
});

afterEach(() => stage.clear());

describe('a ref', () => {
  it('is the HEAD of the remote, a branch, a tag, or a commit', async () => {
    const first = repository.push({ 'a.yaml': network('a') });
    repository.git(['tag', 'light']);
    repository.git(['tag', '--annotate', '--message', 'x', 'noted']);
    repository.push({ 'b.yaml': network('b') });
    repository.git(['push', 'origin', 'light', 'noted', 'HEAD:refs/heads/team/web']);
    repository.push({ 'c.yaml': network('c') });
    const expected: [string | undefined, string[]][] = [
      [undefined, ['a', 'b', 'c']],
      ['main', ['a', 'b', 'c']],
      ['team/web', ['a', 'b']],
      ['refs/heads/team/web', ['a', 'b']],
      ['light', ['a']],
      ['noted', ['a']],
      ['refs/tags/noted', ['a']],
      [first, ['a']],
    ];
    for (const [ref, names] of expected) {
      const source = await stage.start(ref === undefined ? {} : { ref });
      expect([ref, source.state().diagnostics, namesOf(source)]).toEqual([ref, [], names]);
      await source.stop();
    }
  });

  it('must lead to a commit', async () => {
    repository.push({ 'a.yaml': network('a') });
    repository.git(['push', 'origin', 'HEAD^{tree}:refs/tags/tree']);
    const source = await stage.start({ ref: 'tree' });
    expect(source.state()).toMatchObject({ problem: 'git-ref-missing' });
  });

  it('that is both a branch and a tag is the branch', async () => {
    repository.push({ 'a.yaml': network('tagged') });
    repository.git(['push', 'origin', 'HEAD:refs/tags/both']);
    repository.push({ 'a.yaml': network('branch') });
    repository.git(['push', 'origin', 'HEAD:refs/heads/both']);
    expect(namesOf(await stage.start({ ref: 'both' }))).toEqual(['branch']);
  });
});

describe('the manifests of a commit', () => {
  it('are those in the folder, with links that stay in it', async () => {
    repository.write({
      'ovr/a.yaml': network('a'),
      'ovr/sub/b.yaml': network('b'),
      'ovr/.hidden/c.yaml': network('c'),
      'ovr/README.md': 'text',
      'other/d.yaml': network('d'),
      'ovrx/e.yaml': network('e'),
    });
    repository.push({});
    const flat = await stage.start({ path: 'ovr' });
    expect(namesOf(flat)).toEqual(['a']);
    const deep = await stage.start({ path: './ovr/', recursive: true });
    expect(namesOf(deep)).toEqual(['a', 'b']);
    repository.git(['rm', '--quiet', 'ovr/sub/b.yaml']);
    repository.write({ 'ovr/sub/x.txt': network('linked') });
    link(repository, 'sub/x.txt', 'ovr/l.yaml');
    repository.push({});
    await deep.sync();
    expect([namesOf(deep), deep.state().diagnostics]).toEqual([['a', 'linked'], []]);
  });

  it('include no link that leads elsewhere, and such a commit is not applied', async () => {
    repository.push({ 'ovr/a.yaml': network('a'), 'secret.yaml': network('secret') });
    const source = await stage.start({ path: 'ovr' });
    for (const target of ['../secret.yaml', '/etc/passwd', 'none.yaml', '../ovr/a.yaml', '.']) {
      link(repository, target, 'ovr/l.yaml');
      repository.push({});
      await source.sync();
      const codes = source.state().diagnostics.map(({ code }) => code);
      expect([target, codes]).toEqual([target, ['git-commit-broken', 'file-outside-folder']]);
      expect(namesOf(source)).toEqual(['a']);
    }
  });

  it('are read as they were committed, whatever attributes and filters say', async () => {
    repository.push({
      'a.yaml': network('a'),
      '.gitattributes': '*.yaml filter=evil diff=evil eol=crlf ident\n',
      '.gitmodules': '[submodule "x"]\n\tpath = x\n\turl = ext::sh -c touch% /tmp/never\n',
    });
    expect(namesOf(await stage.start())).toEqual(['a']);
  });

  it('may not be larger than the clone may be, however well they compress', async () => {
    repository.push({ 'a.yaml': network('a') });
    const source = await stage.start({ maxBytes: 1_000_000 });
    repository.push({ 'b.yaml': `${network('b')}${'#'.repeat(2_000_000)}\n` });
    await source.sync();
    expect([source.state().problem, namesOf(source)]).toEqual(['git-too-large', ['a']]);
  });

  it('may be none, if the folder is still there', async () => {
    repository.push({ 'ovr/a.yaml': network('a'), 'ovr/README': 'text' });
    const source = await stage.start({ path: 'ovr' });
    repository.push({ 'ovr/a.yaml': null });
    await source.sync();
    expect(source.state()).toMatchObject({ diagnostics: [{ code: 'path-empty', severity: 'warning' }] });
    expect(source.state().revision?.objects.size).toBe(0);
    expect(source.state().doubt).toBeUndefined();
  });
});

describe('a new commit', () => {
  it('is in force as a whole, with who made it and when', async () => {
    repository.push({ 'a.yaml': network('a') });
    let rings = 0;
    const source = await stage.start({}, () => (rings += 1));
    expect(rings).toBe(1);
    const commit = repository.push({ 'b.yaml': network('b'), 'a.yaml': null }, 'Replace a\n\nLong story');
    await source.sync();
    const state = source.state();
    expect(namesOf(source)).toEqual(['b']);
    expect(state.commit).toEqual({
      commit,
      author: 'Ann Example <ann@example.org>',
      timeMs: Number(repository.git(['log', '-1', '--format=%ct'])) * 1_000,
      subject: 'Replace a',
    });
    expect(state.attempted).toEqual(state.commit);
    expect([rings, state.doubt, state.problem, state.diagnostics]).toEqual([2, undefined, undefined, []]);
    await source.sync();
    expect(rings).toBe(2);
  });

  it('with a mistake is not applied at all, and the message says where the mistake is', async () => {
    const good = repository.push({ 'ovr/a.yaml': network('a'), 'ovr/b.yaml': network('b') }, 'Good');
    const source = await stage.start({ path: 'ovr' });
    const bad = repository.push(
      { 'ovr/b.yaml': network('b').replace('mtu', 'mtuu'), 'ovr/a.yaml': null, 'ovr/c.yaml': network('c') },
      'Bad',
    );
    await source.sync();
    expect(namesOf(source)).toEqual(['a', 'b']);
    expect(source.state()).toMatchObject({
      commit: { commit: good, subject: 'Good' },
      attempted: { commit: bad, subject: 'Bad' },
      problem: 'git-commit-broken',
      diagnostics: [
        {
          code: 'git-commit-broken',
          file: repository.url,
        },
        { file: 'git:ovr/b.yaml', line: 4, column: 8 },
      ],
    });
    const [about] = source.state().diagnostics;
    expect(about?.message).toContain(`commit ${good.slice(0, 10)} stays in force`);
    expect(source.state().doubt).toBeUndefined();
    const mended = repository.push({ 'ovr/b.yaml': network('b', 1_300) }, 'Mend');
    await source.sync();
    expect(source.state()).toMatchObject({
      commit: { commit: mended },
      attempted: { commit: mended },
      diagnostics: [],
    });
    expect(namesOf(source)).toEqual(['b', 'c']);
  });

  it('that is the first one and has a mistake makes no revision', async () => {
    repository.push({ 'a.yaml': network('a'), 'b.yaml': 'x: [' });
    const source = await stage.start();
    expect(source.state().revision).toBeUndefined();
    expect(source.state().problem).toBe('git-commit-broken');
    repository.push({ 'b.yaml': null });
    await source.sync();
    expect(namesOf(source)).toEqual(['a']);
  });

  it('makes only what changed in it be read', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [`n${index}.yaml`, network(`n${index}`)]),
    );
    repository.push(many);
    const loaded: string[] = [];
    const counting: Reader = {
      ...sharedReader,
      load: (dir, requests) => {
        loaded.push(...requests.map(({ name }) => name));
        return sharedReader.load(dir, requests);
      },
    };
    const source = await stage.start({ reader: counting });
    expect(loaded.splice(0).length).toBe(60);
    repository.push({ 'n7.yaml': network('n7', 1_300), 'new.yaml': network('new') });
    await source.sync();
    expect(loaded.splice(0).sort()).toEqual(['n7.yaml', 'new.yaml']);
    await source.sync();
    expect(loaded).toEqual([]);
    expect(namesOf(source).length).toBe(61);
  });

  it('leaves the trees of the last two behind', async () => {
    repository.push({ 'a.yaml': network('a') });
    const source = await stage.start();
    const commits = ['b', 'c', 'd'].map(() => '');
    for (const [index, name] of ['b', 'c', 'd'].entries()) {
      commits[index] = repository.push({ 'a.yaml': network(name) });
      await source.sync();
    }
    expect(readdirSync(join(stage.cache, 'trees')).sort()).toEqual(commits.slice(1).sort());
  });

  it('is found by the poll that is due', async () => {
    repository.push({ 'a.yaml': network('a') });
    const changes: (() => void)[] = [];
    const source = await stage.start({ intervalMs: 100 }, () => changes.shift()?.());
    const changed = new Promise<void>((resolve) => changes.push(resolve));
    repository.push({ 'a.yaml': network('b') });
    await changed;
    expect(namesOf(source)).toEqual(['b']);
  });
});

it('starts one process to see that nothing has changed, and reads no file', async () => {
  repository.push({ 'a.yaml': network('a') });
  const calls = join(stage.base, 'calls');
  const environment = stage.wrapGit(`echo "$@" >> '${calls}'\nexec {git} "$@"`);
  await stage.start({ environment, intervalMs: 200 });
  writeFileSync(calls, '');
  const seen = (): string[] => readFileSync(calls, 'utf8').split('\n').slice(0, -1);
  await waitFor('three polls', () => seen().length >= 3);
  expect(new Set(seen())).toEqual(new Set([`ls-remote -- ${repository.url} HEAD`]));
});

it('asks once for all that want to know while it asks', async () => {
  repository.push({ 'a.yaml': network('a') });
  const calls = join(stage.base, 'calls');
  const environment = stage.wrapGit(`echo "$1" >> '${calls}'\nexec {git} "$@"`);
  const source = await stage.start({ environment });
  writeFileSync(calls, '');
  const first = source.sync();
  repository.push({ 'a.yaml': network('b') });
  await Promise.all([first, source.sync(), source.sync(), source.sync()]);
  expect(namesOf(source)).toEqual(['b']);
  expect(readFileSync(calls, 'utf8').match(/fetch/g)).toHaveLength(2);
});

it('runs nothing that the user, the system or the repository configured', async () => {
  repository.push({ 'a.yaml': network('a') });
  const home = join(stage.base, 'home');
  mkdirSync(home);
  const marker = join(stage.base, 'marker');
  const evil = `[core]\n\thooksPath = ${home}\n\tsshCommand = touch ${marker}\n[url "ext::sh -c touch% ${marker}"]\n\tinsteadOf = file://\n[alias]\n\tls-remote = !touch ${marker}\n`;
  writeFileSync(join(home, '.gitconfig'), evil);
  for (const hook of ['post-checkout', 'reference-transaction', 'post-index-change']) {
    writeFileSync(join(home, hook), `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 });
  }
  const environment = {
    ...process.env,
    HOME: home,
    GIT_CONFIG_GLOBAL: join(home, '.gitconfig'),
    GIT_DIR: home,
    GIT_SSH_COMMAND: `touch ${marker}`,
  };
  const source = await stage.start({ environment });
  expect(namesOf(source)).toEqual(['a']);
  expect(readdirSync(stage.base)).not.toContain('marker');
});

/** Makes a symbolic link anew. */
function link(of: TestRepository, target: string, name: string): void {
  rmSync(join(of.work, name), { force: true });
  symlinkSync(target, join(of.work, name));
}
