import { compareStrings } from '../api/index.ts';
import type { Board } from './board.ts';
import type { Demand } from './demand.ts';
import type { NodeLoad } from './node-load.ts';
import { Reasons } from './reason.ts';
import type { Rule } from './rule.ts';
import { PREFERENCES } from './strategy.ts';
import { Tier } from './tier.ts';

/** Containers that wait and have one rule, with the nodes that meet it. */
interface Queue {
  readonly rule: Rule;
  readonly demands: readonly Demand[];
  readonly nodes: readonly NodeLoad[];
}

/**
 * Gives nodes to all that wait. Those who have the fewest nodes to choose from come first, then the largest requests, then those with
 * the most host ports, then by name: so who fits anywhere does not take the place of who fits in one place only.
 */
export function assign(board: Board): void {
  const queues = board.demands
    .waiting()
    .map(([rule, demands]): Queue => {
      const nodes = board.nodes.filter(({ facts }) => rule.holdsOn(facts));
      return { rule, demands, nodes };
    })
    .sort((a, b) => a.nodes.length - b.nodes.length || compareRules(a.rule, b.rule));
  const left = queues.flatMap((queue) => serve(board, queue));
  explain(board, left);
}

/** Those of a demand for whom there was no room. */
interface Left {
  readonly demand: Demand;
  readonly names: readonly string[];
}

function serve(board: Board, { rule, demands, nodes }: Queue): readonly Left[] {
  const tiers = tiersOf(board, rule, nodes);
  return demands
    .toSorted(compareDemands)
    .map((demand) => ({ demand, names: serveDemand(board, demand, tiers) }))
    .filter(({ names }) => names.length > 0);
}

/** Only once all others have their nodes, so that the next placement of the same finds the same reasons. */
function explain(board: Board, left: readonly Left[]): void {
  const reasons = new Map<Rule, Reasons>();
  for (const { demand, names } of left) {
    const ofRule = reasons.get(demand.rule) ?? new Reasons(board, demand.rule);
    reasons.set(demand.rule, ofRule);
    const reason = ofRule.of(demand);
    for (const name of names) board.unplaced.set(name, reason);
  }
}

/** Soft constraints are dropped all together where nothing fits with them, hence two tiers and not more. */
function tiersOf(board: Board, rule: Rule, nodes: readonly NodeLoad[]): readonly Tier[] {
  const isBefore = PREFERENCES[board.input.strategy];
  const healthy = nodes.filter(({ unhealthy }) => unhealthy === undefined);
  if (!rule.hasWishes) return [new Tier(healthy, isBefore)];
  const wished = healthy.filter(({ facts }) => rule.isWishedFor(facts));
  const others = healthy.filter(({ facts }) => !rule.isWishedFor(facts));
  return [new Tier(wished, isBefore), new Tier(others, isBefore)];
}

/** Names of those for whom there is no room. They all ask for the same, so after the first one nobody needs to try. */
function serveDemand(board: Board, demand: Demand, tiers: readonly Tier[]): readonly string[] {
  const names = demand.waiting.sort();
  let served = 0;
  for (const tier of tiers) {
    for (let node = tier.best(demand); node && served < names.length; node = tier.best(demand)) {
      const name = names[served] ?? '';
      board.witness?.(name, node.facts.name, tier.candidates());
      node.take(demand);
      tier.settle();
      board.moved.set(name, node.facts.name);
      served += 1;
    }
  }
  return names.slice(served);
}

function compareRules(a: Rule, b: Rule): number {
  return compareStrings(a.constraints.join('\0'), b.constraints.join('\0'));
}

function compareDemands(a: Demand, b: Demand): number {
  return (
    b.nanoCpus - a.nanoCpus ||
    b.memoryBytes - a.memoryBytes ||
    b.ports.length - a.ports.length ||
    compareStrings(a.portsKey, b.portsKey)
  );
}
