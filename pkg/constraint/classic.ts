import { RE2JS } from 're2js';
import { classicHint, isSlashed } from './classic-hints.ts';
import type { Constraint } from './constraint.ts';
import type { NodeFacts } from './node.ts';
import { isKey, oddCharacter, refuse, type ConstraintResult, type Expression } from './expression.ts';

/** Classic Swarm's own check of a value, soft mark included. */
const VALUE = /^[=!/]?~?[a-z0-9:\-_ \t\n\f\r.*/()?+[\]\\^$|]+$/i;
const LIVE_CHARACTERS = /[.*()?+[\]\\^$|]/;

/**
 * Classic Swarm's dialect, as its scheduler reads it:
 * - `node` stands for the node's ID or name, any other key for the daemon label of exactly that name; a label that a node lacks
 *   is empty, so `x!=y` holds there.
 * - A value in slashes is an RE2 regular expression: not anchored, case-sensitive unless it starts with `(?i)`.
 * - Any other value is a glob over the whole text, in which `*` means anything and all other regular-expression characters stay
 *   live: `n.1` matches `nX1`, and `a|b` means `^a` or `b$`.
 *
 * Stricter than Swarm where Swarm would match nothing or crash without a word: invalid regular expressions, `/` alone, a
 * leading `=` or `!`, outer spaces, and `node` in other case.
 */
export function parseClassic(expression: Expression): ConstraintResult {
  const { key, operator, text } = expression;
  const soft = expression.value.startsWith('~');
  const value = soft ? expression.value.slice(1) : expression.value;
  const problem = keyProblem(key) ?? valueProblem(expression.value, value);
  if (problem !== undefined) return refuse(problem);
  const accepts = compilePattern(value);
  if (typeof accepts === 'string') return refuse(`'${value}' is not a valid pattern: ${accepts}`);
  const hint = classicHint(key, operator, value);
  const base = { text, dialect: 'classic', key, operator, value, soft, accepts } as const;
  const constraint: Constraint = { ...base, ...subject(key), ...(hint === undefined ? {} : { hint }) };
  return { ok: true, constraint };
}

function keyProblem(key: string): string | undefined {
  if (key !== key.trim()) return `remove the spaces around the key '${key.trim()}'`;
  if (!isKey(key)) {
    return `'${key}' is not a key; it needs two characters at least, a letter or _ first, then letters, digits, '-', '_' or '.'`;
  }
  if (key !== 'node' && key.toLowerCase() === 'node') return `write 'node' in lower case instead of '${key}'`;
  return undefined;
}

function valueProblem(written: string, value: string): string | undefined {
  if (value === '') return 'the value is missing; write KEY==VALUE, for example node==NAME';
  if (/^[=!]/.test(written))
    return `the value starts with '${written.charAt(0)}'; write one operator, == or !=`;
  if (!VALUE.test(written)) return oddCharacter(value);
  if (value !== value.trim()) return `remove the spaces around the value '${value.trim()}'`;
  if (value === '/') return "'/' alone is not a value; write a regular expression as /PATTERN/";
  return undefined;
}

/** Compiles once; the text of the error where RE2 refuses (look-around and back-references among others). */
function compilePattern(value: string): ((actual: string) => boolean) | string {
  const isRegex = isSlashed(value);
  if (!isRegex && !LIVE_CHARACTERS.test(value)) return (actual) => actual === value;
  const pattern = isRegex ? value.slice(1, -1) : `^${value.replaceAll('*', '.*')}$`;
  try {
    const compiled = RE2JS.compile(pattern);
    return (actual) => compiled.matcher(actual).find();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function subject(key: string): Pick<Constraint, 'read' | 'describe'> {
  if (key === 'node') {
    return { read: (node) => [node.id, node.name], describe: (node) => `this node is ${node.name}` };
  }
  return {
    read: (node) => [label(node, key) ?? ''],
    describe: (node) => {
      const actual = label(node, key);
      return actual === undefined ? `this node has no label ${key}` : `this node has ${key}=${actual}`;
    },
  };
}

function label(node: NodeFacts, key: string): string | undefined {
  if (Object.hasOwn(node.engineLabels, key)) return node.engineLabels[key];
  return Object.hasOwn(node.labels, key) ? node.labels[key] : undefined;
}
