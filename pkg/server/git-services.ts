import type { Diagnostic } from '../api/index.ts';
import type { SourceStatus } from '../reconcile/index.ts';

/** How the Git source is after it was asked. */
export interface SyncResult {
  readonly source: SourceStatus;
  /** What is wrong with the newest commit, or with reaching it. */
  readonly diagnostics: readonly Diagnostic[];
}

/** As node gives them: names in lower case. */
type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

type HookVerdict =
  { readonly ok: true; readonly from: string } | { readonly ok: false; readonly reason: string };

/** What the routes ask of a Git source. */
export interface GitServices {
  /** Ends when what was pushed before is in force or refused; fails never. */
  sync(): Promise<SyncResult>;
  /** Whether a webhook is from somebody who knows the secret; absent: no secret is configured. */
  readonly checkHook?: (headers: Headers, body: Uint8Array) => Promise<HookVerdict>;
}
