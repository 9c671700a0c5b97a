import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, silentLogger } from '../../api/index.ts';
import { parseManifest } from '../../manifest/index.ts';
import { loadFiles } from '../load.ts';
import { lookAtFolder } from '../look.ts';
import type { Reader } from '../sighting.ts';
import { readVariableFiles } from '../variable-file.ts';
import type { VariableOptions } from '../variable-set.ts';
import { GitFailure } from './failure.ts';
import { createGitSource, type GitSource } from './git-source.ts';
import type { GitCall, GitRunner } from './runner.ts';

const sha = (text: string): string => createHash('sha1').update(text).digest('hex');
const network = (name: string): string =>
  `apiVersion: ovr/v1\nkind: Network\nmetadata: {name: ${name}}\nspec: {}\n`;

/** The reader without its thread. */
const reader: Reader = {
  look: (request) => Promise.resolve().then(() => lookAtFolder(request)),
  scan: () => Promise.reject(new Error('not asked')),
  walk: () => Promise.reject(new Error('not asked')),
  load: (dir, requests, variables) =>
    Promise.resolve(
      loadFiles(dir, requests, {
        parse: (text, file) => parseManifest(text, file, variables),
        writers: () => ({ status: 'none' }),
      }),
    ),
  parse: () => Promise.reject(new Error('not asked')),
  variables: (files) => Promise.resolve(readVariableFiles(files)),
  stop: () => Promise.resolve(),
};

/** A git that knows what the test tells it. */
class ScriptedGit implements GitRunner {
  /** Commands, in order. */
  calls: string[] = [];
  /** What ends a command badly, by command. */
  failures: Partial<Record<string, string>> = {};
  /** Commands that do not answer before they are ended. */
  hanging: string | undefined;
  #head = '';
  readonly #commits = new Map<string, ReadonlyMap<string, string>>();
  readonly #blobs = new Map<string, string>();
  #index: [name: string, blob: string][] = [];

  push(name: string, files: Readonly<Record<string, string>>): string {
    this.#head = sha(name);
    const blobs = Object.entries(files).map(([path, text]) => [path, sha(text)] as const);
    for (const text of Object.values(files)) this.#blobs.set(sha(text), text);
    this.#commits.set(this.#head, new Map(blobs));
    return this.#head;
  }

  run(call: GitCall): Promise<string> {
    const [command = ''] = call.args;
    this.calls.push(command);
    if (this.hanging === command) return this.#hang(call, command);
    const failure = this.failures[command];
    if (failure !== undefined) return Promise.reject(new GitFailure('exit', command, failure));
    return Promise.resolve(this.#answer(command, call));
  }

  #hang(call: GitCall, command: string): Promise<string> {
    return new Promise((_resolve, reject) => {
      call.signal?.addEventListener('abort', () => reject(new GitFailure('aborted', command, '')));
    });
  }

  #answer(command: string, { args, environment, input = '' }: GitCall): string {
    const oid = args.find((arg) => /^[\da-f]{40}$/.test(arg)) ?? '';
    const answers: Record<string, () => string> = {
      init: () => this.#init(args.at(-1) ?? ''),
      'ls-remote': () => `${this.#head}\tHEAD\n`,
      'rev-parse': () => `${this.#head}\n`,
      log: () => `${oid}\0Ann <ann@example.org>\u00001700000000\0Change\n`,
      'ls-tree': () =>
        [...(this.#commits.get(oid) ?? [])]
          .map(([path, blob]) => `100644 blob ${blob} 10\t${path}\0`)
          .join(''),
      'update-index': () => this.#take(input),
      'checkout-index': () => this.#checkOut(environment['GIT_WORK_TREE'] ?? ''),
    };
    return answers[command]?.() ?? '';
  }

  #init(clone: string): string {
    mkdirSync(clone, { recursive: true });
    writeFileSync(join(clone, 'HEAD'), 'ref: refs/heads/none\n');
    return '';
  }

  #take(input: string): string {
    this.#index = input.split('\0').flatMap((line) => {
      const [, blob, name] = /^100644 (\w+)\t(.+)$/.exec(line) ?? [];
      return blob !== undefined && name !== undefined ? [[name, blob]] : [];
    });
    return '';
  }

  #checkOut(folder: string): string {
    for (const [name, blob] of this.#index) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), this.#blobs.get(blob) ?? '');
    }
    return '';
  }
}

let stateDir: string;
let clock: FakeClock;
let git: ScriptedGit;
let source: GitSource;
let rings: number;

beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'ovr-git-unit-'));
  clock = new FakeClock();
  git = new ScriptedGit();
  rings = 0;
});

