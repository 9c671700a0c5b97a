import { stat } from 'node:fs/promises';
import { GitProblem } from './problem.ts';
import type { SshFiles } from './settings.ts';

const OTHERS = 0o077;

/** Checks what ssh would complain about less clearly. Fails with GitProblem. */
export async function checkKeyFiles({ keyFile, knownHostsFile }: SshFiles): Promise<void> {
  const key = await stat(keyFile).catch(() => undefined);
  if (key?.isFile() !== true) {
    throw new GitProblem(
      'git-key-file',
      `there is no key file ${keyFile}; put a private key without a passphrase there`,
    );
  }
  if ((key.mode & OTHERS) !== 0) {
    throw new GitProblem(
      'git-key-file',
      `others can read the key file ${keyFile}; run \`chmod 600 ${keyFile}\``,
    );
  }
  const hosts = await stat(knownHostsFile).catch(() => undefined);
  if (hosts?.isFile() !== true) {
    throw new GitProblem(
      'git-key-file',
      `there is no known-hosts file ${knownHostsFile}; write the server's host key there`,
    );
  }
}
