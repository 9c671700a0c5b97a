import type { ObjectKey } from '../api/index.ts';
import type { Revision } from '../manifest/index.ts';
import type { ObservedState } from '../state/index.ts';

/** Everything a plan depends on. Same input, same plan. */
export interface PlanInput {
  readonly revision: Revision;
  readonly observed: ObservedState;
  readonly memory: PlanMemory;
  readonly settings: PlanSettings;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** Why nothing may be removed now; absent when absence can be believed. */
  readonly doubt?: string;
  /** A person has confirmed the removals that this revision asks for. */
  readonly pruneConfirmed: boolean;
}

export interface PlanSettings {
  readonly cluster: string;
  readonly mode: 'enforce' | 'observe';
  /** CIDR out of which networks without a subnet get a /24. */
  readonly subnetPool: string;
  /** CIDRs that the host routes already. */
  readonly hostRoutes: readonly string[];
  /** How long a new network on a cluster store is left alone, so that every agent has seen its rivals. */
  readonly settleMs: number;
}

/** What the agent remembers of earlier rounds. */
export interface PlanMemory {
  /** How each object stood when it was last found converged. */
  readonly applied: ReadonlyMap<ObjectKey, AppliedRecord>;
  /** IDs of containers this agent made. */
  readonly createdIds: ReadonlySet<string>;
  /** Spec hashes whose replacement failed and was undone: not tried again until the manifest changes. */
  readonly failedUpdates: ReadonlyMap<ObjectKey, { readonly specHash: string; readonly message: string }>;
}

export interface AppliedRecord {
  readonly digest: string;
  /** Address by network name. */
  readonly addresses: Readonly<Record<string, string>>;
}
