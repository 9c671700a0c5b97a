import type { Cause, Condition, ObjectKey } from '../api/index.ts';
import type { Action } from './action.ts';
import type { AliasView, Succession } from './alias.ts';
import type { FailedUpdate, Phase } from './input.ts';

/** Steps for one object, in order; the first failure ends them. Objects are independent but for `waitsFor`. */
export interface ObjectPlan {
  readonly key: ObjectKey;
  /** Lower runs earlier where there is a choice: what must not run and networks, containers, container removals, network removals. */
  readonly rank: 0 | 1 | 2 | 3;
  readonly steps: readonly Action[];
  /** How to undo steps `from` (inclusive) to `until` (exclusive) when one of them fails: puts the old container back. */
  readonly fallback?: { readonly from: number; readonly until: number; readonly steps: readonly Action[] };
  /** Why the update to this spec has failed: it is undone by these steps and not tried again until the manifest or a secret changes. */
  readonly givesUp?: FailedUpdate;
  /** Which secrets it was planned for, where they are known; never what they are. */
  readonly secrets?: string;
  /** Objects whose own steps must have succeeded first. */
  readonly waitsFor: readonly ObjectKey[];
  /**
   * Present where the cluster, not a literal constraint, has the container run here. Steps run only while it is bound to this node and, with
   * `leased`, while the lease is held: both can end between two steps. `fenced`: only while it must not run here.
   */
  readonly onlyWhile?: 'bound' | 'leased' | 'fenced';
  /** An endpoint of this container's name that is in its way was left by a node that is lost, and may be removed. */
  readonly replacesEndpoints?: true;
}

/** What plan() found about one object, also where nothing is to be done. */
export interface Verdict {
  readonly condition: Condition;
  /** All differences found, also those that are only observed or refused. */
  readonly causes: readonly Cause[];
}

export interface Plan {
  /** Sorted by rank, then key. */
  readonly objects: readonly ObjectPlan[];
  /** One per desired or owned object, sorted by key. */
  readonly verdicts: readonly Verdict[];
  /** Removals that wait for a person or for certainty. */
  readonly held?: { readonly reason: string; readonly keys: readonly ObjectKey[] };
  /** How each declared alias stands, sorted by name. */
  readonly aliases: readonly AliasView[];
  /** Names that aliases give to containers of this node, by network name. */
  readonly given: ReadonlyMap<ObjectKey, Readonly<Record<string, readonly string[]>>>;
  /** To be handed in again with the next plan. */
  readonly successions: ReadonlyMap<ObjectKey, Succession>;
  /** Containers of updates under way, by ID. */
  readonly phases: ReadonlyMap<string, Phase>;
  /** Look again after this long even if no event comes; absent when nothing is being waited for. */
  readonly recheckAfterMs?: number;
}
