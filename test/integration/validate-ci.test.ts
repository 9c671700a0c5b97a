import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { ensureDebianPackages } from '../tools/packages.ts';

/** The examples of docs/ci.md and the hook of pre-commit: each is run as it stands there, on a repository made of our own examples. */

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/ci.md'), 'utf8');

interface Step {
  readonly uses?: string;
  readonly run?: string;
}
interface Workflow {
  readonly on: object;
  readonly jobs: Readonly<Record<string, { readonly 'runs-on': string; readonly steps: readonly Step[] }>>;
}
interface Hook {
  readonly id: string;
  readonly entry: string;
  readonly args: readonly string[];
  readonly language: string;
  readonly files: string;
  readonly pass_filenames: boolean;
}

/** The YAML block of the page that comes after a text. */
function block(after: string): unknown {
  const rest = page.slice(page.indexOf(after));
  const text = /```yaml\n(.*?)```/s.exec(rest)?.[1] ?? '';
  const [document, ...others] = parseAllDocuments(text);
  expect([document?.errors, document?.warnings, others]).toEqual([[], [], []]);
  return document?.toJS();
}

const policy = /```yaml\n(apiVersion: ovr\/v1\nkind: Policy\n.*?)```/s.exec(page)?.[1] ?? '';
const [hook] = parse(readFileSync(join(root, '.pre-commit-hooks.yaml'), 'utf8')) as [Hook];
const gitHub = block('`.github/workflows/manifests.yaml`') as Workflow;
const gitLab = (block('`.gitlab-ci.yml`') as { manifests: { script: string[] } }).manifests;
const preCommit = block('`.pre-commit-config.yaml`') as {
  repos: { repo: string; rev: string; hooks: Partial<Hook>[] }[];
};
const gitHook = /#!\/bin\/sh\n *(exec ovr [^\n]*)\n/.exec(page)?.[1] ?? '';

/** Every line of a shell script that calls ovr, in order. */
const ovrLines = (script: readonly string[]): string[] =>
  script.filter((line) => /\bovr validate\b/.test(line));

const commands: Readonly<Record<string, string>> = {
  GitHub: ovrLines(gitHub.jobs['validate']?.steps.flatMap(({ run }) => run ?? []) ?? []).join('\n'),
  GitLab: ovrLines(gitLab.script).join('\n'),
  'the hook as it comes': [hook.entry, ...hook.args].join(' '),
  'the hook as docs/ci.md has it': [hook.entry, ...(preCommit.repos[0]?.hooks[0]?.args ?? [])].join(' '),
  'the hook of git alone': gitHook,
};

let repository: string;
beforeEach(() => {
  repository = mkdtempSync(join(tmpdir(), 'ovr-ci-'));
  mkdirSync(join(repository, 'bin'));
  const [node, main] = [process.execPath, join(root, 'cmd/ovr/main.ts')];
  writeFileSync(join(repository, 'bin/ovr'), `#!/bin/sh\nexec '${node}' '${main}' "$@"\n`, { mode: 0o755 });
  cpSync(join(root, 'manifests/article'), join(repository, 'manifests'), { recursive: true });
});
afterEach(() => rmSync(repository, { recursive: true }));

