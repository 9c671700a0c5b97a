import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createCliStage, type CliStage } from '../../../test/build/cli.ts';

const execute = promisify(execFile);

let stage: CliStage;
let folder: string;
beforeAll(async () => {
  stage = await createCliStage();
  folder = await mkdtemp(join(tmpdir(), 'ovr-completion-'));
  // Stands in for ovr when the script asks for names.
  await writeFile(
    join(folder, 'ovr'),
    `#!/bin/sh
case "$*" in
  "get nodes -o name") echo "Node/swarm-node-1" ;;
  *--here*) echo "Container/nginx_web_1"; echo "Container/nginx_web_2" ;;
esac
`,
  );
  await chmod(join(folder, 'ovr'), 0o755);
  const { stdout } = await stage.run('completion bash');
  await writeFile(join(folder, 'ovr.bash'), stdout);
});
afterAll(async () => {
  await stage.close();
  await rm(folder, { recursive: true });
});

/** What bash offers for the last of the words. */
async function complete(...words: readonly string[]): Promise<readonly string[]> {
  const script = `source ${folder}/ovr.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ovr; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}` };
  const { stdout } = await execute('bash', ['-c', script, 'bash', 'ovr', ...words], { env, cwd: folder });
  return stdout.split('\n').filter((line) => line !== '');
}

describe('bash', () => {
  it.each<[readonly string[], readonly string[]]>([
    [['st'], ['status']],
    [['--soc'], ['--socket']],
    [
      ['get', ''],
      ['networks', 'containers', 'aliases', 'nodes'],
    ],
    [
      ['describe', ''],
      ['networks', 'containers', 'aliases', 'nodes'],
    ],
    [
      ['explain', ''],
      ['networks', 'containers', 'aliases'],
    ],
    [
      ['get', 'c', '--h'],
      ['--here', '--help'],
    ],
    [
      ['get', 'containers', 'nginx_web_'],
      ['nginx_web_1', 'nginx_web_2'],
    ],
    [['describe', 'nodes', 'swarm'], ['swarm-node-1']],
    [['--socket', '/x', 'explain', 'c', 'nginx_web_2'], ['nginx_web_2']],
    [
      ['get', '-o', ''],
      ['table', 'wide', 'json', 'yaml', 'name'],
    ],
    [['get', '-o', 'json', 'net'], ['networks']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['status', '--w'], ['--wait']],
    [['validate', 'ovr.b'], ['ovr.bash']],
    [['diff', '-f', 'ovr.b'], ['ovr.bash']],
    [['--cluster', ''], []],
    [['version', ''], []],
  ])('completes %j', async (words, offered) => {
    expect(await complete(...words)).toEqual(offered);
  });
});

describe.each(['zsh', 'fish'])('%s', (shell) => {
  it('knows every verb and flag', async () => {
    const { stdout } = await stage.run(`completion ${shell}`);
    const { stdout: help } = await stage.run('--help');
    const words = [...help.matchAll(/^ {2}(?:-., )?(--)?([a-z-]+) /gm)].map(([, , word]) => word ?? '');
    expect(words.length).toBeGreaterThan(20);
    for (const word of words) expect(stdout).toContain(word);
    expect(stdout).toContain('-o name');
  });
});

it('refuses other shells', async () => {
  expect(await stage.run('completion tcsh')).toMatchObject({ code: 2, stdout: '' });
});