afterEach(async () => {
  await source.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

function create(chance = 0.5, more: { variables?: VariableOptions } = {}): GitSource {
  source = createGitSource({
    ...more,
    url: 'https://example.org/x.git',
    intervalMs: 30_000,
    stateDir,
    environment: {},
    clock,
    logger: silentLogger,
    random: () => chance,
    reader,
    runner: git,
  });
  return source;
}

async function start(chance?: number): Promise<void> {
  await create(chance).start(() => (rings += 1));
}

const names = (): string[] => [...(source.state().revision?.objects.values() ?? [])].map(({ name }) => name);
const asked = (): number => git.calls.filter((command) => command === 'ls-remote').length;
/** What the remote answers to nothing. */
const away = (message: string): ScriptedGit['failures'] => ({ 'ls-remote': message, fetch: message });

/** File calls take turns of the event loop that no fake clock knows. */
async function until(holds: () => boolean): Promise<void> {
  const endMs = performance.now() + 20_000;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`never: ${holds.toString()}`);
    await clock.advanceAsync(0);
  }
}

/** Moves time on by this much, and waits until what is due then is done: a timer is set again. */
async function pass(ms: number): Promise<void> {
  clock.advance(ms);
  await until(() => clock.pending > 0);
}

describe('polling', () => {
  it.each([
    [0, 27_000],
    [0.5, 30_000],
    [1, 33_000],
  ])('with chance %d comes after %d ms', async (chance, dueMs) => {
    git.push('one', { 'a.yaml': network('a') });
    await start(chance);
    expect(asked()).toBe(1);
    await pass(dueMs - 1);
    expect(asked()).toBe(1);
    await pass(1);
    expect(asked()).toBe(2);
    git.calls = [];
    git.push('two', { 'b.yaml': network('b') });
    await pass(dueMs);
    expect(names()).toEqual(['b']);
    expect(rings).toBe(2);
  });

  it('gets rarer while the remote is away, and is as before once it is back', async () => {
    git.push('one', { 'a.yaml': network('a') });
    await start(1);
    git.failures = away('fatal: Could not resolve host: example.org');
    await pass(33_000);
    expect(source.state().problem).toBe('git-unreachable');
    const waits: number[] = [];
    for (let tries = 0; tries < 9; tries += 1) {
      const before = asked();
      const startMs = clock.monotonic();
      while (asked() === before) await pass(1_000);
      waits.push((clock.monotonic() - startMs) / 1_000);
    }
    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
    expect([names(), rings]).toEqual([['a'], 2]);
    git.failures = {};
    await source.sync();
    expect([source.state().problem, source.state().doubt, rings]).toEqual([undefined, undefined, 3]);
    const before = asked();
    await pass(32_999);
    expect(asked()).toBe(before);
    await pass(1);
    expect(asked()).toBe(before + 1);
  });

  it('does not look into a broken commit again, but sync() does', async () => {
    git.push('one', { 'a.yaml': 'x: [' });
    await start();
    expect(source.state().problem).toBe('git-commit-broken');
    git.calls = [];
    await pass(30_000);
    expect(git.calls).toEqual(['ls-remote']);
    expect([source.state().problem, rings]).toEqual(['git-commit-broken', 1]);
    await source.sync();
    expect(git.calls).toContain('fetch');
  });

  it('stays with what is broken also after the remote was away', async () => {
    git.push('one', { 'a.yaml': network('a') });
    await start();
    git.push('two', { 'a.yaml': 'x: [' });
    await source.sync();
    git.failures = away('Connection refused');
    await source.sync();
    expect(source.state().problem).toBe('git-unreachable');
    git.failures = {};
    await pass(60_000);
    expect(source.state().problem).toBe('git-commit-broken');
    expect(names()).toEqual(['a']);
  });

  it('tries a commit again that could not be fetched', async () => {
    git.push('one', { 'a.yaml': network('a') });
    await start();
    git.push('two', { 'b.yaml': network('b') });
    git.failures = { fetch: 'fatal: early EOF' };
    await source.sync();
    expect([source.state().problem, names()]).toEqual(['git-unreachable', ['a']]);
    git.failures = {};
    await pass(5_000);
    expect([source.state().problem, names()]).toEqual([undefined, ['b']]);
  });
});

describe('sync()', () => {
  it('gets the newest commit without asking first, once the ref was seen', async () => {
    git.push('one', { 'a.yaml': network('a') });
    await start();
    git.push('two', { 'b.yaml': network('b') });
    git.calls = [];
    await source.sync();
    expect([names(), git.calls.slice(0, 3)]).toEqual([['b'], ['fetch', 'rev-parse', 'log']]);
    git.calls = [];
    await source.sync();
    expect(git.calls).toEqual(['fetch', 'rev-parse']);
    git.calls = [];
    await pass(30_000);
    expect(git.calls).toEqual(['ls-remote']);
  });

  it('asks where that does not work', async () => {
    git.push('one', { 'a.yaml': network('a') });
    await start();
    git.calls = [];
    git.failures = { fetch: "fatal: couldn't find remote ref HEAD" };
    await source.sync();
    expect([git.calls, source.state().problem]).toEqual([['fetch', 'ls-remote'], undefined]);
  });
});

