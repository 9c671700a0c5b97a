import type { LineCounter, Node } from 'yaml';
import { DIAGNOSTIC_CODES } from './codes.ts';
import { withoutValues } from './masked.ts';
import { toObject } from './object.ts';
import type { ManifestObject } from './objects.ts';
import type { ObjectPlaces, Place } from './parsed-file.ts';
import { seal, unseal } from './sealed.ts';
import { findings, isKind, validate, type Finding, type ParsedDocument } from './schema/index.ts';
import {
  MAX_PROBLEMS,
  compose,
  locate,
  substitute,
  toPlain,
  type Chunk,
  type Plain,
  type Problem,
  type Spot,
  type Variables,
} from './text/index.ts';
import { didYouMean, printable, quote } from './value/index.ts';
import { warningsOf } from './warnings.ts';
import { ANNOTATIONS, KINDS, type Diagnostic } from '../api/index.ts';

/** What one document declares: an object without errors, or none. */
export interface DocumentResult {
  readonly diagnostics: readonly Diagnostic[];
  readonly declared?: { readonly object: ManifestObject; readonly places: ObjectPlaces };
  /** It asks for variables, so it means something else when they change. */
  readonly usesVariables?: true;
}

/** A document's nodes and how their places in the file are found. */
interface Source {
  readonly file: string;
  readonly firstLine: number;
  readonly lines: LineCounter;
}

interface Tree {
  readonly root: Node;
  readonly targets: ReadonlyMap<Node, Node>;
  /** Which scalars came from which variables; absent: the document asks for none. */
  readonly filled?: ReadonlyMap<Node, readonly string[]>;
}

/** A document as it is meant, variables filled in. */
interface Read extends Plain {
  readonly tree: Tree;
}

/** Nothing of the object can be told after these. */
const FATAL: ReadonlySet<string> = new Set([
  'yaml-alias',
  'yaml-tag',
  'variable-undefined',
  'variable-invalid',
  'variable-misplaced',
  'document-too-large',
  'sops-invalid',
]);

/** What surrounds a document. */
interface Surroundings {
  readonly file: string;
  readonly variables: Variables;
  /** It is the only one of its file. */
  readonly isAlone: boolean;
}

/** Parses and validates one document of a file. Never throws for anything that a text can hold. */
export function parseDocument(chunk: Chunk, surroundings: Surroundings): DocumentResult {
  const { diagnostics, ...rest } = parseUnsorted(chunk, surroundings);
  return { ...rest, diagnostics: [...diagnostics].sort((a, b) => a.line - b.line || a.column - b.column) };
}

function parseUnsorted(chunk: Chunk, { file, variables, isAlone }: Surroundings): DocumentResult {
  const { root, problems, lines } = compose(chunk.text);
  const source: Source = { file, firstLine: chunk.line, lines };
  const found = problems.map((problem) => ofProblem(problem, source));
  if (!root) return { diagnostics: found };
  const { value, problems: wrong, tree } = read(root, chunk.text, variables);
  const uses = tree.filled ? ({ usesVariables: true } as const) : {};
  const {
    content,
    isSealed,
    findings: misuses,
  } = unseal(value, { isAlone, hasVariables: tree.filled !== undefined });
  found.push(
    ...wrong.map((problem) => ofProblem(problem, source)),
    ...misuses.slice(0, MAX_PROBLEMS).map((finding) => ofFinding(finding, tree, source, variables)),
  );
  if (found.some(({ code }) => FATAL.has(code))) return { diagnostics: found, ...uses };
  const checked = check(content);
  found.push(...checked.findings.map((finding) => ofFinding(finding, tree, source, variables)));
  const { document } = checked;
  if (!document || found.some(({ severity }) => severity === 'error')) return { diagnostics: found, ...uses };
  const origin = { file, ...placeAt(spotOf([], tree).value, source) };
  const meant = isSealed ? seal(document, chunk.text) : document;
  const declared = { object: toObject(meant, origin), places: placesOf(document, tree, source) };
  return { diagnostics: found, declared, ...uses };
}

