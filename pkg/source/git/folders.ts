import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** Where everything of one remote is kept. */
export interface GitFolders {
  readonly root: string;
  /** The bare clone. */
  readonly clone: string;
  /** A clone that is being made to replace it. */
  readonly newClone: string;
  /** Git's home, with the only configuration that it reads. */
  readonly home: string;
  readonly config: string;
  /** The same with a token in it; only there while it is needed. */
  readonly secretConfig: string;
  readonly gnupg: string;
  readonly keyring: string;
  readonly allowedSigners: string;
  readonly index: string;
  /** One folder a commit. */
  readonly trees: string;
  /** What is in force, for the next start. */
  readonly record: string;
}

const DIGEST_DIGITS = 16;

/** The folders below `stateDir` for this URL. */
export function foldersFor(stateDir: string, url: string): GitFolders {
  const digest = createHash('sha256').update(url).digest('hex').slice(0, DIGEST_DIGITS);
  const root = join(stateDir, 'git', digest);
  const home = join(root, 'home');
  return {
    root,
    home,
    clone: join(root, 'clone.git'),
    newClone: join(root, 'clone.new'),
    config: join(home, 'gitconfig'),
    secretConfig: join(home, 'gitconfig.secret'),
    gnupg: join(home, 'gnupg'),
    keyring: join(home, 'keyring'),
    allowedSigners: join(home, 'allowed-signers'),
    index: join(root, 'index'),
    trees: join(root, 'trees'),
    record: join(root, 'applied.json'),
  };
}