/** Runs a command line at the root of the repository, or in another folder. */
function run(
  line: string,
  { cwd = repository, env = {} }: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const PATH = `${join(repository, 'bin')}:${process.env['PATH'] ?? ''}`;
  return new Promise((resolve) => {
    execFile('sh', ['-c', line], { cwd, env: { PATH, ...env } }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

/** Puts a mistake into one of the manifests. */
function spoilManifest(): void {
  const [first = ''] = readdirSync(join(repository, 'manifests')).filter((name) => name.endsWith('.yaml'));
  const path = join(repository, 'manifests', first);
  writeFileSync(path, readFileSync(path, 'utf8').replace('metadata:', 'metadatum:'));
}

/** A policy in the way of the page, which the examples keep to. */
const keptPolicy =
  'apiVersion: ovr/v1\nkind: Policy\nrules:\n  - {rule: fields-forbidden, action: deny, fields: [Container.capAdd]}\n';

describe('docs/ci.md', () => {
  it('has a workflow of the form that GitHub reads', () => {
    expect(Object.keys(gitHub)).toEqual(['name', 'on', 'permissions', 'jobs']);
    for (const job of Object.values(gitHub.jobs)) {
      expect(job['runs-on']).toBe('ubuntu-latest');
      for (const step of job.steps) {
        expect(['uses', 'run'].filter((key) => key in step)).toHaveLength(1);
        if (step.uses !== undefined) expect(step.uses).toMatch(/^[\w-]+\/[\w-]+@v\d+$/);
      }
    }
  });

  it('has a hook of the form that pre-commit reads, and names it', () => {
    expect(hook).toMatchObject({ id: 'ovr-validate', language: 'system', pass_filenames: false });
    expect(preCommit.repos[0]?.hooks[0]?.id).toBe(hook.id);
    const fits = (path: string): boolean => new RegExp(hook.files).test(path);
    expect(['manifests/web.yaml', 'a.yml', 'b.json', 'README.md', 'yaml/x.txt'].map(fits)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it.each(Object.entries(commands))('%s: passes on good manifests and fails on bad ones', async (_, line) => {
    expect(line).toMatch(/^(?:exec )?ovr validate .*manifests/);
    writeFileSync(join(repository, '.ovr-policy.yaml'), keptPolicy);
    expect(await run(line)).toMatchObject({ code: 0, stderr: '' });
    spoilManifest();
    expect(await run(line)).toMatchObject({ code: 1, stderr: '' });
  });

  it('has a policy that works: our examples break it', async () => {
    writeFileSync(join(repository, '.ovr-policy.yaml'), policy);
    const { code, stdout } = await run(commands['GitHub'] ?? '');
    expect([code, stdout]).toEqual([1, expect.stringContaining('title=policy-labels-required::')]);
  });
});

describe('pre-commit itself', () => {
  let scene: string;
  beforeAll(() => ensureDebianPackages(['git', 'pre-commit']));
  beforeEach(() => {
    scene = mkdtempSync(join(tmpdir(), 'ovr-pre-commit-'));
  });
  afterEach(() => rmSync(scene, { recursive: true }));

  /** Nothing of the user's own configuration. */
  const environment = (): NodeJS.ProcessEnv => ({
    HOME: scene,
    LC_ALL: 'C.UTF-8',
    PRE_COMMIT_HOME: join(scene, 'cache'),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Ann',
    GIT_AUTHOR_EMAIL: 'ann@example.org',
    GIT_COMMITTER_NAME: 'Ann',
    GIT_COMMITTER_EMAIL: 'ann@example.org',
  });

  async function must(line: string, cwd?: string): Promise<string> {
    const { code, stdout, stderr } = await run(line, {
      env: environment(),
      ...(cwd === undefined ? {} : { cwd }),
    });
    expect([line, code, code === 0 ? '' : stdout + stderr]).toEqual([line, 0, '']);
    return stdout + stderr;
  }

  /** A repository with the hook as ours publishes it, under the tag that the page names; its path. */
  async function publish(rev: string): Promise<string> {
    const published = join(scene, 'ovr');
    mkdirSync(published);
    cpSync(join(root, '.pre-commit-hooks.yaml'), join(published, '.pre-commit-hooks.yaml'));
    await must(`git init --quiet && git add --all && git commit --quiet -m All && git tag ${rev}`, published);
    return published;
  }

  it('lets good manifests be committed and bad ones not, with the configuration of docs/ci.md', async () => {
    const [source] = preCommit.repos;
    if (source === undefined) throw new Error('docs/ci.md names no repository');
    const config = { repos: [{ ...source, repo: await publish(source.rev) }] };
    writeFileSync(join(repository, '.pre-commit-config.yaml'), stringify(config));
    writeFileSync(join(repository, '.ovr-policy.yaml'), keptPolicy);
    writeFileSync(join(repository, '.gitignore'), '/bin\n');
    await must(`pre-commit validate-manifest '${join(root, '.pre-commit-hooks.yaml')}'`);
    await must('pre-commit validate-config && git init --quiet && pre-commit install && git add --all');
    expect(await must('git commit -m Good')).toMatch(/ovr validate\.+Passed/);

    writeFileSync(join(repository, 'README.md'), 'no manifest\n');
    expect(await must('git add --all && git commit -m Words')).toMatch(
      /ovr validate\.+\(no files to check\)Skipped/,
    );

    spoilManifest();
    const { code, stdout, stderr } = await run('git add --all && git commit -m Bad', { env: environment() });
    const said = stdout + stderr;
    expect([code, said]).toEqual([1, expect.stringMatching(/ovr validate\.+Failed/)]);
    expect(said).toMatch(/manifests\/\S+:\d+:\d+: error field-unknown: "metadatum" /);
    expect(await must('git log --format=%s')).toBe('Words\nGood\n');
  });
});
