import type { Clock } from '../../pkg/api/index.ts';
import type { OnceOptions } from '../../pkg/agent/index.ts';
import type { ActionRecord, ObjectStatus, PlannedChange } from '../../pkg/reconcile/index.ts';
import type { ManifestsRead } from '../../pkg/source/index.ts';

export interface Applied {
  readonly converged: boolean;
  readonly statuses: readonly ObjectStatus[];
}

/** What ovr does in its own process, without an agent. */
export interface Local {
  /** `-` among the paths is standard input. */
  readManifests(paths: readonly string[]): Promise<ManifestsRead>;
  jsonSchema(): Promise<object>;
  diff(options: OnceOptions): Promise<readonly PlannedChange[]>;
  apply(options: OnceOptions, onProgress: (record: ActionRecord) => void): Promise<Applied>;
}

/** The real thing. Each part is loaded when it is first used: most runs need none of them. */
export function createLocal(deps: { clock: Clock; readStdin: () => Promise<string> }): Local {
  return {
    readManifests: async (paths) => {
      const { readManifests } = await import('../../pkg/source/index.ts');
      const stdin = paths.includes('-') ? { stdin: await deps.readStdin() } : {};
      return readManifests(paths, { clock: deps.clock, ...stdin });
    },
    jsonSchema: async () => (await import('../../pkg/manifest/index.ts')).jsonSchema(),
    diff: async (options) => (await import('../../pkg/agent/index.ts')).diffOnce(options),
    apply: async (options, onProgress) => {
      const { applyOnce } = await import('../../pkg/agent/index.ts');
      return applyOnce(options, onProgress);
    },
  };
}
