import { closest, distance } from 'fastest-levenshtein';
import ipaddr from 'ipaddr.js';
import type { Constraint } from './constraint.ts';
import type { NodeFacts } from './node.ts';
import { isKey, oddCharacter, refuse, type ConstraintResult, type Expression } from './expression.ts';
import { swarmModeHint } from './swarm-mode-hints.ts';

type Subject = Pick<Constraint, 'read' | 'describe'>;

const VALUE = /^[a-z0-9:\-_ \t\n\f\r.*()?+[\]\\^$|/]+$/i;
const LABEL_PREFIXES = { 'node.labels.': 'labels', 'engine.labels.': 'engineLabels' } as const;
const ROLES = ['manager', 'worker'];
const SUBJECTS: Readonly<Record<string, Subject>> = {
  'node.id': subject('ID', (node) => node.id),
  'node.hostname': subject('name', (node) => node.name),
  'node.ip': subject('address', (node) => node.ip),
  'node.role': subject('role', (node) => node.role),
  'node.platform.os': subject('operating system', (node) => node.os),
  'node.platform.arch': subject('architecture', (node) => node.arch),
};

/**
 * Swarm mode's dialect: the whole value is compared, in any case, and no character is a pattern. Keys may be in any case, label
 * names not. A label that a node lacks is empty, so `==` fails and `!=` holds. Stricter than Swarm mode where that would
 * match nowhere without a word: unknown keys, roles other than two, and addresses that are none.
 */
export function parseSwarmMode(expression: Expression): ConstraintResult {
  const key = expression.key.trim();
  const value = expression.value.trim();
  if (!isKey(key)) return refuse(`'${key}' is not a key; write for example node.labels.NAME==VALUE`);
  const found = findSubject(key);
  if (typeof found === 'string') return refuse(found);
  const problem = valueProblem(value) ?? roleProblem(key, value);
  if (problem !== undefined) return refuse(problem);
  const accepts = comparison(key, value);
  if (typeof accepts === 'string') return refuse(accepts);
  const hint = swarmModeHint(key.toLowerCase(), value);
  const base = { text: expression.text.trim(), dialect: 'swarm-mode', key, value, soft: false } as const;
  const constraint: Constraint = {
    ...base,
    ...found,
    accepts,
    operator: expression.operator,
    ...(hint === undefined ? {} : { hint }),
  };
  return { ok: true, constraint };
}

function subject(noun: string, read: (node: NodeFacts) => string): Subject {
  return {
    read: (node) => [read(node)],
    describe: (node) => `this node's ${noun} is ${read(node) || 'unknown'}`,
  };
}

function findSubject(key: string): Subject | string {
  const lower = key.toLowerCase();
  if (Object.hasOwn(SUBJECTS, lower)) return SUBJECTS[lower] ?? unknownKey(lower);
  for (const [prefix, field] of Object.entries(LABEL_PREFIXES)) {
    if (!lower.startsWith(prefix)) continue;
    const name = key.slice(prefix.length);
    return name === '' ? `'${key}' names no label; write ${prefix}NAME` : labelSubject(field, name);
  }
  return unknownKey(lower);
}

function labelSubject(field: 'labels' | 'engineLabels', name: string): Subject {
  const read = (node: NodeFacts): string | undefined =>
    Object.hasOwn(node[field], name) ? node[field][name] : undefined;
  const noun = field === 'labels' ? 'node label' : 'engine label';
  return {
    read: (node) => [read(node) ?? ''],
    describe: (node) => {
      const actual = read(node);
      return actual === undefined ? `this node has no ${noun} ${name}` : `this node has ${name}=${actual}`;
    },
  };
}

function unknownKey(key: string): string {
  const known = [...Object.keys(SUBJECTS), 'node.labels.NAME', 'engine.labels.NAME'];
  const nearest = closest(key, known);
  const suggestion = distance(key, nearest) <= 4 ? `; did you mean ${nearest}?` : '';
  return `'${key}' is not a key of Swarm mode${suggestion} (known: ${known.join(', ')})`;
}

function valueProblem(value: string): string | undefined {
  if (value === '') return 'the value is missing; write for example node.role==worker';
  if (value.startsWith('~')) return "soft constraints (==~, !=~) exist only for classic keys such as 'node'";
  if (!VALUE.test(value)) return oddCharacter(value);
  return undefined;
}

function roleProblem(key: string, value: string): string | undefined {
  if (key.toLowerCase() !== 'node.role' || ROLES.includes(value.toLowerCase())) return undefined;
  return `'${value}' is not a role; did you mean ${closest(value.toLowerCase(), ROLES)}? (known: ${ROLES.join(', ')})`;
}

function comparison(key: string, value: string): ((actual: string) => boolean) | string {
  if (key.toLowerCase() === 'node.ip') return addressComparison(value);
  const wanted = value.toLowerCase();
  return (actual) => actual.toLowerCase() === wanted;
}

function addressComparison(value: string): ((actual: string) => boolean) | string {
  const bits = value.indexOf('/');
  const address = parseAddress(bits < 0 ? value : value.slice(0, bits));
  const prefix = bits < 0 ? undefined : value.slice(bits + 1);
  const width = address?.kind() === 'ipv4' ? 32 : 128;
  if (!address || (prefix !== undefined && (!/^\d{1,3}$/.test(prefix) || Number(prefix) > width))) {
    return `'${value}' is neither an address nor a network; write for example 10.0.0.1 or 10.0.0.0/24`;
  }
  const length = prefix === undefined ? width : Number(prefix);
  return (actual) => {
    const candidate = parseAddress(actual);
    return candidate?.kind() === address.kind() && candidate.match(address, length);
  };
}

/** Four decimal parts without leading zeros, or IPv6; an IPv4 address in IPv6 form counts as the IPv4 one. */
function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const isAddress = text.includes(':') ? ipaddr.IPv6.isValid(text) : ipaddr.IPv4.isValidFourPartDecimal(text);
  return isAddress ? ipaddr.process(text) : undefined;
}
