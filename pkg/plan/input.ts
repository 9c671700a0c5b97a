import type { ObjectKey, Selector } from '../api/index.ts';
import type { Revision } from '../manifest/index.ts';
import type { ObservedState } from '../state/index.ts';
import type { HolderFact, Succession } from './alias.ts';
import type { Suspensions } from './suspension.ts';

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
  /** Endpoints that the network does not serve as it should, by object. */
  readonly unpublished?: ReadonlyMap<ObjectKey, readonly Unpublished[]>;
  /** What the cluster has decided for this node; absent: this node is the whole cluster. */
  readonly cluster?: ClusterInput;
  /** Selectors that people have put in the place of the manifests', by name of the Alias. Absent: none. */
  readonly switched?: ReadonlyMap<string, Selector>;
  /** What people have suspended: looked at, and left as it is. Absent: nothing. */
  readonly suspended?: Suspensions;
  /** What the secrets of containers that are here are now. Absent: they are not compared. */
  readonly secrets?: ReadonlyMap<ObjectKey, SecretsNow>;
}

/** The secret values that a manifest names, as far as this host knows them: by keyed hashes alone. */
export interface SecretsNow {
  /** Of the key that they are made with; absent: there is none. */
  readonly keyId?: string;
  /** By name of the variable. Encrypted values are in it only where their text is another than the container was made with. */
  readonly hashes: ReadonlyMap<string, string>;
  /** Some are being looked at: not known yet. */
  readonly isPending: boolean;
  /** Why some cannot be known at the moment, for people. */
  readonly problem?: string;
}

/** An update that failed and was undone. */
export interface FailedUpdate {
  readonly specHash: string;
  /** Which secrets it was made with, as `secretsId` tells them; absent: it had none, or they were not known. */
  readonly secrets?: string;
  readonly message: string;
}

/** An endpoint that is as declared and yet does not answer to its name or address. */
export interface Unpublished {
  readonly network: string;
  /** `another`: what is known of the address somewhere is wrong. A pinned one stays all the same. */
  readonly address: 'kept' | 'another';
  /** What was found. */
  readonly why: string;
}

/** What the agents of a cluster have agreed on, as far as it concerns this node. Containers are meant by name. */
export interface ClusterInput {
  /** Containers bound to this node. Those pinned to it by a literal `node==` need no binding and are not in it. */
  readonly bound: ReadonlySet<string>;
  /**
   * Digest of the revision that the leader decided on. Only under that same revision does a container's absence from `bound` mean that it
   * belongs elsewhere. Absent: the leader has not been heard, or may not be believed.
   */
  readonly decidedOn?: string;
  /** Why containers have no node anywhere. */
  readonly unplaced: ReadonlyMap<string, string>;
  /** How many more have none: while there are any, a container that is neither bound here nor in `unplaced` may be one of them. */
  readonly unplacedOmitted: number;
  /**
   * False once this agent has had no session for so long that the leader may soon give its `reschedule: on-node-failure` containers to
   * other nodes: they must not run here then.
   */
  readonly leaseHeld: boolean;
  /** Longest time such a container gets to stop once the lease is lost, so that it has ended before another node may start it. */
  readonly fenceGraceMs: number;
  /**
   * Bound containers that ran before on a node that is lost. That node could not take its endpoints out of a cluster store, which refuses a
   * second one of the same name: the one that is there is known to be theirs.
   */
  readonly inherited?: ReadonlySet<string>;
  /** Whether this agent makes the overlays of a cluster store: one agent does it for all. */
  readonly makesOverlays: boolean;
  /** Who holds an alias on the other nodes, by name of the Alias. Absent: not known now, so no name is given up for a holder elsewhere. */
  readonly holders?: ReadonlyMap<string, readonly HolderFact[]>;
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
  /** Whose replacement failed and was undone: not tried again until the manifest or a secret changes. */
  readonly failedUpdates: ReadonlyMap<ObjectKey, FailedUpdate>;
  /** By alias: since when its new holders have the name beside the old ones. */
  readonly successions?: ReadonlyMap<ObjectKey, Succession>;
  /** Addresses by network name that endpoints had and keep no longer, since an engine did not give them or they led nowhere. */
  readonly givenUp: ReadonlyMap<ObjectKey, ReadonlyMap<string, string>>;
  /** Containers of updates under way, by ID: where each stood when it was last decided on, and since when. */
  readonly phases: ReadonlyMap<string, PhaseRecord>;
  /** Whether an object stays when its manifest goes, as the manifest said last, where the labels in the engine say otherwise. */
  readonly stays?: ReadonlyMap<ObjectKey, boolean>;
}

/**
 * Where a container of an update stands. `proving`: it has been started and is not ready so far. Else how it answers to the object's names: `named` it does, beside another that does too; `nameless` it does not any more
 * and only serves what is open.
 */
export type Phase = 'proving' | 'named' | 'nameless';

export interface PhaseRecord {
  readonly phase: Phase;
  /** Milliseconds since the epoch. */
  readonly sinceMs: number;
}

export interface AppliedRecord {
  readonly digest: string;
  /** Address by network name. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Names that aliases gave it, by network name; absent where they gave none. */
  readonly given?: Readonly<Record<string, readonly string[]>>;
  /** Of the file that declared it. Absent in what an older version has saved. */
  readonly folder?: string;
  /** Of a container: the containers that it depends on; they go after it. Absent: none. */
  readonly dependsOn?: readonly string[];
  /** Of a network: the subnet that it has, so that it gets the same one when it is made again. */
  readonly subnet?: string;
}
