import { matches, type Constraint } from './constraint.ts';
import type { NodeFacts } from './node.ts';
import { parseConstraint } from './parse.ts';

/** Whether a node may run something, and if not, why. */
export interface ConstraintCheck {
  readonly matches: boolean;
  /** One explanation for each constraint that does not hold: `node==swarm-node-1: this node is swarm-master`. */
  readonly unmet: readonly string[];
}

type Parsed = Constraint | { readonly text: string; readonly message: string };

/** Objects keep their list over many rounds; the memory goes with the list. */
const parsedLists = new WeakMap<readonly (string | Constraint)[], readonly Parsed[]>();

/**
 * Asks all constraints of one node; each must hold. Classic Swarm drops all soft ones together as soon as no node fits, so on
 * one node a soft one never excludes. A text that does not parse counts as unmet. The list must not change afterwards.
 */
export function checkConstraints(
  constraints: readonly (string | Constraint)[],
  node: NodeFacts,
): ConstraintCheck {
  const unmet: string[] = [];
  for (const constraint of parseList(constraints)) {
    if ('message' in constraint) unmet.push(`${constraint.text}: ${constraint.message}`);
    else if (!constraint.soft && !matches(constraint, node)) {
      unmet.push(`${constraint.text}: ${constraint.describe(node)}`);
    }
  }
  return { matches: unmet.length === 0, unmet };
}

function parseList(constraints: readonly (string | Constraint)[]): readonly Parsed[] {
  const known = parsedLists.get(constraints);
  if (known) return known;
  const parsed = constraints.map((constraint): Parsed => {
    if (typeof constraint !== 'string') return constraint;
    const result = parseConstraint(constraint);
    return result.ok ? result.constraint : { text: constraint, message: result.message };
  });
  parsedLists.set(constraints, parsed);
  return parsed;
}
