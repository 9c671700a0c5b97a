import { isAlias, isMap, isScalar, isSeq, type Node, type Pair } from 'yaml';

/** Where a field is, in UTF-16 units from the start of its document. */
export interface Spot {
  /** Its key, or the item in its list; of the nearest parent where the field itself is not there. */
  readonly key: number;
  /** Its value; the same as `key` where it has none. */
  readonly value: number;
}

/** Finds the field that a path leads to. Aliases are followed. */
export function locate(root: Node, path: readonly PropertyKey[], targets: ReadonlyMap<Node, Node>): Spot {
  let node: Node | undefined = root;
  let spot: Spot = { key: start(root) ?? 0, value: start(root) ?? 0 };
  for (const segment of path) {
    const container: Node | undefined = isAlias(node) ? targets.get(node) : node;
    const next = child(container, segment);
    if (!next) return spot;
    const key = start(next.key) ?? start(next.value) ?? spot.key;
    spot = { key, value: isWritten(next.value) ? (start(next.value) ?? key) : key };
    node = next.value;
  }
  return spot;
}

/** The node that a path leads to, if there is one. Aliases on the way are followed. */
export function nodeAt(
  root: Node,
  path: readonly PropertyKey[],
  targets: ReadonlyMap<Node, Node>,
): Node | undefined {
  let node: Node | undefined = root;
  for (const segment of path) node = child(isAlias(node) ? targets.get(node) : node, segment)?.value;
  return node;
}

/** Whether there is any text: `labels:` has an empty value. */
function isWritten(node: Node | undefined): boolean {
  return node !== undefined && !(isScalar(node) && node.source === '' && node.type === 'PLAIN');
}

function child(container: Node | undefined, segment: PropertyKey): { key?: Node; value?: Node } | undefined {
  if (isSeq(container)) {
    const item = container.items[Number(segment)];
    return isNode(item) ? { value: item } : undefined;
  }
  if (!isMap(container)) return undefined;
  const pair = container.items.find((candidate: Pair) => hasKey(candidate, String(segment)));
  if (!pair) return undefined;
  return {
    ...(isNode(pair.key) ? { key: pair.key } : {}),
    ...(isNode(pair.value) ? { value: pair.value } : {}),
  };
}

function hasKey(pair: Pair, name: string): boolean {
  return isScalar(pair.key) && (pair.key.value === name || pair.key.source === name);
}

function isNode(candidate: unknown): candidate is Node {
  return isScalar(candidate) || isMap(candidate) || isSeq(candidate) || isAlias(candidate);
}

function start(node: Node | undefined): number | undefined {
  return node?.range?.[0];
}
