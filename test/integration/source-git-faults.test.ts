import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../pkg/api/index.ts';
import type { GitSource } from '../../pkg/source/index.ts';
import { GitStage, namesOf, network, waitFor } from '../tools/git-stage.ts';
import { TestRepository } from '../tools/git-server.ts';

/** The Git source while everything around it breaks: what was good stays, it says why, and it recovers. */

const isRoot = process.geteuid?.() === 0;

let stage: GitStage;
let repository: TestRepository;

beforeEach(() => {
  stage = new GitStage();
  repository = stage.repository;
});

afterEach(() => stage.clear());

/** What is wrong, by code, and whether absence may be believed. */
function trouble(source: GitSource): { problem: string | undefined; inDoubt: boolean; names: string[] } {
  const { problem, doubt, diagnostics } = source.state();
  const [first] = diagnostics;
  if (problem !== undefined)
    expect(first).toMatchObject({ code: problem, severity: 'error', line: 1, column: 1 });
  return { problem, inDoubt: doubt !== undefined, names: namesOf(source) };
}

const good = (...names: string[]): object => ({ problem: undefined, inDoubt: false, names });
const bad = (problem: string, ...names: string[]): object => ({ problem, inDoubt: true, names });

async function synced(source: GitSource): Promise<ReturnType<typeof trouble>> {
  await source.sync();
  return trouble(source);
}

describe('the remote', () => {
  it('may be rewritten by force', async () => {
    repository.push({ 'a.yaml': network('a') });
    repository.push({ 'b.yaml': network('b') });
    const source = await stage.start();
    repository.git(['checkout', '--quiet', '--orphan', 'fresh']);
    repository.write({ 'a.yaml': null, 'b.yaml': null, 'c.yaml': network('c') });
    repository.commit('Other history');
    repository.git(['push', '--force', 'origin', 'HEAD:main']);
    expect(await synced(source)).toEqual(good('c'));
    repository.git(['push', '--force', 'origin', 'main:main']);
    expect(await synced(source)).toEqual(good('a', 'b'));
  });

  it('may lose the branch, and get it back', async () => {
    repository.push({ 'a.yaml': network('a') });
    repository.git(['push', 'origin', 'HEAD:refs/heads/prod']);
    const source = await stage.start({ ref: 'prod' });
    repository.git(['push', 'origin', ':prod']);
    expect(await synced(source)).toEqual(bad('git-ref-missing', 'a'));
    expect(source.state().diagnostics[0]?.message).toMatch(/no branch or tag prod; push it.*stays in force/);
    const again = await stage.restart(source, { ref: 'prod' });
    expect(trouble(again)).toEqual(bad('git-ref-missing', 'a'));
    repository.git(['push', 'origin', 'HEAD:refs/heads/prod']);
    expect(await synced(again)).toEqual(good('a'));
  });

  it('may go away, also while the agent starts anew', async () => {
    repository.push({ 'a.yaml': network('a') });
    const source = await stage.start();
    const syncedAt = source.state().lastSyncMs;
    renameSync(repository.bare, `${repository.bare}.away`);
    expect(await synced(source)).toEqual(bad('git-repository-missing', 'a'));
    expect(source.state().lastSyncMs).toBe(syncedAt);
    const again = await stage.restart(source);
    expect(trouble(again)).toEqual(bad('git-repository-missing', 'a'));
    expect(again.state().commit).toEqual(source.state().commit);
    renameSync(`${repository.bare}.away`, repository.bare);
    repository.push({ 'b.yaml': network('b') });
    expect(await synced(again)).toEqual(good('a', 'b'));
  });

  it('may have no commit yet', async () => {
    const source = await stage.start();
    expect(trouble(source)).toEqual(bad('git-ref-missing'));
    expect(source.state().revision).toBeUndefined();
    repository.push({ 'a.yaml': network('a') });
    expect(await synced(source)).toEqual(good('a'));
  });

  it('may lose the folder, or everything, which removes nothing', async () => {
    repository.push({ 'ovr/a.yaml': network('a'), 'b.yaml': network('b') });
    const folder = await stage.start({ path: 'ovr' });
    const root = await stage.start({ stateDir: join(stage.base, 'other') });
    repository.push({ ovr: null });
    expect(await synced(folder)).toEqual(bad('git-path-missing', 'a'));
    expect(folder.state().commit?.commit).not.toBe(folder.state().attempted?.commit);
    repository.push({ ovr: 'a file now' });
    expect(await synced(folder)).toEqual(bad('git-path-missing', 'a'));
    repository.push({ ovr: null, 'b.yaml': null });
    expect(await synced(root)).toEqual(bad('git-tree-empty', 'b'));
    repository.push({ 'ovr/c.yaml': network('c') });
    expect(await synced(folder)).toEqual(good('c'));
  });

  it('may offer more than is allowed', async () => {
    repository.push({ 'a.yaml': network('a') });
    const source = await stage.start({ maxBytes: 1_000_000 });
    writeFileSync(join(repository.work, 'large'), randomBytes(3_000_000));
    repository.push({ 'b.yaml': network('b') });
    expect(await synced(source)).toEqual(bad('git-too-large', 'a'));
    const size = Number(execFileSync('du', ['-sb', stage.cache], { encoding: 'utf8' }).split('\t')[0]);
    expect(size).toBeLessThan(2_000_000);
    repository.push({ large: null });
    expect(await synced(source)).toEqual(good('a', 'b'));
  });

  it('may grow old: what no commit in use needs is dropped', async () => {
    repository.push({ 'a.yaml': network('a') });
    const source = await stage.start({ maxBytes: 1_000_000 });
    for (let index = 0; index < 4; index += 1) {
      writeFileSync(join(repository.work, 'data'), randomBytes(400_000));
      repository.push({ 'a.yaml': network(`a${index}`) });
      expect(await synced(source)).toEqual(good(`a${index}`));
    }
  });
});

