import { describe, expect, it } from 'vitest';
import {
  containers,
  current,
  nodes,
  placementInput,
  placementNode,
  show,
} from '../../test/build/placement.ts';
import type { PlacementInput } from './index.ts';

type Row = [what: string, input: PlacementInput, expected: string];

describe('what is bound', () => {
  const failover = containers('a b', { reschedule: 'on-node-failure' });
  it.each<Row>([
    [
      'stays, though another node has less to do',
      placementInput({
        containers: containers('a b c'),
        nodes: nodes('n1 n2'),
        current: current('a@n1 b@n1 c@n1'),
      }),
      'a@n1 | b@n1 | c@n1',
    ],
    [
      'stays on a node that is unhealthy',
      placementInput({
        containers: containers('a b'),
        nodes: [placementNode('n1', { unhealthy: 'engine does not answer' }), ...nodes('n2')],
        current: current('a@n1'),
      }),
      'a@n1 | b@n2',
    ],
    [
      'stays where too much has been promised',
      placementInput({
        containers: containers('a=1 b=1'),
        nodes: nodes('n1{containerslots=1}=1 n2=1'),
        current: current('a@n1 b@n1'),
      }),
      'a@n1 | b@n1',
    ],
    [
      'moves when its constraint no longer holds',
      placementInput({
        containers: containers('a', { nodeConstraint: ['zone==x'] }),
        nodes: nodes('n1{zone=y} n2{zone=x}'),
        current: current('a@n1'),
      }),
      'a@n2',
    ],
    [
      'is told why it has to leave and cannot go anywhere',
      placementInput({
        containers: containers('a', { nodeConstraint: ['zone==x'] }),
        nodes: nodes('n1{zone=y}'),
        current: current('a@n1'),
      }),
      'a: 1 node: constraint zone==x',
    ],
    [
      'with a port that is taken twice: the first by name stays',
      placementInput({
        containers: containers('b:80 a:80 c'),
        nodes: nodes('n1 n2'),
        current: current('a@n1 b@n1 c@n1'),
      }),
      'a@n1 | b@n2 | c@n1',
    ],
    [
      'gives way to the port of a pinned one',
      placementInput({
        containers: [...containers('a:80'), ...containers('p:80', { nodeConstraint: ['node==n1'] })],
        nodes: nodes('n1 n2'),
        current: current('a@n1'),
      }),
      'a@n2',
    ],
    [
      'to a node that is away stays there',
      placementInput({ containers: failover, nodes: nodes('n1'), current: current('a@gone') }),
      'a@gone | b@n1',
    ],
    [
      'to a lost node goes elsewhere',
      placementInput({
        containers: failover,
        nodes: nodes('n1'),
        current: current('a@gone b@n1'),
        lost: new Set(['gone']),
      }),
      'a@n1 | b@n1',
    ],
    [
      'to a lost node stays there with reschedule: never',
      placementInput({
        containers: containers('a'),
        nodes: nodes('n1'),
        current: current('a@gone'),
        lost: new Set(['gone']),
      }),
      'a@gone',
    ],
    [
      'to a node that is lost and a member again stays there',
      placementInput({
        containers: failover,
        nodes: nodes('n1 n2'),
        current: current('a@n2 b@n2'),
        lost: new Set(['n2']),
      }),
      'a@n2 | b@n2',
    ],
    [
      'and no longer declared is forgotten',
      placementInput({ containers: containers('a'), nodes: nodes('n1 n2'), current: current('z@n1') }),
      'a@n1',
    ],
  ])('%s', (_, input, expected) => {
    expect(show(input)).toBe(expected);
  });
});

describe('what is pinned', () => {
  const pinned = (...nodeConstraint: string[]): PlacementInput['containers'] =>
    containers('a', { nodeConstraint });
  it.each<Row>([
    ['needs no binding', placementInput({ containers: pinned('node==n1'), nodes: nodes('n1 n2') }), ''],
    [
      'loses the binding it had',
      placementInput({
        containers: pinned('node==n1'),
        nodes: nodes('n1 n2'),
        current: current('a@n2'),
      }),
      '',
    ],
    [
      'by host name in any case',
      placementInput({ containers: pinned('node.hostname==N1'), nodes: nodes('n1 n2') }),
      '',
    ],
    [
      'in the wrong case',
      placementInput({ containers: pinned('node==N1'), nodes: nodes('n1 n2') }),
      'a: node n1: constraint node==N1',
    ],
    [
      'to a node that does not meet another constraint',
      placementInput({ containers: pinned('node==n1', 'zone==x'), nodes: nodes('n1 n2{zone=x}') }),
      'a: node n1: constraint zone==x',
    ],
    [
      'to nobody',
      placementInput({ containers: pinned('node==n9'), nodes: nodes('n1 n2') }),
      'a: no member is named n9',
    ],
    [
      'where nobody is',
      placementInput({ containers: pinned('node==n9'), nodes: [] }),
      'a: no node is a member',
    ],
    [
      'to two nodes is placed like any other',
      placementInput({ containers: pinned('node==n1', 'node==n2'), nodes: nodes('n1 n2') }),
      'a: 1 node: constraint node==n1; 1 node: constraint node==n2',
    ],
    [
      'by ID is placed like any other',
      placementInput({
        containers: pinned('node==AB:CD'),
        nodes: [placementNode('n1', { facts: { id: 'AB:CD' } })],
      }),
      'a@n1',
    ],
  ])('%s', (_, input, expected) => {
    expect(show(input)).toBe(expected);
  });
});
