import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Schema,
  type Node,
  type Pair,
  type Scalar,
  type ScalarTag,
} from 'yaml';
import { didYouMean, quote } from '../value/index.ts';
import { MAX_DOCUMENT_BYTES, MAX_PROBLEMS, utf8Bytes } from './limits.ts';
import type { Problem } from './problem.ts';

/** Values by name. */
export type Variables = ReadonlyMap<string, string>;

/** Which values of a document came from variables. */
export interface Substitution {
  readonly problems: readonly Problem[];
  /** Of each scalar that was filled in, the names. */
  readonly filled: ReadonlyMap<Node, readonly string[]>;
}

/** `$${` stands for `${` itself; what begins with `${` and is no name in braces is a mistake. */
const TOKEN = /\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)\})?/g;
const WHOLE = /^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/;
/** What a document is must stand in it. */
const FIXED_FIELDS: readonly unknown[] = ['apiVersion', 'kind'];
const MAX_SHOWN_NAMES = 10;

/**
 * Fills variables into the texts of a document, in place: only into values that are parsed already, so that no value can add a field,
 * and once, so that no value is looked at for further variables.
 * @param text what `root` was parsed from
 */
export function substitute(root: Node, text: string, variables: Variables): Substitution {
  const filler = new Filler(text, variables);
  filler.document(root);
  return filler;
}

class Filler implements Substitution {
  readonly problems: Problem[] = [];
  readonly filled = new Map<Node, readonly string[]>();
  readonly #text: string;
  readonly #variables: Variables;
  /** Bytes that values have added so far, aliased ones each time. */
  #grown = 0;
  readonly #anchors = new Map<string, number>();

  constructor(text: string, variables: Variables) {
    this.#text = text;
    this.#variables = variables;
  }

  document(root: Node): void {
    this.#visit(root, true);
    if (utf8Bytes(this.#text) + this.#grown <= MAX_DOCUMENT_BYTES) return;
    const message = `with its variables the document is larger than ${MAX_DOCUMENT_BYTES / 1024} KiB; no object needs that`;
    this.#report(root, 0, { code: 'document-too-large', message });
  }

  #visit(node: unknown, isRoot = false): void {
    if (isAlias(node)) this.#grown += this.#anchors.get(node.source) ?? 0;
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return;
    const before = this.#grown;
    if (isScalar(node)) this.#fill(node);
    else if (isSeq(node)) for (const item of node.items) this.#visit(item);
    else for (const pair of node.items) this.#pair(pair, isRoot);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, this.#grown - before);
  }

  #pair({ key, value }: Pair, isOfRoot: boolean): void {
    if (isScalar(key)) this.#refuse(key, 'a key cannot come from a variable; write it out');
    if (isOfRoot && isScalar(key) && FIXED_FIELDS.includes(key.value)) {
      const message = `${String(key.value)}: cannot come from a variable; write it out`;
      if (isScalar(value)) this.#refuse(value, message);
    } else {
      this.#visit(value);
    }
  }

  #refuse(node: Scalar, message: string): void {
    if (typeof node.value !== 'string') return;
    const first = [...node.value.matchAll(TOKEN)].findIndex(([token]) => token !== '$${');
    if (first >= 0) this.#report(node, first, { code: 'variable-misplaced', message });
  }

  #fill(node: Scalar): void {
    const { value: before } = node;
    if (typeof before !== 'string' || !before.includes('${')) return;
    const names = new Set<string>();
    let index = -1;
    const after = before.replace(TOKEN, (token: string, name: string | undefined) => {
      index += 1;
      if (token === '$${') return '${';
      if (name === undefined) return this.#malformed(node, index, token);
      names.add(name);
      return this.#variables.get(name) ?? this.#undefined(node, index, name);
    });
    this.#grown += utf8Bytes(after) - utf8Bytes(before);
    node.value = node.type === 'PLAIN' && WHOLE.test(before) ? resolvePlain(after) : after;
    if (names.size > 0) this.filled.set(node, [...names]);
  }

  #malformed(node: Scalar, index: number, token: string): string {
    const message =
      '${ must be followed by a name and }, with nothing else between them; write ${NAME}, or $${ where ${ itself is meant';
    this.#report(node, index, { code: 'variable-invalid', message });
    return token;
  }

  #undefined(node: Scalar, index: number, name: string): string {
    const known = [...this.#variables.keys()];
    const near = didYouMean(name, known);
    const shown = known.slice(0, MAX_SHOWN_NAMES).join(', ');
    const list = known.length === 0 ? 'none is' : `${shown}${known.length > MAX_SHOWN_NAMES ? ', …' : ''}`;
    const message = `the variable ${quote(name)} is not defined${near === '' ? '; define it with --var or --var-file' : near} (defined: ${list})`;
    this.#report(node, index, { code: 'variable-undefined', message });
    return `\${${name}}`;
  }

  /** At the `index`th token of the scalar. */
  #report(node: Node, index: number, problem: Omit<Problem, 'offset'>): void {
    if (this.problems.length < MAX_PROBLEMS)
      this.problems.push({ ...problem, offset: this.#offset(node, index) });
  }

  /** Escapes in a text can hide tokens or make some: then the text as a whole is to be looked at. */
  #offset(node: Node, index: number): number {
    const [start = 0, end = 0] = node.range ?? [];
    if (!isScalar(node)) return start;
    const written = [...this.#text.slice(start, end).matchAll(TOKEN)];
    const parsed = String(node.value).match(TOKEN)?.length;
    return written.length === parsed ? start + (written[index]?.index ?? 0) : start;
  }
}

const SCALAR_TAGS = new Schema({ schema: 'core', resolveKnownTags: false }).tags.filter(
  (tag): tag is ScalarTag => tag.collection === undefined && 'test' in tag,
);

/** What a plain scalar of this text is in YAML: a number, a truth value, nothing, or text. */
function resolvePlain(text: string): unknown {
  const tag = SCALAR_TAGS.find(({ test }) => test?.test(text));
  if (!tag) return text;
  const value: unknown = tag.resolve(text, () => undefined, {});
  return isScalar(value) ? value.value : value;
}
