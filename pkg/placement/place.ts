import { assign } from './assign.ts';
import { layOut, type Board, type Witness } from './board.ts';
import type { Placement, PlacementInput } from './input.ts';
import { keep } from './keep.ts';

/** How one container got its node. */
export interface Decision {
  readonly container: string;
  readonly node: string;
  /** Names of the nodes that it could have gone to at that moment, in order. Who is pinned or stays had no other. */
  readonly candidates: readonly string[];
}

/**
 * Decides which node runs what. What is bound stays where it may, so a change moves nothing that it need not; docs/placement.md has the
 * rules. Never fails.
 */
export function place(input: PlacementInput): Placement {
  return decide(input);
}

/** The same, with each decision in turn, those for pinned containers too. Takes a look at all nodes for each container. */
export function placeExplained(
  input: PlacementInput,
): Placement & { readonly decisions: readonly Decision[] } {
  const decisions: Decision[] = [];
  const placement = decide(input, (container, node, candidates) => {
    decisions.push({ container, node, candidates });
  });
  return { ...placement, decisions };
}

function decide(input: PlacementInput, witness?: Witness): Placement {
  const board = layOut(input, witness);
  keep(board);
  assign(board);
  const { moved, unplaced } = board;
  let bindings: ReadonlyMap<string, string> | undefined;
  return {
    moved,
    unplaced,
    get bindings() {
      bindings ??= bindingsOn(board);
      return bindings;
    },
  };
}

function bindingsOn({ input, moved, pinned, unplaced }: Board): Map<string, string> {
  const bindings = new Map<string, string>();
  for (const { name } of input.containers) {
    const node = moved.get(name) ?? input.current.get(name);
    if (node !== undefined && !pinned.has(name) && !unplaced.has(name)) bindings.set(name, node);
  }
  return bindings;
}
