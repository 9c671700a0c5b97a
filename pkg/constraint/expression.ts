import type { Constraint } from './constraint.ts';

export type ConstraintResult =
  { readonly ok: true; readonly constraint: Constraint } | { readonly ok: false; readonly message: string };

/** A key, an operator and a value, before the dialect is known. */
export interface Expression {
  readonly text: string;
  readonly key: string;
  readonly operator: '==' | '!=';
  readonly value: string;
}

const OPERATORS = ['==', '!='] as const;
const KEY = /^[a-z_][a-z0-9\-_.]+$/i;

/** `==` anywhere wins over `!=`, and the first one splits: both Swarms do so, hence `a!==b` has the key `a!`. */
export function splitExpression(text: string): Expression | undefined {
  for (const operator of OPERATORS) {
    const at = text.indexOf(operator);
    if (at < 0) continue;
    return { text, operator, key: text.slice(0, at), value: text.slice(at + operator.length) };
  }
  return undefined;
}

/** Whether both dialects allow these characters in a key. */
export function isKey(key: string): boolean {
  return KEY.test(key);
}

/** What is wrong with a value that holds a character which neither dialect allows. */
export function oddCharacter(value: string): string {
  const found = `'${value}' holds a character that a value cannot have`;
  if (/["']/.test(value)) return `${found}: remove the quotes`;
  return value.includes(',') ? `${found}: write (a|b) with a classic key for one of several` : found;
}

/** The refusal of a constraint. */
export function refuse(message: string): ConstraintResult {
  return { ok: false, message };
}
