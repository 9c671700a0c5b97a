import { lintConstraints, type ConstraintLint } from '../constraint/index.ts';
import type { DiagnosticCode } from './codes.ts';
import type { Finding, ParsedDocument } from './schema/index.ts';
import { MAX_DNS_LABEL, quote } from './value/index.ts';

/** What is valid, but very likely not meant. */
export function warningsOf(document: ParsedDocument): Finding[] {
  if (document.kind !== 'Container') return [];
  return [...longName(document.metadata.name), ...oddConstraints(document.spec.nodeConstraint)];
}

function longName(name: string): Finding[] {
  if (name.length <= MAX_DNS_LABEL) return [];
  const message = `metadata.name: the name has ${name.length} characters, and names above ${MAX_DNS_LABEL} do not resolve everywhere; shorten it`;
  return [{ code: 'name-long', path: ['metadata', 'name'], message, atKey: false }];
}

const CODES = {
  suspicious: 'constraint-suspicious',
  contradiction: 'constraint-contradiction',
  soft: 'constraint-soft',
} as const satisfies Record<ConstraintLint['about'], DiagnosticCode>;

function oddConstraints(constraints: readonly string[]): Finding[] {
  return lintConstraints(constraints).map(({ about, index, message }) => ({
    code: CODES[about],
    path: ['spec', 'nodeConstraint', index],
    message: `spec.nodeConstraint: ${quote(constraints[index] ?? '')}: ${message}`,
    atKey: false,
  }));
}
