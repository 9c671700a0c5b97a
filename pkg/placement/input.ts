import type { NodeFacts } from '../constraint/index.ts';
import type { ContainerObject } from '../manifest/index.ts';

export const STRATEGIES = ['spread', 'binpack'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** A node that is there, with what it can carry. */
export interface PlacementNode {
  readonly facts: NodeFacts;
  /** Billionths of a core; 0 means not known, and nothing is checked against it. */
  readonly nanoCpus: number;
  /** 0 means not known. */
  readonly memoryBytes: number;
  /** Why it takes nothing new, for example `engine does not answer`; absent when it does. */
  readonly unhealthy?: string;
}

/** Everything a placement depends on. Same input, same placement, whatever the order of the lists. */
export interface PlacementInput {
  /** All containers of the revision, also those pinned to one node: they take room there. */
  readonly containers: readonly ContainerObject[];
  /** Nodes that are members now. */
  readonly nodes: readonly PlacementNode[];
  /** Name of the node each container is bound to now, by container name. The node may be none of `nodes`. */
  readonly current: ReadonlyMap<string, string>;
  /** Nodes that have been away for so long that their `reschedule: on-node-failure` containers go to others. */
  readonly lost: ReadonlySet<string>;
  readonly strategy: Strategy;
}

/** Which node runs what. */
export interface Placement {
  /** Node name by container name. Containers pinned to one literal node are not in it: they need no binding. */
  readonly bindings: ReadonlyMap<string, string>;
  /** Those of `bindings` that were bound to another node before, or to none. Where few have moved, this is far less to look at. */
  readonly moved: ReadonlyMap<string, string>;
  /** Why a container has no node, by container name: `3 nodes: constraint storage==ssd; 1 node: port 8001 taken`. */
  readonly unplaced: ReadonlyMap<string, string>;
}
