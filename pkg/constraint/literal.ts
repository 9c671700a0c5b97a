import type { Constraint } from './constraint.ts';

/** A host name. A `.` counts as one here, though in classic Swarm's globs it is live. */
const NAME = /^[a-z0-9][a-z0-9_.-]*$/i;
const CLASSIC = /^(?:constraint:)?node==(.+)$/;
const SWARM_MODE = /^(?:constraint:)?\s*node\.hostname\s*==(.+)$/i;
/** Swarm mode's node IDs and the IDs of newer engines look like names; classic `node==` compares both. */
const ID = /^(?:[a-z0-9]{25}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/**
 * The one node that a hard `node==NAME` or `node.hostname==NAME` pins to, as written; undefined where none does, where two name different
 * ones, and where the value is a glob, a regular expression or may be an ID. `node==a.b` pins to `a.b` alone, although as a glob it also
 * matches `aXb`. A pinned container needs no binding: it belongs on the node of that name (`node.hostname` ignores case), if all its
 * constraints hold there, and nowhere else.
 */
export function literalNode(constraints: readonly (string | Constraint)[]): string | undefined {
  let found: string | undefined;
  for (const constraint of constraints) {
    const name = typeof constraint === 'string' ? nameInText(constraint) : nameIn(constraint);
    if (name === undefined) continue;
    if (found !== undefined && found !== name) return undefined;
    found = name;
  }
  return found;
}

function nameInText(text: string): string | undefined {
  const classic = CLASSIC.exec(text)?.[1];
  if (classic !== undefined) return nameOf(classic, 'classic');
  const value = SWARM_MODE.exec(text)?.[1]?.trim();
  return value === undefined ? undefined : nameOf(value, 'swarm-mode');
}

function nameIn({ dialect, key, operator, value, soft }: Constraint): string | undefined {
  const isName = dialect === 'classic' ? key === 'node' : key.toLowerCase() === 'node.hostname';
  return isName && operator === '==' && !soft ? nameOf(value, dialect) : undefined;
}

function nameOf(value: string, dialect: Constraint['dialect']): string | undefined {
  if (!NAME.test(value)) return undefined;
  return dialect === 'classic' && ID.test(value) ? undefined : value;
}
