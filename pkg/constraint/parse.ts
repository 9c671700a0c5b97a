import { parseClassic } from './classic.ts';
import { refuse, splitExpression, type ConstraintResult } from './expression.ts';
import { parseSwarmMode } from './swarm-mode.ts';

/** Characters; a longer one is no constraint but an accident, and the bound limits the work for regular expressions. */
const MAX_LENGTH = 1024;
const PREFIX = 'constraint:';
const OTHER_PREFIX = /^(affinity|whitelist):/;
const SWARM_MODE_KEY = /^\s*(node|engine)\./i;

/**
 * Parses one constraint. A key that starts with `node.` or `engine.` is Swarm mode's, every other one is classic Swarm's.
 * What can match nowhere by its form (an unknown key, a value that is no address or no valid regular expression) is refused.
 */
export function parseConstraint(text: string): ConstraintResult {
  if (text.length > MAX_LENGTH) return refuse(`a constraint has at most ${MAX_LENGTH} characters`);
  const other = OTHER_PREFIX.exec(text)?.[1];
  if (other !== undefined) {
    return refuse(`'${other}:' expressions are not supported; write a constraint such as node==NAME`);
  }
  const expression = splitExpression(text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text);
  if (!expression) {
    return refuse(`'${text}' has no operator; write KEY==VALUE or KEY!=VALUE, for example node==NAME`);
  }
  return SWARM_MODE_KEY.test(expression.key) ? parseSwarmMode(expression) : parseClassic(expression);
}
