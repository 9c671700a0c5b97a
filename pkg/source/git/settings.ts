import type { Clock, Logger } from '../../api/index.ts';
import type { Reader } from '../sighting.ts';
import type { VariableOptions } from '../variable-set.ts';
import { parsePath, parseRef, parseRemote, refuse, type Ref, type Remote } from './remote.ts';
import type { GitRunner } from './runner.ts';

export interface GitSourceOptions {
  /** `https://`, `ssh://`, `user@host:path`, `http://` or `file:///`; without a password. */
  readonly url: string;
  /** Branch, tag, full ref name or whole commit hash; absent: the remote's HEAD. */
  readonly ref?: string;
  /** Folder in the repository; absent: its root. */
  readonly path?: string;
  /** Whether folders below `path` count too. */
  readonly recursive?: boolean;
  /** How often the remote is asked, milliseconds; a tenth more or less by chance. */
  readonly intervalMs?: number;
  /** Private key for ssh, without a passphrase. */
  readonly sshKeyFile?: string;
  readonly knownHostsFile?: string;
  /** File with a token or password for http and https. */
  readonly tokenFile?: string;
  /** OpenPGP public keys, or an allowed-signers file of ssh; absent: commits need no signature. */
  readonly verifyKeyring?: string;
  /** The agent's own folder; the clone is in `git/` there. */
  readonly stateDir: string;
  /** The clone may not grow beyond this, bytes. */
  readonly maxBytes?: number;
  /** Each call of git, milliseconds. */
  readonly timeoutMs?: number;
  /** For the manifests that ask for them; absent: there are none. */
  readonly variables?: VariableOptions;
  /** Of these, only PATH and proxies go on to git, and SSL_CERT_FILE as the certificates that it trusts. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Replaces the worker thread and git, for tests. */
  readonly reader?: Reader;
  readonly runner?: GitRunner;
}

/** The options, checked and with their defaults. */
export interface GitSettings {
  readonly remote: Remote;
  readonly ref: Ref;
  readonly path: string;
  readonly recursive: boolean;
  readonly intervalMs: number;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly ssh?: SshFiles;
  readonly tokenFile?: string;
  readonly verifyKeyring?: string;
  /** Certificates that https trusts, instead of the system's. */
  readonly caFile?: string;
}

export interface SshFiles {
  readonly keyFile: string;
  readonly knownHostsFile: string;
}

const DEFAULT_INTERVAL_MS = 30_000;
const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 60_000;

/** Checks the options. Fails with `invalid-request` at the first one that cannot be. */
export function settingsOf(options: GitSourceOptions): GitSettings {
  const remote = parseRemote(options.url);
  const { tokenFile, verifyKeyring } = options;
  const caFile = options.environment['SSL_CERT_FILE'];
  if (tokenFile !== undefined) checkToken(remote);
  return {
    remote,
    ref: parseRef(options.ref),
    path: parsePath(options.path),
    recursive: options.recursive ?? false,
    intervalMs: options.intervalMs ?? DEFAULT_INTERVAL_MS,
    maxBytes: options.maxBytes ?? DEFAULT_MAX_BYTES,
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    ...(remote.transport === 'ssh' ? { ssh: sshFiles(options) } : {}),
    ...(tokenFile === undefined ? {} : { tokenFile }),
    ...(verifyKeyring === undefined ? {} : { verifyKeyring }),
    ...(caFile === undefined ? {} : { caFile }),
  };
}

function checkToken({ transport, isLocal }: Remote): void {
  if (transport === 'ssh' || transport === 'file') {
    throw refuse(`a token file is of no use for ${transport}; leave it out`);
  }
  if (transport === 'http' && !isLocal) {
    throw refuse('over plain http anyone on the way could read the token; use an https URL');
  }
}

function sshFiles({ sshKeyFile, knownHostsFile }: GitSourceOptions): SshFiles {
  if (sshKeyFile === undefined) throw refuse('a Git URL over ssh needs a key file');
  if (knownHostsFile === undefined) {
    throw refuse(
      'a Git URL over ssh needs a known-hosts file, so that nobody else can pose as the server; `ssh-keyscan HOST` prints one',
    );
  }
  for (const file of [sshKeyFile, knownHostsFile]) {
    // ssh gives these a meaning of its own in the value of an option.
    if (!file.startsWith('/') || /[\s"'\\%$~]/.test(file)) {
      throw refuse(`the path "${file}" must begin with / and have no spaces, quotes, %, $, ~ or \\ in it`);
    }
  }
  return { keyFile: sshKeyFile, knownHostsFile };
}
