import type { Clock, Logger } from '../api/index.ts';
import type { Config } from '../config/index.ts';
import type { Source } from '../reconcile/index.ts';
import {
  createDirSource,
  createGitSource,
  createSources,
  GIT_CODES,
  type GitSource,
} from '../source/index.ts';

interface SourceDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Git gets PATH, proxies and SSL_CERT_FILE out of it. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export interface ManifestSources {
  /** All of them as one. */
  readonly source: Source;
  readonly git?: GitSource;
  /** What can be wrong with each, by its name, where that is a closed set. */
  readonly problems: Readonly<Record<string, readonly string[]>>;
}

/** The sources that the configuration names. Nothing is read yet. Fails with `invalid-request` where an option of Git cannot be. */
export function createManifestSources(config: Config, deps: SourceDeps): ManifestSources {
  const { clock, environment = {} } = deps;
  const logger = deps.logger.child({ part: 'source' });
  const { manifests: dirs, git: options, recursive, stateDir, variables } = config;
  const shared = { recursive, variables, clock, logger };
  const git =
    options && createGitSource({ ...options, ...shared, stateDir, environment, random: Math.random });
  const folders = dirs.length > 0 ? [createDirSource({ dirs, ...shared })] : [];
  return {
    source: createSources([...folders, ...(git ? [git] : [])]),
    ...(git ? { git } : {}),
    problems: git ? { [git.name]: GIT_CODES } : {},
  };
}

/** Waits until the remote was asked, where the start itself did not have the patience: a single run has no second chance. */
export async function askedOnce({ git }: ManifestSources): Promise<void> {
  if (git?.state().doubt !== undefined) await git.sync();
}
