/** Names in an order in which each comes after all it depends on, and those that no order has. */
export interface Topology {
  readonly order: readonly string[];
  /** On a cycle, or dependent on one; in the order given. */
  readonly knotted: readonly string[];
}

/**
 * Sorts by dependency; what does not depend on each other stays in the order given.
 * @param edges each name once, with the names it depends on; others than the given ones count for nothing
 */
export function sortTopologically(edges: readonly (readonly [string, readonly string[]])[]): Topology {
  const names = new Set(edges.map(([name]) => name));
  const open = new Map<string, number>();
  const dependants = new Map<string, string[]>();
  for (const [name, dependencies] of edges) {
    const inside = new Set(dependencies.filter((each) => names.has(each)));
    open.set(name, inside.size);
    for (const each of inside) {
      const known = dependants.get(each);
      if (known) known.push(name);
      else dependants.set(each, [name]);
    }
  }
  const order = [...names].filter((name) => open.get(name) === 0);
  for (const name of order) {
    for (const dependant of dependants.get(name) ?? []) {
      const left = (open.get(dependant) ?? 0) - 1;
      open.set(dependant, left);
      if (left === 0) order.push(dependant);
    }
  }
  return { order, knotted: [...names].filter((name) => (open.get(name) ?? 0) > 0) };
}
