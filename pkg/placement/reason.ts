import { compareStrings } from '../api/index.ts';
import type { Board } from './board.ts';
import type { Demand } from './demand.ts';
import type { NodeLoad } from './node-load.ts';
import type { Rule } from './rule.ts';

export const NO_MEMBERS = 'no node is a member';

const GROUPS_SHOWN = 5;
const NANO = 1e9;
const BINARY_UNITS = ['', 'Ki', 'Mi', 'Gi', 'Ti'];

/** How many nodes have one and the same thing against a container. */
type Counts = Map<string, number>;

/** Tells why the containers of one rule have no node. What no load changes is counted once for all of them. */
export class Reasons {
  readonly #fixed: Counts = new Map();
  readonly #open: NodeLoad[] = [];

  constructor({ nodes }: Board, rule: Rule) {
    for (const node of nodes) {
      const unmet = rule.unmetOn(node.facts);
      if (unmet !== undefined) countOne(this.#fixed, `constraint ${unmet}`);
      else if (node.unhealthy !== undefined) countOne(this.#fixed, node.unhealthy);
      else this.#open.push(node);
    }
  }

  /** `3 nodes: constraint storage==ssd; 1 node: port 8001 taken`. Nodes are as they are now, and none has room. */
  of(demand: Demand): string {
    const counts = new Map(this.#fixed);
    const short = { slots: 0, cpus: 0, memory: 0 };
    for (const node of this.#open) {
      const room = node.shortOf(demand);
      if (room !== undefined) short[room] += 1;
      else countOne(counts, `port ${node.clashWith(demand)?.text ?? ''} taken`);
    }
    if (short.slots > 0) counts.set('containerslots full', short.slots);
    if (short.cpus > 0) counts.set(`less than ${demand.nanoCpus / NANO} CPU free`, short.cpus);
    if (short.memory > 0) {
      counts.set(`less than ${formatBytes(demand.memoryBytes)} memory free`, short.memory);
    }
    return formatCounts(counts);
  }
}

function countOne(counts: Counts, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

function formatCounts(counts: Counts): string {
  if (counts.size === 0) return NO_MEMBERS;
  const groups = [...counts].sort(([a, m], [b, n]) => n - m || compareStrings(a, b));
  const shown = groups
    .slice(0, GROUPS_SHOWN)
    .map(([what, number]) => `${number} node${number === 1 ? '' : 's'}: ${what}`);
  return [...shown, ...(groups.length > GROUPS_SHOWN ? ['…'] : [])].join('; ');
}

function formatBytes(bytes: number): string {
  let [amount, unit] = [bytes, 0];
  while (amount % 1024 === 0 && unit < BINARY_UNITS.length - 1) [amount, unit] = [amount / 1024, unit + 1];
  return `${amount}${BINARY_UNITS[unit] ?? ''}`;
}
