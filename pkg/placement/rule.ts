import {
  literalNode,
  matches,
  parseConstraint,
  type Constraint,
  type NodeFacts,
} from '../constraint/index.ts';

/** One list of constraints, parsed once for all containers that have it. A text that does not parse holds nowhere. */
export class Rule {
  readonly constraints: readonly string[];
  /** The one node that it pins to by name. */
  readonly pin: string | undefined;
  readonly #hard: readonly { readonly text: string; readonly constraint?: Constraint }[];
  readonly #soft: readonly Constraint[];
  /** Answers so far. Most rules are asked about few nodes: those their containers are on. */
  readonly #held = new Map<NodeFacts, boolean>();

  constructor(constraints: readonly string[]) {
    this.constraints = constraints;
    this.pin = literalNode(constraints);
    const parsed = constraints.map((text) => {
      const result = parseConstraint(text);
      return result.ok ? { text: result.constraint.text, constraint: result.constraint } : { text };
    });
    this.#hard = parsed.filter(({ constraint }) => !constraint?.soft);
    this.#soft = parsed.flatMap(({ constraint }) => (constraint?.soft ? [constraint] : []));
  }

  /** Whether a node meets all hard constraints. */
  holdsOn(node: NodeFacts): boolean {
    if (this.#hard.length === 0) return true;
    const known = this.#held.get(node);
    if (known !== undefined) return known;
    const holds = this.unmetOn(node) === undefined;
    this.#held.set(node, holds);
    return holds;
  }

  /** The first hard constraint that a node does not meet. */
  unmetOn(node: NodeFacts): string | undefined {
    return this.#hard.find(({ constraint }) => !constraint || !matches(constraint, node))?.text;
  }

  get hasWishes(): boolean {
    return this.#soft.length > 0;
  }

  /** Whether a node meets all soft constraints. */
  isWishedFor(node: NodeFacts): boolean {
    return this.#soft.every((constraint) => matches(constraint, node));
  }
}
