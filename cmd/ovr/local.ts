import { readFile } from 'node:fs/promises';
import { errorMessage, formatDiagnostic, type Clock, type Diagnostic } from '../../pkg/api/index.ts';
import type { OnceOptions } from '../../pkg/agent/index.ts';
import type { Revision } from '../../pkg/manifest/index.ts';
import type { ActionRecord, ObjectStatus, PlannedChange } from '../../pkg/reconcile/index.ts';
import type { ManifestsRead, VariableOptions } from '../../pkg/source/index.ts';
import { UsageError } from './context.ts';

export interface Applied {
  readonly converged: boolean;
  readonly statuses: readonly ObjectStatus[];
}

/** What ovr does in its own process, without an agent. */
export interface Local {
  /** `-` among the paths is standard input. */
  readManifests(
    paths: readonly string[],
    options?: { readonly recursive?: boolean; readonly variables?: VariableOptions },
  ): Promise<ManifestsRead>;
  /** What of the revision breaks the policy in a file. Fails with a UsageError where the file is no policy. */
  checkPolicy(file: string, revision: Revision): Promise<readonly Diagnostic[]>;
  jsonSchema(): Promise<object>;
  diff(options: OnceOptions): Promise<readonly PlannedChange[]>;
  apply(options: OnceOptions, onProgress: (record: ActionRecord) => void): Promise<Applied>;
}

/** The real thing. Each part is loaded when it is first used: most runs need none of them. */
export function createLocal(deps: { clock: Clock; readStdin: () => Promise<string> }): Local {
  return {
    readManifests: async (paths, options) => {
      const { readManifests } = await import('../../pkg/source/index.ts');
      const stdin = paths.includes('-') ? { stdin: await deps.readStdin() } : {};
      return readManifests(paths, { clock: deps.clock, ...stdin, ...options });
    },
    checkPolicy,
    jsonSchema: async () => (await import('../../pkg/manifest/index.ts')).jsonSchema(),
    diff: async (options) => (await import('../../pkg/agent/index.ts')).diffOnce(options),
    apply: async (options, onProgress) => {
      const { applyOnce } = await import('../../pkg/agent/index.ts');
      return applyOnce(options, onProgress);
    },
  };
}

async function checkPolicy(file: string, revision: Revision): Promise<readonly Diagnostic[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new UsageError(`${file}: the policy cannot be read: ${errorMessage(error)}`);
  });
  const { checkPolicy: check, parsePolicy } = await import('../../pkg/manifest/index.ts');
  const { policy, diagnostics } = parsePolicy(text, file);
  if (policy === undefined) throw new UsageError(diagnostics.map(formatDiagnostic).join('\n'));
  return check(policy, revision.objects.values());
}