describe('the start', () => {
  it('waits for five seconds at most, and says that nothing is known', async () => {
    git.hanging = 'ls-remote';
    const starting = create().start(() => (rings += 1));
    await until(() => clock.pending > 0 && asked() === 1);
    clock.advance(5_000);
    await starting;
    expect(source.state()).toEqual({ diagnostics: [], doubt: 'the Git remote was not asked yet' });
  });

  it('brings back what was in force, without git', async () => {
    git.push('one', { 'a.yaml': network('a') });
    await start();
    const { commit, revision, lastSyncMs } = source.state();
    await source.stop();
    git.calls = [];
    git.failures = { 'ls-remote': 'Connection refused' };
    clock.setNow(0);
    await start();
    expect(git.calls).toEqual(['ls-remote']);
    expect(source.state()).toMatchObject({
      commit,
      attempted: commit,
      lastSyncMs,
      problem: 'git-unreachable',
    });
    expect(source.state().revision?.digest).toBe(revision?.digest);
  });

  it('is one only', async () => {
    await start();
    await expect(source.start(() => undefined)).rejects.toThrow('started already');
  });
});

describe('a clone that git cannot use', () => {
  it('is made again once, and the old one stays until that worked', async () => {
    git.push('one', { 'a.yaml': network('a') });
    await start();
    git.calls = [];
    git.push('two', { 'b.yaml': network('b') });
    git.failures = { fetch: 'fatal: bad object' };
    await source.sync();
    expect(git.calls).toEqual(['fetch', 'ls-remote', 'fetch', 'init', 'fetch']);
    expect([source.state().problem, names()]).toEqual(['git-failed', ['a']]);
    const clone = join(
      stateDir,
      'git',
      createHash('sha256').update('https://example.org/x.git').digest('hex').slice(0, 16),
      'clone.git',
    );
    expect(existsSync(clone)).toBe(true);
  });
});

it('says that the clone is damaged when a new one is no better', async () => {
  git.push('one', { 'a.yaml': network('a') });
  await start();
  git.push('two', { 'b.yaml': network('b') });
  git.failures = { 'checkout-index': 'error: unable to read sha1 file' };
  await source.sync();
  expect([source.state().problem, names()]).toEqual(['git-corrupt', ['a']]);
});

it('is not asked any more once it is stopped', async () => {
  git.push('one', { 'a.yaml': network('a') });
  await start();
  await source.stop();
  git.calls = [];
  await source.sync();
  clock.advance(600_000);
  expect([git.calls, clock.pending]).toEqual([[], 0]);
});

describe('variables', () => {
  const asking =
    'apiVersion: ovr/v1\nkind: Network\nmetadata:\n  name: ${NAME}\n  annotations: {ovr/substitute: "true"}\nspec: {}\n';
  const vars = (): string => join(stateDir, 'site.vars');
  const define = (text: string): void => {
    writeFileSync(vars(), text);
    // It was written long ago.
    clock.setNow(Date.now() + 60_000);
  };

  beforeEach(async () => {
    git.push('one', { 'a.yaml': asking, 'b.yaml': network('b') });
    define('NAME=a\n');
    await create(0.5, { variables: { values: {}, files: [vars()] } }).start(() => (rings += 1));
  });

  it('are filled in, and what they change comes with the next look, also without the remote', async () => {
    expect(names()).toEqual(['a', 'b']);
    define('NAME=c\n');
    git.failures = away('fatal: Could not resolve host: example.org');
    await pass(30_000);
    expect([names(), source.state().problem]).toEqual([['b', 'c'], 'git-unreachable']);
  });

  it('that are missing are a mistake of the commit until somebody defines them', async () => {
    define('NAM=c\n');
    await pass(30_000);
    expect([names(), source.state().problem]).toEqual([['a', 'b'], 'git-commit-broken']);
    expect(source.state().diagnostics.map(({ code }) => code)).toContain('variable-undefined');
    define('NAME=c\n');
    await pass(30_000);
    expect([names(), source.state().problem]).toEqual([['b', 'c'], undefined]);
  });

  it('are those of now after a restart', async () => {
    await source.stop();
    define('NAME=c\n');
    git.failures = away('fatal: Could not resolve host: example.org');
    await create(0.5, { variables: { values: { NAME: 'd' }, files: [vars()] } }).start(() => undefined);
    expect(names()).toEqual(['b', 'd']);
  });
});
