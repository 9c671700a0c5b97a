import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../../api/index.ts';
import type { Clone } from './clone.ts';
import { gitConfig } from './environment.ts';
import { GitFailure } from './failure.ts';
import type { GitFolders } from './folders.ts';
import { readKeyring, type Keyring } from './keyring.ts';
import { GitProblem } from './problem.ts';
import type { GitSettings } from './settings.ts';

const NOT_IN_KEYRING = 'its key is not in the keyring; add it there, or sign with one that is';

/** What GnuPG says about a signature that is not good, and what to do. */
const STATES: readonly (readonly [sign: RegExp, meaning: string])[] = [
  [/BADSIG|BAD signature/, 'its signature does not fit it: it was changed after it was signed'],
  [/REVKEYSIG/, 'its key was revoked; sign with another one'],
  [
    /EXPKEYSIG|EXPSIG/,
    'its key or signature has expired; renew the key in the keyring, or sign with another one',
  ],
  [/NO_PUBKEY|ERRSIG|No principal matched|Could not verify/, NOT_IN_KEYRING],
  [
    /cannot run|No such file/,
    'the program that checks it is missing; install gnupg, or openssh-client for ssh signatures',
  ],
];

/** Checks that commits are signed by a key of the keyring. */
export class SignatureCheck {
  readonly #file: string;
  readonly #folders: GitFolders;
  readonly #settings: GitSettings;

  constructor(file: string, folders: GitFolders, settings: GitSettings) {
    this.#file = file;
    this.#folders = folders;
    this.#settings = settings;
  }

  /** Digest of the keyring as it is now. Fails with GitProblem. */
  async keyringDigest(): Promise<string> {
    return createHash('sha256')
      .update(await this.#read())
      .digest('hex');
  }

  /** Fails with GitProblem unless the commit has a valid signature of a key in the keyring. */
  async verify(clone: Clone, commit: string): Promise<void> {
    const keyring = readKeyring(await this.#read());
    const config = await this.#install(keyring);
    try {
      await clone.local({
        args: ['verify-commit', '--raw', commit],
        environment: { GIT_CONFIG_GLOBAL: config },
      });
    } catch (error) {
      if (!(error instanceof GitFailure) || error.kind !== 'exit') throw error;
      throw (await isSigned(clone, commit)) ? refusal(error.output) : UNSIGNED;
    }
  }

  async #read(): Promise<Buffer> {
    try {
      return await readFile(this.#file);
    } catch (error) {
      throw new GitProblem(
        'git-keyring',
        `the keyring cannot be read (${errorMessage(error)}); check its path and permissions`,
      );
    }
  }

  /** Puts a copy of exactly what was read where the programs look; returns git's configuration for it. */
  async #install(keyring: Keyring): Promise<string> {
    const { gnupg, home, keyring: keys, allowedSigners } = this.#folders;
    if (keyring.type === 'unknown') {
      throw new GitProblem('git-keyring', `the keyring ${this.#file} is of no use: ${keyring.reason}`);
    }
    const config = join(home, 'gitconfig.verify');
    if (keyring.type === 'ssh') {
      await writeFile(allowedSigners, keyring.text, { mode: 0o600 });
      await writeFile(config, gitConfig(this.#settings, { allowedSigners }), { mode: 0o600 });
    } else {
      await writeFile(keys, keyring.bytes, { mode: 0o600 });
      await writeFile(join(gnupg, 'gpg.conf'), gpgConfig(keys), { mode: 0o600 });
      await writeFile(config, gitConfig(this.#settings), { mode: 0o600 });
    }
    return config;
  }
}

/** Only this keyring, which is trusted because the operator named it; nothing asked, nothing fetched, no agent. */
function gpgConfig(keyring: string): string {
  return [
    'no-default-keyring',
    `keyring ${keyring}`,
    'trust-model always',
    'no-auto-key-retrieve',
    'no-autostart',
    'batch',
    'no-tty',
    '',
  ].join('\n');
}

const UNSIGNED = new GitProblem(
  'git-unsigned',
  'the commit is refused: it is not signed; sign it (`git commit -S`) with a key of the keyring',
);

/** Git says the same of a commit without a signature and of one with a signature of another kind. */
async function isSigned(clone: Clone, commit: string): Promise<boolean> {
  const text = await clone.local({ args: ['cat-file', 'commit', commit] });
  return /^gpgsig(-sha256)? /m.test(text.slice(0, text.indexOf('\n\n')));
}

function refusal(output: string): GitProblem {
  const meaning = STATES.find(([sign]) => sign.test(output))?.[1] ?? NOT_IN_KEYRING;
  return new GitProblem('git-signature-bad', `the commit is refused: ${meaning}`);
}
