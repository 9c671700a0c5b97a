import { compareStrings } from '../api/index.ts';
import type { ContainerObject } from '../manifest/index.ts';
import type { Board } from './board.ts';
import type { Demand } from './demand.ts';
import type { NodeLoad } from './node-load.ts';
import { NO_MEMBERS } from './reason.ts';

/** A container with host ports on the node that it is bound to. */
interface Claim {
  readonly name: string;
  readonly demand: Demand;
  readonly node: NodeLoad;
}

/**
 * Leaves everything where it is that may stay there, and lets the others wait at their demands. A node keeps what it has though it is
 * unhealthy or has been promised too much; only a constraint that no longer holds and a host port that is taken twice make one leave.
 */
export function keep(board: Board): void {
  const keeper = new Keeper(board);
  for (const container of board.input.containers) keeper.look(container);
  keeper.settleClaims();
}

class Keeper {
  readonly #board: Board;
  readonly #claims: Claim[] = [];

  constructor(board: Board) {
    this.#board = board;
  }

  look(container: ContainerObject): void {
    const { name } = container;
    const demand = this.#board.demands.of(container.spec);
    if (demand.rule.pin !== undefined) {
      this.#lookAtPinned(name, demand, demand.rule.pin);
      return;
    }
    const bound = this.#board.input.current.get(name);
    if (bound === undefined) demand.waiting.push(name);
    else this.#lookAtBound(container, demand, bound);
  }

  /** Where two claim one port, the first by name has it. All pinned ones have theirs already. */
  settleClaims(): void {
    for (const { name, demand, node } of this.#claims.sort((a, b) => compareStrings(a.name, b.name))) {
      if (node.clashWith(demand)) {
        demand.waiting.push(name);
      } else {
        node.take(demand);
        this.#stay(name, node.facts.name);
      }
    }
  }

  #lookAtBound({ name, spec }: ContainerObject, demand: Demand, bound: string): void {
    const { byName, input } = this.#board;
    const node = byName.get(bound);
    if (!node) {
      const isFreed = spec.reschedule === 'on-node-failure' && input.lost.has(bound);
      if (isFreed) demand.waiting.push(name);
      else this.#stay(name, bound);
    } else if (!demand.rule.holdsOn(node.facts)) {
      demand.waiting.push(name);
    } else if (demand.ports.length > 0) {
      this.#claims.push({ name, demand, node });
    } else {
      node.take(demand);
      this.#stay(name, bound);
    }
  }

  /** It runs on its node whatever is decided here, so it takes room and is not bound. */
  #lookAtPinned(name: string, demand: Demand, pin: string): void {
    const { nodes, byName, byLowerName, pinned, unplaced, witness } = this.#board;
    pinned.add(name);
    const node = byName.get(pin) ?? byLowerName.get(pin.toLowerCase());
    if (!node) {
      unplaced.set(name, nodes.length === 0 ? NO_MEMBERS : `no member is named ${pin}`);
    } else if (!demand.rule.holdsOn(node.facts)) {
      unplaced.set(name, `node ${node.facts.name}: constraint ${demand.rule.unmetOn(node.facts) ?? ''}`);
    } else {
      node.take(demand);
      witness?.(name, node.facts.name, [node.facts.name]);
    }
  }

  #stay(name: string, node: string): void {
    this.#board.witness?.(name, node, [node]);
  }
}
