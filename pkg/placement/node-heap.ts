import type { NodeLoad } from './node-load.ts';
import type { Preference } from './strategy.ts';

/** A binary heap: the preferred node on top. Only the one on top may change its rank. */
export class NodeHeap {
  readonly #nodes: NodeLoad[];
  readonly #isBefore: Preference;

  constructor(nodes: readonly NodeLoad[], isBefore: Preference) {
    this.#nodes = [...nodes];
    this.#isBefore = isBefore;
    for (let at = (nodes.length >> 1) - 1; at >= 0; at -= 1) this.#sink(at);
  }

  get top(): NodeLoad | undefined {
    return this.#nodes[0];
  }

  /** To be called after the one on top has changed. */
  settleTop(): void {
    this.#sink(0);
  }

  removeTop(): void {
    const last = this.#nodes.pop();
    if (last === undefined || this.#nodes.length === 0) return;
    this.#nodes[0] = last;
    this.#sink(0);
  }

  add(node: NodeLoad): void {
    let at = this.#nodes.push(node) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#nodes[above];
      if (!parent || !this.#isBefore(node, parent)) break;
      this.#nodes[at] = parent;
      at = above;
    }
    this.#nodes[at] = node;
  }

  #sink(from: number): void {
    const node = this.#nodes[from];
    if (!node) return;
    let at = from;
    for (;;) {
      const below = this.#betterChild(at);
      const child = this.#nodes[below];
      if (!child || !this.#isBefore(child, node)) break;
      this.#nodes[at] = child;
      at = below;
    }
    this.#nodes[at] = node;
  }

  /** Beyond the end where there is no child. */
  #betterChild(at: number): number {
    const left = 2 * at + 1;
    const a = this.#nodes[left];
    const b = this.#nodes[left + 1];
    return a && b && this.#isBefore(b, a) ? left + 1 : left;
  }
}
