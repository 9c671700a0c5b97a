import { compareStrings } from '../api/index.ts';
import { Demands } from './demand.ts';
import type { PlacementInput } from './input.ts';
import { NodeLoad } from './node-load.ts';

/** Told about each container that has got a node, or keeps the one it had. */
export type Witness = (container: string, node: string, candidates: readonly string[]) => void;

/** A placement while it is made. */
export interface Board {
  readonly input: PlacementInput;
  /** In the order of their names. */
  readonly nodes: readonly NodeLoad[];
  readonly byName: ReadonlyMap<string, NodeLoad>;
  /** For `node.hostname`, which ignores case. */
  readonly byLowerName: ReadonlyMap<string, NodeLoad>;
  readonly demands: Demands;
  /** Nodes of those that have come to another one, or to their first. */
  readonly moved: Map<string, string>;
  /** Names of those that run on one named node whatever is decided. */
  readonly pinned: Set<string>;
  readonly unplaced: Map<string, string>;
  readonly witness: Witness | undefined;
}

/** The empty board. */
export function layOut(input: PlacementInput, witness?: Witness): Board {
  const nodes = input.nodes
    .toSorted((a, b) => compareStrings(a.facts.name, b.facts.name))
    .map((node, index) => new NodeLoad(node, index));
  return {
    input,
    nodes,
    byName: new Map(nodes.map((node) => [node.facts.name, node])),
    byLowerName: new Map(nodes.toReversed().map((node) => [node.facts.name.toLowerCase(), node])),
    demands: new Demands(),
    moved: new Map(),
    pinned: new Set(),
    unplaced: new Map(),
    witness,
  };
}
