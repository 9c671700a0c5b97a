import { readFile } from 'node:fs/promises';
import { errorMessage, type Logger } from '../api/index.ts';
import type { AgentStatus } from '../reconcile/index.ts';
import type { GitServices, SyncResult } from '../server/index.ts';
import { verifyHook } from '../source/index.ts';
import type { ManifestSources } from './manifest-sources.ts';

interface Options extends ManifestSources {
  /** Read for each webhook, so that the secret can be changed; absent: none is accepted. */
  readonly webhookSecretFile?: string | undefined;
  readonly status: () => AgentStatus;
  readonly logger: Logger;
}

/** What the API may ask of the Git source; undefined where there is none. */
export function createGitServices(options: Options): GitServices | undefined {
  const { git, status, webhookSecretFile, logger } = options;
  if (git === undefined) return undefined;
  const result = (): SyncResult => {
    const shown = status().sources.find(({ name }) => name === git.name);
    return { source: shown ?? { name: git.name, synced: false }, diagnostics: git.state().diagnostics };
  };
  return {
    sync: () => git.sync().then(result),
    ...(webhookSecretFile === undefined ? {} : { checkHook: hookCheck(webhookSecretFile, logger) }),
  };
}

/** Nothing of the body or the headers is logged. */
function hookCheck(file: string, logger: Logger): NonNullable<GitServices['checkHook']> {
  return async (headers, body) => {
    let secret: string;
    try {
      secret = (await readFile(file, 'utf8')).trim();
    } catch (error) {
      logger.warn({ error: errorMessage(error) }, 'the secret of the webhook cannot be read');
      return { ok: false, reason: 'the secret of the webhook cannot be read here: see the log of ovrd' };
    }
    const verdict = verifyHook(headers, body, secret);
    if (verdict.ok) logger.info({ from: verdict.from }, 'a webhook asks for a look at the Git remote');
    else logger.debug({ reason: verdict.reason }, 'a webhook is refused');
    return verdict;
  };
}