describe('the clone', () => {
  const breakages: Record<string, (clone: string) => void> = {
    'without objects': (clone) => rmSync(join(clone, 'objects'), { recursive: true }),
    'with half a pack': (clone) => {
      const folder = join(clone, 'objects/pack');
      for (const name of readdirSync(folder)) {
        execFileSync('chmod', ['u+w', join(folder, name)]);
        truncateSync(join(folder, name), Math.floor(statSync(join(folder, name)).size / 2));
      }
    },
    'without packs': (clone) => rmSync(join(clone, 'objects/pack'), { recursive: true }),
    'with garbage for a HEAD': (clone) => writeFileSync(join(clone, 'HEAD'), 'garbage'),
    'with garbage for a configuration': (clone) => writeFileSync(join(clone, 'config'), '[[['),
    'with an empty ref': (clone) => writeFileSync(join(clone, 'refs/ovr/newest'), ''),
    'that is a file': (clone) => {
      rmSync(clone, { recursive: true });
      writeFileSync(clone, 'x');
    },
    'that is gone': (clone) => rmSync(clone, { recursive: true }),
    'with locks of a git that was killed': (clone) => {
      for (const name of [
        'shallow.lock',
        'HEAD.lock',
        'config.lock',
        'packed-refs.lock',
        'refs/ovr/newest.lock',
      ]) {
        writeFileSync(join(clone, name), '');
      }
      writeFileSync(join(clone, 'objects/pack/tmp_pack_123456'), 'half');
    },
  };

  it.each(Object.entries(breakages))(
    '%s is mended, and no trouble for a start without the remote',
    async (_how, breakIt) => {
      repository.push({ 'a.yaml': network('a') });
      const source = await stage.start();
      breakIt(join(stage.cache, 'clone.git'));
      repository.push({ 'b.yaml': network('b') });
      expect(await synced(source)).toEqual(good('a', 'b'));
      await source.stop();
      breakIt(join(stage.cache, 'clone.git'));
      renameSync(repository.bare, `${repository.bare}.away`);
      const again = await stage.start();
      expect(trouble(again)).toEqual(bad('git-repository-missing', 'a', 'b'));
      renameSync(`${repository.bare}.away`, repository.bare);
      repository.push({ 'c.yaml': network('c') });
      expect(await synced(again)).toEqual(good('a', 'b', 'c'));
    },
  );

  it.each([
    ['changed', (tree: string) => writeFileSync(join(tree, 'a.yaml'), network('evil'))],
    ['emptied', (tree: string) => rmSync(join(tree, 'a.yaml'))],
    ['removed', (tree: string) => rmSync(tree, { recursive: true })],
  ])('writes a tree again that was %s', async (_how, breakIt) => {
    const commit = repository.push({ 'a.yaml': network('a') });
    const source = await stage.start();
    await source.stop();
    breakIt(join(stage.cache, 'trees', commit));
    renameSync(repository.bare, `${repository.bare}.away`);
    expect(trouble(await stage.start())).toEqual(bad('git-repository-missing', 'a'));
  });

  it('may be removed with everything else under a running agent', async () => {
    repository.push({ 'a.yaml': network('a') });
    const source = await stage.start();
    rmSync(stage.stateDir, { recursive: true });
    repository.push({ 'b.yaml': network('b') });
    expect(await synced(source)).toEqual(good('a', 'b'));
  });

  it('may be lost with everything else, and then nothing is in force until the remote answers', async () => {
    repository.push({ 'a.yaml': network('a') });
    const source = await stage.start();
    await source.stop();
    rmSync(stage.stateDir, { recursive: true });
    renameSync(repository.bare, `${repository.bare}.away`);
    const again = await stage.start();
    expect(again.state().revision).toBeUndefined();
    renameSync(`${repository.bare}.away`, repository.bare);
    expect(await synced(again)).toEqual(good('a'));
  });
});

