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
  const claims: Claim[] = [];
  for (const container of board.input.containers) {
    const { name } = container;
    const demand = board.demands.of(container.spec);
    const { pin } = demand.rule;
    const bound = board.input.current.get(name);
    if (pin !== undefined) settlePinned(board, name, { demand, pin });
    else if (bound === undefined) demand.waiting.push(name);
    else keepBound(board, { container, demand, bound }, claims);
  }
  settleClaims(board, claims);
}

interface Bound {
  readonly container: ContainerObject;
  readonly demand: Demand;
  readonly bound: string;
}

function keepBound(board: Board, { container, demand, bound }: Bound, claims: Claim[]): void {
  const { name, spec } = container;
  const node = board.byName.get(bound);
  if (!node) {
    const isFreed = spec.reschedule === 'on-node-failure' && board.input.lost.has(bound);
    if (isFreed) demand.waiting.push(name);
    else bind(board, name, bound);
  } else if (!demand.rule.holdsOn(node.facts)) {
    demand.waiting.push(name);
  } else if (demand.ports.length > 0) {
    claims.push({ name, demand, node });
  } else {
    node.take(demand);
    bind(board, name, bound);
  }
}

/** Where two claim one port, the first by name has it. All pinned ones have theirs already. */
function settleClaims(board: Board, claims: Claim[]): void {
  claims.sort((a, b) => compareStrings(a.name, b.name));
  for (const { name, demand, node } of claims) {
    if (node.clashWith(demand)) {
      demand.waiting.push(name);
    } else {
      node.take(demand);
      bind(board, name, node.facts.name);
    }
  }
}

/** It runs on its node whatever is decided here, so it takes room and is not bound. */
function settlePinned(board: Board, name: string, { demand, pin }: { demand: Demand; pin: string }): void {
  const node = board.byName.get(pin) ?? board.byLowerName.get(pin.toLowerCase());
  if (!node) {
    board.unplaced.set(name, board.nodes.length === 0 ? NO_MEMBERS : `no member is named ${pin}`);
  } else if (!demand.rule.holdsOn(node.facts)) {
    board.unplaced.set(name, `node ${node.facts.name}: constraint ${demand.rule.unmetOn(node.facts) ?? ''}`);
  } else {
    node.take(demand);
    board.witness?.(name, node.facts.name, [node.facts.name]);
  }
}

function bind(board: Board, name: string, node: string): void {
  board.bindings.set(name, node);
  board.witness?.(name, node, [node]);
}