function read(root: Node, text: string, variables: Variables): Read {
  const plain = toPlain(root);
  if (!asksForVariables(plain.value)) return { ...plain, tree: { root, targets: plain.targets } };
  const { problems, filled } = substitute(root, text, variables);
  const filledIn = toPlain(root);
  return {
    ...filledIn,
    problems: [...filledIn.problems, ...problems],
    tree: { root, targets: filledIn.targets, filled },
  };
}

function asksForVariables(value: unknown): boolean {
  return fieldOf(fieldOf(fieldOf(value, 'metadata'), 'annotations'), ANNOTATIONS.substitute) === 'true';
}

function fieldOf(value: unknown, field: string): unknown {
  const isThere = typeof value === 'object' && value !== null && Object.hasOwn(value, field);
  return isThere ? Reflect.get(value, field) : undefined;
}

function check(value: unknown): { document?: ParsedDocument; findings: readonly Finding[] } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return {
      findings: [
        rootFinding(
          'document-not-map',
          'a document must be a map; write apiVersion, kind, metadata and spec',
        ),
      ],
    };
  }
  const kind: unknown = Reflect.get(value, 'kind');
  if (!isKind(kind)) return { findings: [kindFinding(kind)] };
  const result = validate(kind, value);
  if (!result.success) return { findings: findings(result.error.issues, value, MAX_PROBLEMS) };
  return { document: result.data, findings: warningsOf(result.data) };
}

function kindFinding(kind: unknown): Finding {
  const known = `(known: ${KINDS.join(', ')})`;
  if (kind === undefined) return rootFinding('field-missing', `kind: is missing; add one ${known}`);
  const path = ['kind'];
  if (typeof kind !== 'string') return { ...rootFinding('value-type', `kind: must be text ${known}`), path };
  const mend =
    kind === 'List'
      ? '; write the objects as documents of their own, with --- between them'
      : didYouMean(kind, KINDS);
  const message = `kind: ${quote(kind)} is no kind of object${mend} ${known}`;
  return { ...rootFinding('unknown-kind', message), path };
}

function rootFinding(code: Finding['code'], message: string): Finding {
  return { code, path: [], message, atKey: false };
}

function placesOf(document: ParsedDocument, tree: Tree, source: Source): ObjectPlaces {
  const place = (...path: PropertyKey[]): Place => placeAt(spotOf(path, tree).value, source);
  const name = place('metadata', 'name');
  if (document.kind === 'Network') {
    return document.spec.ipam ? { name, subnet: place('spec', 'ipam', 'subnet') } : { name };
  }
  if (document.kind === 'Alias') return { name, network: place('spec', 'network') };
  const { networks, ports, dependsOn } = document.spec;
  return {
    name,
    ...(networks?.length ? { networks: networks.map((_, index) => place('spec', 'networks', index)) } : {}),
    ...(dependsOn.length > 0
      ? { dependsOn: dependsOn.map((_, index) => place('spec', 'dependsOn', index)) }
      : {}),
    ...(ports.length > 0 ? { ports: place('spec', 'ports') } : {}),
  };
}

function ofFinding(finding: Finding, tree: Tree, source: Source, variables: Variables): Diagnostic {
  const { root, targets, filled } = tree;
  const shown = filled ? withoutValues(finding, { root, targets, filled }, variables) : finding;
  const spot = spotOf(finding.path, tree);
  return diagnostic(shown, placeAt(finding.atKey ? spot.key : spot.value, source), source);
}

function ofProblem(problem: Problem, source: Source): Diagnostic {
  return diagnostic(problem, placeAt(problem.offset, source), source);
}

function diagnostic(
  what: { code: Finding['code']; message: string },
  place: Place,
  source: Source,
): Diagnostic {
  const { code, message } = what;
  return { code, severity: DIAGNOSTIC_CODES[code], file: source.file, ...place, message: printable(message) };
}

function spotOf(path: readonly PropertyKey[], tree: Tree): Spot {
  return locate(tree.root, path, tree.targets);
}

function placeAt(offset: number, source: Source): Place {
  const { line, col } = source.lines.linePos(offset);
  return { line: source.firstLine + Math.max(line, 1), column: Math.max(col, 1) };
}