describe('the options', () => {
  it('of another URL, ref or folder do not bring the old commit into force', async () => {
    repository.push({ 'a.yaml': network('a'), 'ovr/b.yaml': network('b') });
    const source = await stage.start();
    await source.stop();
    const other = new TestRepository(stage.base, 'other');
    other.push({ 'c.yaml': network('c') });
    renameSync(repository.bare, `${repository.bare}.away`);
    for (const options of [{ ref: 'main' }, { path: 'ovr' }, { recursive: true }]) {
      const changed = await stage.start(options);
      expect(changed.state().revision).toBeUndefined();
      await changed.stop();
    }
    expect(trouble(await stage.start({ url: other.url }))).toEqual(good('c'));
    expect(trouble(await stage.start())).toEqual(bad('git-repository-missing', 'a'));
  });
});

it('keeps what it has when the disk is full, and goes on when there is room', { skip: !isRoot }, async () => {
  mkdirSync(stage.stateDir);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', stage.stateDir]);
  try {
    repository.push({ 'a.yaml': network('a') });
    const source = await stage.start();
    expect(trouble(source)).toEqual(good('a'));
    const filler = join(stage.stateDir, 'filler');
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k']);
    repository.push({ 'b.yaml': network('b') });
    expect(await synced(source)).toEqual(bad('git-disk', 'a'));
    const again = await stage.restart(source);
    expect(trouble(again)).toEqual(bad('git-disk', 'a'));
    rmSync(filler);
    expect(await synced(again)).toEqual(good('a', 'b'));
    await again.stop();
  } finally {
    execFileSync('umount', ['--lazy', stage.stateDir]);
  }
});

