import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';

/** The examples of docs/ci.md and the pre-commit hook: each is run as it stands there, on a repository made of our own examples. */

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
const preCommit = block('`.pre-commit-config.yaml`') as { repos: { hooks: Partial<Hook>[] }[] };
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

/** Runs a command line at the root of the repository. */
function run(line: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const PATH = `${join(repository, 'bin')}:${process.env['PATH'] ?? ''}`;
  return new Promise((resolve) => {
    execFile('sh', ['-c', line], { cwd: repository, env: { PATH } }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
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
    const [first = ''] = readdirSync(join(repository, 'manifests')).filter((name) => name.endsWith('.yaml'));
    const text = readFileSync(join(repository, 'manifests', first), 'utf8');
    writeFileSync(join(repository, 'manifests', first), text.replace('metadata:', 'metadatum:'));
    expect(await run(line)).toMatchObject({ code: 1, stderr: '' });
  });

  it('has a policy that works: our examples break it', async () => {
    writeFileSync(join(repository, '.ovr-policy.yaml'), policy);
    const { code, stdout } = await run(commands['GitHub'] ?? '');
    expect([code, stdout]).toEqual([1, expect.stringContaining('title=policy-labels-required::')]);
  });
});
