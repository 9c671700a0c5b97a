import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { quote } from '../value/index.ts';
import { MAX_ALIASED_VALUES, MAX_PROBLEMS } from './limits.ts';
import type { Problem } from './problem.ts';

/** A document as plain data, and where its parts are. */
export interface Plain {
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** What each alias stands for. */
  readonly targets: ReadonlyMap<Node, Node>;
}

interface Anchor {
  readonly node: Node;
  readonly value: unknown;
  readonly size: number;
}

interface Context {
  readonly problems: Problem[];
  readonly anchors: Map<string, Anchor>;
  readonly targets: Map<Node, Node>;
  /** Values so far, aliased ones counted each time. */
  size: number;
  aliased: number;
}

/**
 * Turns nodes into plain data in one linear walk. Unlike the library's own conversion it finds duplicate keys without comparing
 * all with all, resolves an alias without searching, shares what aliases repeat and bounds how much that is.
 */
export function toPlain(root: Node): Plain {
  const context: Context = { problems: [], anchors: new Map(), targets: new Map(), size: 0, aliased: 0 };
  const value = convert(root, context);
  return { value, problems: context.problems, targets: context.targets };
}

function convert(node: unknown, context: Context): unknown {
  context.size += 1;
  if (isAlias(node)) return resolve(node, node.source, context);
  if (!isScalar(node) && !isMap(node) && !isSeq(node)) return null;
  const before = context.size;
  const value = convertContent(node, context);
  if (node.anchor !== undefined) {
    context.anchors.set(node.anchor, { node, value, size: context.size - before + 1 });
  }
  return value;
}

function convertContent(node: Scalar | YAMLMap | YAMLSeq, context: Context): unknown {
  if (isSeq(node)) return node.items.map((item) => convert(item, context));
  if (isMap(node)) return convertMap(node, context);
  if (typeof node.value === 'string' && node.value.includes('\0')) {
    report(context, node, {
      code: 'control-character',
      message: 'a text cannot hold a NUL character; remove \\0',
    });
  }
  return node.value;
}

function convertMap(map: YAMLMap, context: Context): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  const seen = new Set<string>();
  for (const pair of map.items) {
    const key = keyText(pair);
    const problem = keyProblem(key, seen);
    if (problem) report(context, isScalar(pair.key) ? pair.key : map, problem);
    const value = convert(pair.value, context);
    if (key === undefined || problem) continue;
    seen.add(key);
    plain[key] = value;
  }
  return plain;
}

/** The text of a key as it stands in the file, so that `80:` is the key "80". */
function keyText(pair: Pair): string | undefined {
  if (!isScalar(pair.key)) return undefined;
  const { value, source } = pair.key;
  if (typeof value === 'string') return value;
  return source === undefined || source === '' ? undefined : source;
}

function keyProblem(key: string | undefined, seen: ReadonlySet<string>): Omit<Problem, 'offset'> | undefined {
  if (key === undefined)
    return { code: 'yaml-key', message: 'a key must be a plain word; write name: value' };
  if (key === '<<') {
    return { code: 'yaml-key', message: 'merge keys (<<) are not supported; write the fields out' };
  }
  if (key === '__proto__')
    return { code: 'yaml-key', message: '__proto__ cannot be a key; choose another name' };
  if (seen.has(key)) {
    return { code: 'key-duplicate', message: `the key ${quote(key)} is here twice; keep one of them` };
  }
  return undefined;
}

function resolve(alias: Node, name: string, context: Context): unknown {
  const anchor = context.anchors.get(name);
  if (!anchor) {
    const message = `no anchor ${quote(name)} is complete before this alias; define it first, outside itself`;
    report(context, alias, { code: 'yaml-alias', message });
    return null;
  }
  context.targets.set(alias, anchor.node);
  context.size += anchor.size;
  context.aliased += anchor.size;
  if (context.aliased <= MAX_ALIASED_VALUES) return anchor.value;
  if (context.aliased - anchor.size <= MAX_ALIASED_VALUES) {
    const message = `aliases repeat more than ${MAX_ALIASED_VALUES} values; write fewer of them`;
    report(context, alias, { code: 'yaml-alias', message });
  }
  return null;
}

function report(context: Context, node: Node, problem: Omit<Problem, 'offset'>): void {
  if (context.problems.length >= MAX_PROBLEMS) return;
  context.problems.push({ ...problem, offset: node.range?.[0] ?? 0 });
}
