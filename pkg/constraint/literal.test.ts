import { expect, it } from 'vitest';
import { literalNode, parseConstraint, type Constraint } from './index.ts';

function parsed(text: string): Constraint {
  const result = parseConstraint(text);
  if (!result.ok) throw new Error(`${text}: ${result.message}`);
  return result.constraint;
}

it.each<[constraints: string[], node: string | undefined, why: string]>([
  [[], undefined, 'none'],
  [['node==web1'], 'web1', 'a name'],
  [['constraint:node==web1'], 'web1', "with the environment variable's prefix"],
  [['node==web1.example.com'], 'web1.example.com', 'a dot is meant as one'],
  [['node==WEB_1'], 'WEB_1', 'as written'],
  [['node==web*'], undefined, 'a glob'],
  [['node==web[12]'], undefined, 'a class'],
  [['node==web1|web2'], undefined, 'an alternation'],
  [['node==/web1/'], undefined, 'a regular expression'],
  [['node==~web1'], undefined, 'a soft one'],
  [['node!=web1'], undefined, 'negated'],
  [['node==AB12:CD34'], undefined, 'an ID'],
  [['node==qx3k0h0hz2zpu2b2k1f3v5w8a'], undefined, "one of Swarm mode's IDs"],
  [['node==0d5c9a4e-6b0b-4f0a-9d39-0f7c2f8d9c11'], undefined, 'an ID of a newer engine'],
  [['nodes==web1', 'node.labels.node==web1', 'node.id==web1', 'storage==ssd'], undefined, 'other keys'],
  [['node.hostname==web1'], 'web1', "Swarm mode's key"],
  [[' NODE.Hostname == web1 '], 'web1', 'in any case and with spaces'],
  [['node.hostname==qx3k0h0hz2zpu2b2k1f3v5w8a'], 'qx3k0h0hz2zpu2b2k1f3v5w8a', 'compares no IDs'],
  [['node.hostname!=web1'], undefined, 'negated'],
  [['node.hostname==web*'], undefined, 'a character that no name has'],
  [['storage==ssd', 'node==web1', 'node==web*'], 'web1', 'among others'],
  [['node==web1', 'node.hostname==web1'], 'web1', 'twice the same'],
  [['node==web1', 'node==web2'], undefined, 'two names'],
  [['node==web1', 'node==~web2'], 'web1', 'a soft one does not contradict'],
])('%j pins to %s (%s)', (constraints, node) => {
  expect(literalNode(constraints)).toBe(node);
  expect(literalNode(constraints.map(parsed))).toBe(node);
});
