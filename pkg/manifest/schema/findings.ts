import type * as z from 'zod';
import { DIAGNOSTIC_CODES, type DiagnosticCode } from '../codes.ts';
import { didYouMean, quote } from '../value/index.ts';
import { KNOWN_FIELDS_SEPARATOR } from './field.ts';

/** Something wrong with one field. */
export interface Finding {
  readonly code: DiagnosticCode;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** Whether the field's key is what is wrong rather than its value. */
  readonly atKey: boolean;
}

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** What other tools call our fields. */
const SYNONYMS: Readonly<Record<string, string>> = {
  capabilities: 'capAdd',
  cmd: 'args',
  constraint: 'nodeConstraint',
  constraints: 'nodeConstraint',
  entrypoint: 'command',
  environment: 'env',
  ip: 'ipv4Address',
  ipaddress: 'ipv4Address',
  mounts: 'volumes',
  net: 'networks',
  networkmode: 'networks',
  nodeselector: 'nodeConstraint',
  placement: 'nodeConstraint',
  publish: 'ports',
  pullpolicy: 'imagePullPolicy',
  readonlyrootfilesystem: 'readOnly',
  restart: 'restartPolicy',
  volumemounts: 'volumes',
};

/** Turns the schema's issues into findings, in plain words; the first `limit` ones. `value` is what was validated. */
export function findings(issues: readonly Issue[], value: unknown, limit: number): Finding[] {
  const found: Finding[] = [];
  for (const issue of issues) {
    if (found.length >= limit) break;
    const next = ofIssue(shortened(issue, limit), [], value);
    found.push(...next.slice(0, limit - found.length));
  }
  return found;
}

/** Looking for the nearest known field costs time for each unknown one. */
function shortened(issue: Issue, limit: number): Issue {
  return issue.code === 'unrecognized_keys' ? { ...issue, keys: issue.keys.slice(0, limit) } : issue;
}

/** `spec.networks[0].aliases`, for people. */
export function fieldName(path: Path): string {
  let name = '';
  for (const segment of path) {
    if (typeof segment === 'number') name += `[${segment}]`;
    else if (/^\w+$/.test(String(segment))) name += name === '' ? String(segment) : `.${String(segment)}`;
    else name += `[${quote(String(segment))}]`;
  }
  return name;
}

function ofIssue(issue: Issue, parent: Path, value: unknown): Finding[] {
  const path = [...parent, ...issue.path];
  switch (issue.code) {
    case 'unrecognized_keys':
      return unknownFields(issue.keys, issue.message.split(KNOWN_FIELDS_SEPARATOR), path);
    case 'invalid_union':
      return ofUnion(issue, path, value);
    case 'invalid_type':
      return [wrongType(path, value, issue.message)];
    case 'invalid_value':
      return [unknownValue(path, value, issue.values.map(String))];
    case 'too_small':
      return [finding('value-range', path, `must be at least ${issue.minimum}`)];
    case 'too_big':
      return [finding('value-range', path, `must be at most ${issue.maximum}`)];
    case 'custom':
      return [
        { ...finding(codeOf(issue.params), path, issue.message), atKey: issue.params?.['atKey'] === true },
      ];
    default:
      return [finding('value-invalid', path, issue.message)];
  }
}

/** Of the alternatives, the one that takes a value of this type says what is wrong inside; without one the type is wrong. */
function ofUnion(issue: z.core.$ZodIssueInvalidUnion, path: Path, value: unknown): Finding[] {
  const fitting = issue.errors.find((errors) => !errors.some(isTypeOfRoot));
  if (fitting) return fitting.flatMap((inner) => ofIssue(inner, path, value));
  return [wrongType(path, value, issue.message)];
}

function isTypeOfRoot(issue: Issue): boolean {
  return issue.code === 'invalid_type' && issue.path.length === 0;
}

function unknownFields(keys: readonly string[], known: readonly string[], path: Path): Finding[] {
  return keys.map((key) => {
    const synonym = SYNONYMS[key.toLowerCase().replaceAll(/[-_]/g, '')];
    const suggestion =
      synonym !== undefined && known.includes(synonym)
        ? `; did you mean ${synonym}?`
        : didYouMean(key, known);
    const where = path.length === 0 ? '' : ` of ${fieldName(path)}`;
    const mend = suggestion === '' ? `; known: ${known.join(', ')}` : suggestion;
    const message = `${quote(key)} is no field${where}${mend}`;
    return { code: 'field-unknown', path: [...path, key], message, atKey: true };
  });
}

function wrongType(path: Path, root: unknown, expected: string): Finding {
  const actual = valueAt(root, path);
  if (actual === undefined) {
    return { ...finding('field-missing', path, `is missing; add ${expected}`), atKey: true };
  }
  if (actual === null) {
    return finding('value-missing', path, `has no value; write ${expected}, or remove the line`);
  }
  const isBare = typeof actual === 'boolean' || (typeof actual === 'number' && Number.isFinite(actual));
  if (isBare && (expected === 'text' || expected.startsWith('text '))) {
    return finding('value-unquoted', path, 'must be text; put it in quotes');
  }
  return finding('value-type', path, `must be ${expected}, not ${typeName(actual)}`);
}

function unknownValue(path: Path, root: unknown, known: readonly string[]): Finding {
  const actual = valueAt(root, path);
  if (typeof actual !== 'string')
    return wrongType(path, root, known.length === 1 ? `"${known.join('')}"` : 'text');
  const code = path.length === 1 && path[0] === 'apiVersion' ? 'unknown-api-version' : 'value-unknown';
  const mend =
    known.length === 1
      ? `; write ${known.join('')}`
      : `${didYouMean(actual, known)} (known: ${known.join(', ')})`;
  return finding(code, path, `${quote(actual)} is not known${mend}`);
}

function finding(code: DiagnosticCode, path: Path, text: string): Finding {
  return { code, path, message: path.length === 0 ? text : `${fieldName(path)}: ${text}`, atKey: false };
}

function codeOf(params: Readonly<Record<string, unknown>> | undefined): DiagnosticCode {
  const code = params?.['code'];
  return typeof code === 'string' && isCode(code) ? code : 'value-invalid';
}

function isCode(text: string): text is DiagnosticCode {
  return Object.hasOwn(DIAGNOSTIC_CODES, text);
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const segment of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return undefined;
    value = Reflect.get(value, segment);
  }
  return value;
}
