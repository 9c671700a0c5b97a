import { describe, expect, it } from 'vitest';
import { parseManifest } from '../manifest/index.ts';
import { assemble } from '../manifest/merge/index.ts';
import type { Source, SourceState } from '../reconcile/index.ts';
import { createSources } from './sources.ts';

const network = (name: string, spec = '{}'): string =>
  `apiVersion: ovr/v1\nkind: Network\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
const container = (name: string, networks = '[]'): string =>
  `apiVersion: ovr/v1\nkind: Container\nmetadata: {name: ${name}}\nspec: {image: x, networks: ${networks}}\n`;

/** A source that says what the test wants. */
class ScriptedSource implements Source {
  readonly name: string;
  current: SourceState = { diagnostics: [] };
  isStopped = false;
  #changed: () => void = () => undefined;

  constructor(name: string) {
    this.name = name;
  }

  start(changed: () => void): Promise<void> {
    this.#changed = changed;
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.isStopped = true;
    return Promise.resolve();
  }

  state(): SourceState {
    return this.current;
  }

  /** Declares these documents, as a source of files would. */
  declare(documents: readonly string[], more: Partial<SourceState> = {}): void {
    const file = `${this.name}.yaml`;
    const parsed = parseManifest(documents.join('---\n'), file);
    const { revision, diagnostics } = assemble([{ file, ...parsed }], this.current.revision);
    this.current = { revision, diagnostics: [...parsed.diagnostics, ...diagnostics], ...more };
    this.#changed();
  }

  say(state: SourceState): void {
    this.current = state;
    this.#changed();
  }
}

interface Scene {
  readonly dir: ScriptedSource;
  readonly git: ScriptedSource;
  readonly sources: Source;
  readonly rings: () => number;
  readonly keys: () => string[];
  readonly undecided: () => string[];
  readonly problems: () => string[];
}

async function scene(): Promise<Scene> {
  const dir = new ScriptedSource('dir');
  const git = new ScriptedSource('git');
  const sources = createSources([dir, git]);
  let rings = 0;
  await sources.start(() => (rings += 1));
  const state = (): SourceState => sources.state();
  return {
    dir,
    git,
    sources,
    rings: () => rings,
    keys: () => [...(state().revision?.objects.keys() ?? [])],
    undecided: () => [...(state().revision?.undecided ?? [])],
    problems: () => state().diagnostics.map(({ file, line, code }) => `${file}:${line} ${code}`),
  };
}

describe('several sources', () => {
  it('are that source if there is only one', () => {
    const only = new ScriptedSource('dir');
    expect(createSources([only])).toBe(only);
  });

  it('make one revision once each of them was read', async () => {
    const { dir, git, sources, keys, rings } = await scene();
    dir.declare([network('a')]);
    expect(sources.state().revision).toBeUndefined();
    expect(sources.state().doubt).toBe('git: it was not read yet');
    git.declare([network('b')]);
    expect(keys()).toEqual(['Network/a', 'Network/b']);
    expect(sources.state().doubt).toBeUndefined();
    expect(rings()).toBe(3);
    expect(sources.name).toBe('dir+git');
  });

  it('make the same revision as one source with all of it', async () => {
    const { dir, git, sources } = await scene();
    dir.declare([network('a')]);
    git.declare([container('c1', '[a]')]);
    const files = [parseManifest(network('a'), 'x'), parseManifest(container('c1', '[a]'), 'y')];
    const { revision } = assemble(files.map((parsed, index) => ({ file: String(index), ...parsed })));
    expect(sources.state().revision?.digest).toBe(revision.digest);
    expect(sources.state().diagnostics).toEqual([]);
  });

  it('may not declare the same object: both places are named and neither counts', async () => {
    const { dir, git, sources, keys, undecided, problems } = await scene();
    dir.declare([network('a'), network('x', '{mtu: 1400}')]);
    git.declare([network('x')]);
    expect([keys(), undecided()]).toEqual([['Network/a'], ['Network/x']]);
    expect(problems()).toEqual(['dir.yaml:6 duplicate-object', 'git.yaml:1 duplicate-object']);
    expect(sources.state().diagnostics[0]?.message).toContain('git.yaml:1');
    expect(sources.state().diagnostics[1]?.message).toContain('dir.yaml:6');
    dir.declare([network('a')]);
    expect([keys(), undecided(), problems()]).toEqual([['Network/a', 'Network/x'], [], []]);
  });

  it('leave an object as it was when another one declares it too', async () => {
    const { dir, git, sources, keys, undecided } = await scene();
    dir.declare([network('x', '{mtu: 1400}')]);
    git.declare([]);
    const before = sources.state().revision?.objects.get('Network/x');
    git.declare([network('x')]);
    expect(sources.state().revision?.objects.get('Network/x')).toBe(before);
    expect([keys(), undecided()]).toEqual([['Network/x'], ['Network/x']]);
  });

  it('leave undecided what one of them has twice, whatever another one says', async () => {
    const { dir, git, sources, keys, undecided, problems } = await scene();
    dir.declare([]);
    git.declare([network('x', '{mtu: 1400}')]);
    const before = sources.state().revision?.objects.get('Network/x');
    dir.declare([network('x'), network('x')]);
    expect([keys(), undecided()]).toEqual([['Network/x'], ['Network/x']]);
    expect(sources.state().revision?.objects.get('Network/x')).toBe(before);
    expect(problems()).toEqual([
      'dir.yaml:3 duplicate-object',
      'dir.yaml:8 duplicate-object',
      'git.yaml:1 duplicate-object',
    ]);
    git.declare([]);
    expect([undecided(), problems().length]).toEqual([['Network/x'], 2]);
  });

  it('leave undecided what was never in force', async () => {
    const { dir, git, keys, undecided } = await scene();
    dir.declare([network('x'), network('x')]);
    git.declare([network('x')]);
    expect([keys(), undecided()]).toEqual([[], ['Network/x']]);
  });

  it('use what others declare', async () => {
    const { dir, git, problems } = await scene();
    git.declare([container('c1', '[a, b]')]);
    dir.declare([network('a')]);
    expect(problems()).toEqual(['git.yaml:1 network-undeclared']);
    dir.declare([network('a'), network('b')]);
    expect(problems()).toEqual([]);
  });

  it('are in doubt as soon as one of them is', async () => {
    const { dir, git, sources, keys } = await scene();
    dir.declare([network('a')]);
    git.declare([network('b')], { doubt: 'the remote is away' });
    expect(sources.state().doubt).toBe('git: the remote is away');
    dir.say({ ...dir.current, doubt: 'the folder is gone' });
    expect(sources.state().doubt).toBe('dir: the folder is gone; git: the remote is away');
    expect(keys()).toEqual(['Network/a', 'Network/b']);
  });

  it('are as fresh as the one that is least so, and show each', async () => {
    const { dir, git, sources } = await scene();
    dir.declare([], { lastSyncMs: 2_000 });
    git.declare([]);
    expect(sources.state().lastSyncMs).toBeUndefined();
    const commit = { commit: 'c0ffee', author: 'Ann', timeMs: 1, subject: 'x' };
    git.declare([], { lastSyncMs: 1_000, commit, attempted: commit, problem: 'git-unreachable' });
    expect(sources.state()).toMatchObject({
      lastSyncMs: 1_000,
      commit,
      attempted: commit,
      problem: 'git-unreachable',
    });
    expect(sources.state().parts).toEqual([
      { name: 'dir', state: dir.current },
      { name: 'git', state: git.current },
    ]);
    // A sync that brought nothing new rings no bell.
    dir.current = { ...dir.current, lastSyncMs: 500 };
    expect(sources.state().lastSyncMs).toBe(500);
  });

  it('keep the very same revision while none of theirs is new', async () => {
    const { dir, git, sources } = await scene();
    dir.declare([network('a')]);
    git.declare([network('b')]);
    const { revision } = sources.state();
    git.say({ ...git.current, doubt: 'x' });
    expect(sources.state().revision).toBe(revision);
  });

  it('stop together', async () => {
    const { dir, git, sources } = await scene();
    await sources.stop();
    expect([dir.isStopped, git.isStopped]).toEqual([true, true]);
    await expect(sources.start(() => undefined)).rejects.toThrow('started already');
  });
});
