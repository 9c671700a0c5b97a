import type { LineCounter, Node } from 'yaml';
import * as z from 'zod';
import type { Diagnostic } from '../../api/index.ts';
import { DIAGNOSTIC_CODES, type DiagnosticCode } from '../codes.ts';
import { findings, list, record, type Finding } from '../schema/index.ts';
import {
  MAX_DOCUMENT_BYTES,
  MAX_PROBLEMS,
  compose,
  locate,
  splitDocuments,
  toPlain,
  utf8Bytes,
} from '../text/index.ts';
import { didYouMean, printable, quote } from '../value/index.ts';
import { RULES, RULE_NAMES, isRuleName, type Rule } from './rules.ts';

/** What manifests must keep to, beyond being valid. */
export interface Policy {
  readonly rules: readonly Rule[];
}

/** A policy without mistakes, or the mistakes. */
export type PolicyFile =
  | { readonly policy: Policy; readonly diagnostics: readonly [] }
  | { readonly policy?: never; readonly diagnostics: readonly Diagnostic[] };

const document = record(
  {
    apiVersion: z.literal('ovr/v1'),
    kind: z.literal('Policy'),
    rules: list(z.unknown(), '[{rule: image-pinned, action: deny}]'),
  },
  '{apiVersion: ovr/v1, kind: Policy, rules: [...]}',
);

/** Reads a policy file: one YAML or JSON document. Never throws for anything that a text can hold. */
export function parsePolicy(text: string, file: string): PolicyFile {
  const refused = refusalOf(text);
  if (refused !== undefined) return { diagnostics: [diagnostic(file, refused, { line: 1, col: 1 })] };
  const { root, problems, lines } = compose(text.replace(/^\ufeff/, ''));
  const at = (what: Wrong, offset: number): Diagnostic => diagnostic(file, what, lines.linePos(offset));
  if (!root) {
    const none: Wrong = {
      code: 'document-not-map',
      message: 'the policy is empty; write apiVersion, kind and rules',
    };
    return {
      diagnostics: problems.length === 0 ? [at(none, 0)] : problems.map((found) => at(found, found.offset)),
    };
  }
  const plain = toPlain(root);
  const early = [...problems, ...plain.problems];
  if (early.length > 0) return { diagnostics: early.map((found) => at(found, found.offset)) };
  const result = validate(plain.value);
  if ('policy' in result) return { policy: result.policy, diagnostics: [] };
  const wrong = result.findings.slice(0, MAX_PROBLEMS);
  return { diagnostics: wrong.map((found) => at(found, spotOf(found, root, plain.targets))) };
}

type Wrong = Pick<Finding, 'code' | 'message'>;

function refusalOf(text: string): Wrong | undefined {
  if (utf8Bytes(text) > MAX_DOCUMENT_BYTES) {
    const message = `the policy is larger than ${MAX_DOCUMENT_BYTES / 1024} KiB; no policy needs that`;
    return { code: 'document-too-large', message };
  }
  if (splitDocuments(text).length <= 1) return undefined;
  return { code: 'too-many-documents', message: 'a policy is one document; put all rules into it' };
}

function spotOf(found: Finding, root: Node, targets: ReadonlyMap<Node, Node>): number {
  const spot = locate(root, found.path, targets);
  return found.atKey ? spot.key : spot.value;
}

function validate(value: unknown): { policy: Policy } | { findings: readonly Finding[] } {
  const outer = document.safeParse(value);
  if (!outer.success) return { findings: findings(outer.error.issues, value, MAX_PROBLEMS) };
  const rules: Rule[] = [];
  const wrong: Finding[] = [];
  for (const [index, item] of outer.data.rules.entries()) {
    const result = validateRule(item);
    if ('rule' in result) rules.push(result.rule);
    else wrong.push(...result.findings.map((found) => ({ ...found, ...within(index, found) })));
  }
  return wrong.length === 0 ? { policy: { rules } } : { findings: wrong };
}

function within(index: number, found: Finding): Pick<Finding, 'path' | 'message'> {
  return { path: ['rules', index, ...found.path], message: `rules[${index}]: ${found.message}` };
}

function validateRule(item: unknown): { rule: Rule } | { findings: readonly Finding[] } {
  const name: unknown = typeof item === 'object' && item !== null ? Reflect.get(item, 'rule') : undefined;
  if (!isRuleName(name)) return { findings: [nameFinding(item, name)] };
  const result: z.ZodSafeParseResult<Rule> = RULES[name].safeParse(item);
  return result.success
    ? { rule: result.data }
    : { findings: findings(result.error.issues, item, MAX_PROBLEMS) };
}

function nameFinding(item: unknown, name: unknown): Finding {
  const known = `(known: ${RULE_NAMES.join(', ')})`;
  const at = (code: DiagnosticCode, message: string, path: readonly string[]): Finding => ({
    code,
    path,
    message,
    atKey: false,
  });
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    return at('value-type', `must be a map such as {rule: image-pinned, action: deny}`, []);
  }
  if (name === undefined) return at('field-missing', `rule: is missing; add one ${known}`, []);
  if (typeof name !== 'string') return at('value-type', `rule: must be text ${known}`, ['rule']);
  const message = `rule: ${quote(name)} is no rule${didYouMean(name, RULE_NAMES)} ${known}`;
  return at('value-unknown', message, ['rule']);
}

function diagnostic(file: string, what: Wrong, place: ReturnType<LineCounter['linePos']>): Diagnostic {
  const { code, message } = what;
  const [line, column] = [Math.max(place.line, 1), Math.max(place.col, 1)];
  return { code, severity: DIAGNOSTIC_CODES[code], file, line, column, message: printable(message) };
}
