import type { Demand } from './demand.ts';
import { NodeHeap } from './node-heap.ts';
import type { NodeLoad } from './node-load.ts';
import type { Preference } from './strategy.ts';

/**
 * Nodes that are equally wished for, best one first. While one demand after the other is served, nodes only get fuller; so a node that
 * has no room is put aside until the requests change, and one whose ports clash until the demand changes.
 */
export class Tier {
  readonly #nodes: readonly NodeLoad[];
  readonly #heap: NodeHeap;
  #demand: Demand | undefined;
  #full: NodeLoad[] = [];
  #clashing: NodeLoad[] = [];
  /** Kept while nobody gets full: they are asked for with each container. */
  #candidates: readonly string[] | undefined;

  /** `nodes` in the order of their names. */
  constructor(nodes: readonly NodeLoad[], isBefore: Preference) {
    this.#nodes = nodes;
    this.#heap = new NodeHeap(nodes, isBefore);
  }

  /** The best node that has room. It must be given to `settle` before the next call, if it took the container. */
  best(demand: Demand): NodeLoad | undefined {
    if (demand !== this.#demand) this.#turnTo(demand);
    for (let node = this.#heap.top; node; node = this.#heap.top) {
      if (node.shortOf(demand) !== undefined) this.#full.push(node);
      else if (node.clashWith(demand)) this.#clashing.push(node);
      else return node;
      this.#heap.removeTop();
    }
    return undefined;
  }

  /** The best node has taken a container. */
  settle(): void {
    const demand = this.#demand;
    const node = this.#heap.top;
    if (this.#candidates && demand && node && !hasRoom(node, demand)) this.#candidates = undefined;
    this.#heap.settleTop();
  }

  /** Names of all nodes that have room for the demand that `best` was last asked about, in order. */
  candidates(): readonly string[] {
    const demand = this.#demand;
    if (!demand) return [];
    this.#candidates ??= this.#nodes.filter((node) => hasRoom(node, demand)).map(({ facts }) => facts.name);
    return this.#candidates;
  }

  #turnTo(demand: Demand): void {
    const { nanoCpus, memoryBytes } = this.#demand ?? demand;
    this.#demand = demand;
    this.#candidates = undefined;
    this.#clashing = this.#putBack(this.#clashing);
    if (demand.nanoCpus === nanoCpus && demand.memoryBytes === memoryBytes) return;
    this.#full = this.#putBack(this.#full);
  }

  #putBack(nodes: readonly NodeLoad[]): NodeLoad[] {
    for (const node of nodes) this.#heap.add(node);
    return [];
  }
}

function hasRoom(node: NodeLoad, demand: Demand): boolean {
  return node.shortOf(demand) === undefined && !node.clashWith(demand);
}
