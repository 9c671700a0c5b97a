import { isAlias, isMap, isScalar, isSeq, type Node } from 'yaml';
import type { DiagnosticCode } from './codes.ts';
import { fieldName, type Finding } from './schema/index.ts';
import { nodeAt, type Variables } from './text/index.ts';
import { quote } from './value/index.ts';

/** A document whose values came from variables in part. */
interface FilledTree {
  readonly root: Node;
  readonly targets: ReadonlyMap<Node, Node>;
  readonly filled: ReadonlyMap<Node, readonly string[]>;
}

/** Their messages tell keys, types and bounds, never a value. */
const VALUELESS: ReadonlySet<DiagnosticCode> = new Set([
  'annotation-unknown',
  'field-missing',
  'field-unknown',
  'name-long',
  'sops-invalid',
  'value-missing',
  'value-range',
  'value-type',
  'value-unquoted',
]);
/** Shorter values are in every message by chance, and hide nothing. */
const MIN_VALUE = 3;

/**
 * A finding without anything that came from a variable: its value may be a secret, its name never is. Where a message tells the value
 * of the field it is about, or of another one, a message that names the variables takes its place.
 */
export function withoutValues(finding: Finding, tree: FilledTree, variables: Variables): Finding {
  const own = namesWithin(nodeAt(tree.root, finding.path, tree.targets), tree);
  if (VALUELESS.has(finding.code)) {
    return own.length === 0 || finding.atKey
      ? finding
      : { ...finding, message: `${finding.message} (${listOf(own)})` };
  }
  const all = [...new Set([...tree.filled.values()].flat())];
  const names =
    own.length > 0 ? own : all.filter((name) => isTold(finding.message, variables.get(name) ?? ''));
  if (names.length === 0) return finding;
  const where = finding.path.length === 0 ? '' : `${fieldName(finding.path)}: `;
  const message = `${where}is not valid with what ${listOf(names)} stands for; correct the variable, or how it is used (values are not shown)`;
  return { ...finding, message };
}

function isTold(message: string, value: string): boolean {
  if (value.length < MIN_VALUE) return false;
  const shown = quote(value).slice(1, -1).replace(/…$/, '');
  const text = message.toLowerCase();
  return text.includes(value.toLowerCase()) || text.includes(shown.toLowerCase());
}

function listOf(names: readonly string[]): string {
  return names.map((name) => `\${${name}}`).join(', ');
}

function namesWithin(node: Node | undefined, tree: FilledTree): string[] {
  const names = new Set<string>();
  // What aliases repeat is looked at once.
  const seen = new Set<unknown>();
  const visit = (part: unknown): void => {
    if (seen.has(part)) return;
    seen.add(part);
    if (isAlias(part)) visit(tree.targets.get(part));
    else if (isScalar(part)) for (const name of tree.filled.get(part) ?? []) names.add(name);
    else if (isSeq(part)) part.items.forEach(visit);
    else if (isMap(part)) for (const { value } of part.items) visit(value);
  };
  visit(node);
  return [...names];
}
