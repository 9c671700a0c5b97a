import type { NodeFacts } from './node.ts';

/** A constraint in its typed form: what it asks of a node, ready to be asked. */
export interface Constraint {
  /** As written, without a `constraint:` prefix. */
  readonly text: string;
  /** Classic Swarm and Swarm mode differ in case, patterns and label names; the key decides which one is meant. */
  readonly dialect: 'classic' | 'swarm-mode';
  readonly key: string;
  readonly operator: '==' | '!=';
  readonly value: string;
  /** Classic `==~` and `!=~`: wished for, given up where nothing else fits. */
  readonly soft: boolean;
  /** It parses, but very likely means something else than its author thinks; the mend in one sentence. */
  readonly hint?: string;
  /** What the key stands for on a node; several where any of them may match; `''` where the node has none. */
  readonly read: (node: NodeFacts) => readonly string[];
  /** Whether one such value is what the constraint names. */
  readonly accepts: (value: string) => boolean;
  /** What the node has, for people: `this node is swarm-master`. */
  readonly describe: (node: NodeFacts) => string;
}

/** Whether a node meets one constraint. Soft ones are treated as hard here; `checkConstraints` lets them go. */
export function matches(constraint: Constraint, node: NodeFacts): boolean {
  const equal = constraint.read(node).some((value) => constraint.accepts(value));
  return equal === (constraint.operator === '==');
}