it('goes on after it was killed at any step, with the old commit or the new one', async () => {
  repository.push({ 'a.yaml': network('a') });
  await (await stage.start()).stop();
  const before = join(stage.base, 'before');
  cpSync(stage.stateDir, before, { recursive: true });
  repository.push({ 'a.yaml': network('b') });
  const program = join(stage.base, 'agent.ts');
  const root = join(import.meta.dirname, '../..');
  writeFileSync(
    program,
    `import { systemClock } from '${root}/pkg/agent/system-clock.ts';
    import { silentLogger } from '${root}/pkg/api/index.ts';
    import { createGitSource } from '${root}/pkg/source/index.ts';
    const source = createGitSource({ url: '${repository.url}', stateDir: '${stage.stateDir}', environment: process.env,
      clock: systemClock, logger: silentLogger, random: Math.random });
    await source.start(() => undefined);
    await source.stop();`,
  );
  const count = join(stage.base, 'count');
  const seen = new Set<string>();
  let ended = false;
  for (let step = 1; !ended; step += 1) {
    rmSync(stage.stateDir, { recursive: true });
    cpSync(before, stage.stateDir, { recursive: true });
    writeFileSync(count, '0');
    const environment = stage.wrapGit(
      `n=$(($(cat '${count}') + 1))\necho $n > '${count}'\n[ $n = ${step} ] || exec {git} "$@"\n{git} "$@"\nkill -9 $PPID`,
    );
    const { status, signal } = spawnSync(process.execPath, [program], { env: environment });
    ended = signal !== 'SIGKILL';
    if (ended) expect(status).toBe(0);
    renameSync(repository.bare, `${repository.bare}.away`);
    const source = await stage.start();
    expect(trouble(source)).toMatchObject({ problem: 'git-repository-missing' });
    seen.add(`${ended ? 'ended' : 'killed'} ${namesOf(source).join()}`);
    renameSync(`${repository.bare}.away`, repository.bare);
    expect(await synced(source)).toEqual(good('b'));
    await source.stop();
  }
  expect([...seen]).toEqual(['killed a', 'ended b']);
});

it('gives up a git that hangs, and tries again', async () => {
  repository.push({ 'a.yaml': network('a') });
  const flag = join(stage.base, 'hang');
  const environment = stage.wrapGit(`[ ! -e '${flag}' ] || exec sleep 61.7\nexec {git} "$@"`);
  const source = await stage.start({ environment, timeoutMs: 2_000 });
  writeFileSync(flag, '');
  const startMs = performance.now();
  expect(await synced(source)).toEqual(bad('git-timeout', 'a'));
  expect(performance.now() - startMs).toBeLessThan(10_000);
  rmSync(flag);
  expect(await synced(source)).toEqual(good('a'));
});

it('stops at once, whatever git is doing', async () => {
  repository.push({ 'a.yaml': network('a') });
  const flag = join(stage.base, 'hang');
  const environment = stage.wrapGit(`[ ! -e '${flag}' ] || exec sleep 61.7\nexec {git} "$@"`);
  const source = await stage.start({ environment });
  writeFileSync(flag, '');
  const syncing = source.sync();
  await waitFor('git runs', () => spawnSync('pgrep', ['-f', '^sleep 61.7$']).status === 0);
  const startMs = performance.now();
  await source.stop();
  await syncing;
  expect(performance.now() - startMs).toBeLessThan(5_000);
  expect(namesOf(source)).toEqual(['a']);
});

it('says so when git is not installed', async () => {
  const source = await stage.start({ environment: { PATH: join(stage.base, 'nowhere') } });
  expect(trouble(source)).toEqual(bad('git-missing'));
});

it('does not care how the wall clock jumps', async () => {
  repository.push({ 'a.yaml': network('a') });
  const clock = new FakeClock();
  const source = await stage.start({ clock });
  for (const nowMs of [0, 4_000_000_000_000]) {
    clock.setNow(nowMs);
    repository.push({ 'a.yaml': network(`at${nowMs}`) });
    expect(await synced(source)).toEqual(good(`at${nowMs}`));
    expect(source.state().lastSyncMs).toBe(nowMs);
  }
});
