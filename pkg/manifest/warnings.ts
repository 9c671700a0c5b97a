import { parseConstraint } from '../constraint/index.ts';
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

function oddConstraints(constraints: readonly string[]): Finding[] {
  return constraints.flatMap((text): Finding[] => {
    const result = parseConstraint(text);
    if (!result.ok || result.constraint.hint === undefined) return [];
    const message = `spec.nodeConstraint: ${quote(text)}: ${result.constraint.hint}`;
    return [{ code: 'constraint-suspicious', path: ['spec', 'nodeConstraint'], message, atKey: false }];
  });
}
