import type { Constraint } from './constraint.ts';
import { isSlashed } from './classic-hints.ts';
import { literalNode } from './literal.ts';
import { parseConstraint } from './parse.ts';

/** What a list of constraints hardly can mean. */
export interface ConstraintLint {
  readonly about: 'suspicious' | 'contradiction' | 'soft';
  /** Position of the constraint in the list. */
  readonly index: number;
  /** One sentence, with the mend. */
  readonly message: string;
}

interface Entry {
  readonly index: number;
  readonly constraint: Constraint;
}

const LIVE = /[.*()?+[\]\\^$|]/;

/**
 * Looks for the traps of both dialects in constraints that parse: alone each of them means something else, together they hold nowhere,
 * or a soft one never counts. Texts that do not parse are passed over.
 */
export function lintConstraints(texts: readonly string[]): ConstraintLint[] {
  const entries = texts.flatMap((text, index): Entry[] => {
    const result = parseConstraint(text);
    return result.ok ? [{ index, constraint: result.constraint }] : [];
  });
  return [...suspicious(entries), ...contradictions(entries), ...softOnes(entries)];
}

function suspicious(entries: readonly Entry[]): ConstraintLint[] {
  return entries.flatMap(({ index, constraint: { hint } }): ConstraintLint[] =>
    hint === undefined ? [] : [{ about: 'suspicious', index, message: hint }],
  );
}

/** A list must hold as a whole; each constraint is blamed once, against an earlier one. */
function contradictions(entries: readonly Entry[]): ConstraintLint[] {
  const hard = entries.filter(({ constraint }) => !constraint.soft);
  return hard.flatMap(({ index, constraint }, position): ConstraintLint[] => {
    const rival = hard
      .slice(0, position)
      .find(
        (earlier) => excludes(earlier.constraint, constraint) || excludes(constraint, earlier.constraint),
      );
    if (!rival) return [];
    const message = `no node meets this and '${rival.constraint.text}', and a list must hold as a whole; ${mend(rival.constraint, constraint)}`;
    return [{ about: 'contradiction', index, message }];
  });
}

/** Whether what one constraint names literally is what the other one does not let through. */
function excludes(one: Constraint, other: Constraint): boolean {
  const value = literalValue(one);
  if (value === undefined || subjectOf(one) !== subjectOf(other)) return false;
  const otherValue = literalValue(other);
  // `node` is the ID or the name, and minds case: a pattern that this name does not fit may fit the ID, or the name in other case.
  if (other.key === 'node' && otherValue === undefined && (other.operator === '==' || one.key !== 'node')) {
    return false;
  }
  if (other.dialect !== one.dialect && otherValue !== undefined) {
    return value.toLowerCase() !== otherValue.toLowerCase();
  }
  return other.accepts(value) !== (other.operator === '==');
}

/** The one value that a constraint asks for. */
function literalValue({ dialect, key, operator, value, text }: Constraint): string | undefined {
  if (operator === '!=' || key.toLowerCase() === 'node.ip') return undefined;
  if (dialect === 'swarm-mode') return value;
  if (key === 'node') return literalNode([text]);
  return isSlashed(value) || LIVE.test(value) ? undefined : value;
}

function subjectOf({ dialect, key }: Constraint): string {
  if (dialect === 'classic') return key;
  const lower = key.toLowerCase();
  if (lower === 'node.hostname') return 'node';
  const at = lower.indexOf('.labels.');
  return at < 0 ? lower : lower.slice(0, at) + key.slice(at);
}

function mend(one: Constraint, other: Constraint): string {
  const name = subjectOf(other).replace(/^(?:node|engine)\.labels\./, '');
  if (one.operator === '!=' || other.operator === '!=' || /^node\./.test(name)) return 'remove one of them';
  return `for either one write ${name}==(${one.value}|${other.value})`;
}

function softOnes(entries: readonly Entry[]): ConstraintLint[] {
  const soft = entries.filter(({ constraint }) => constraint.soft);
  const pinned = literalNode(entries.map(({ constraint }) => constraint));
  if (pinned !== undefined) {
    const message = `it never counts, because another constraint names the node ${pinned}; remove it, or the ~`;
    return soft.map(({ index }) => ({ about: 'soft', index, message }));
  }
  const message =
    'soft constraints are given up all together: one that fits nowhere makes the others void; keep one, or make the others hard';
  return soft.slice(1, 2).map(({ index }) => ({ about: 'soft', index, message }));
}
