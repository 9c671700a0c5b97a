import { describe, expect, it } from 'vitest';
import {
  containers,
  current,
  nodes,
  placementInput,
  placementNode,
  requests,
  show,
} from '../../test/build/placement.ts';
import type { PlacementInput } from './index.ts';

type Row = [what: string, input: PlacementInput, expected: string];

describe('strategies', () => {
  const five = containers('a b c d e');
  it.each<Row>([
    [
      'spread: fewest containers, then the name',
      placementInput({ containers: five, nodes: nodes('n2 n1 n3') }),
      'a@n1 | b@n2 | c@n3 | d@n1 | e@n2',
    ],
    [
      'spread counts those that are pinned',
      placementInput({
        containers: [...containers('p', { nodeConstraint: ['node==n1'] }), ...containers('a b')],
        nodes: nodes('n1 n2'),
      }),
      'a@n2 | b@n1',
    ],
    [
      'spread: among equally many containers the smallest requested share',
      placementInput({ containers: containers('a=1 b=1 c=1'), nodes: nodes('n1=4 n2=8') }),
      'a@n1 | b@n2 | c@n2',
    ],
    [
      'binpack: one node after the other',
      placementInput({
        containers: containers('a=1 b=1 c=1'),
        nodes: nodes('n1=2 n2=4'),
        strategy: 'binpack',
      }),
      'a@n1 | b@n1 | c@n2',
    ],
    [
      'binpack: the fullest node that has room',
      placementInput({
        containers: containers('x=3 y=1 z=1'),
        nodes: nodes('n1=4 n2=4'),
        current: current('x@n2'),
        strategy: 'binpack',
      }),
      'x@n2 | y@n2 | z@n1',
    ],
    [
      'binpack without requests: the node with most containers',
      placementInput({
        containers: five,
        nodes: nodes('n1 n2'),
        current: current('e@n2'),
        strategy: 'binpack',
      }),
      'a@n2 | b@n2 | c@n2 | d@n2 | e@n2',
    ],
  ])('%s', (_, input, expected) => {
    expect(show(input)).toBe(expected);
  });
});

describe('order', () => {
  it.each<Row>([
    [
      'who has fewer nodes to choose from comes first',
      placementInput({
        containers: [...containers('a:80'), ...containers('b:80', { nodeConstraint: ['zone==x'] })],
        nodes: nodes('n1{zone=x} n2'),
      }),
      'a@n2 | b@n1',
    ],
    [
      'larger requests come first',
      placementInput({ containers: containers('a=1 b=1 c=2'), nodes: nodes('n1=2 n2=2') }),
      'a@n2 | b@n2 | c@n1',
    ],
    [
      'who asks for a host port comes before who does not',
      placementInput({ containers: containers('a b:80'), nodes: nodes('n1{containerslots=1} n2') }),
      'a@n2 | b@n1',
    ],
  ])('%s', (_, input, expected) => {
    expect(show(input)).toBe(expected);
  });
});

describe('filters and their reasons', () => {
  const one = containers('a');
  const zoned = (...nodeConstraint: string[]): PlacementInput['containers'] =>
    containers('a', { nodeConstraint });
  it.each<Row>([
    ['nobody there', placementInput({ containers: one, nodes: [] }), 'a: no node is a member'],
    [
      'constraint',
      placementInput({ containers: zoned('zone==x'), nodes: nodes('n1{zone=y} n2 n3{zone=x}') }),
      'a@n3',
    ],
    [
      'constraint, nowhere',
      placementInput({ containers: zoned('zone==x'), nodes: nodes('n1{zone=y} n2') }),
      'a: 2 nodes: constraint zone==x',
    ],
    [
      'the first constraint that is not met',
      placementInput({
        containers: zoned('disk==ssd', 'constraint:zone==x'),
        nodes: nodes('n1{zone=x} n2{disk=ssd} n3'),
      }),
      'a: 2 nodes: constraint disk==ssd; 1 node: constraint zone==x',
    ],
    [
      'a constraint that does not parse is never anywhere',
      placementInput({ containers: zoned('zone=x'), nodes: nodes('n1') }),
      'a: 1 node: constraint zone=x',
    ],
    [
      'health',
      placementInput({
        containers: one,
        nodes: [placementNode('n1', { unhealthy: 'engine does not answer' }), ...nodes('n2')],
      }),
      'a@n2',
    ],
    [
      'health, nowhere',
      placementInput({
        containers: one,
        nodes: [placementNode('n1', { unhealthy: 'engine does not answer' })],
      }),
      'a: 1 node: engine does not answer',
    ],
    [
      'requested CPUs',
      placementInput({ containers: containers('a=0.5 b=0.5'), nodes: nodes('n1=0.5') }),
      'a@n1 | b: 1 node: less than 0.5 CPU free',
    ],
    [
      'requested memory',
      placementInput({
        containers: containers('a b', { resources: requests({ memoryBytes: 3 << 20 }) }),
        nodes: [placementNode('n1', { memoryBytes: 5 << 20 })],
      }),
      'a@n1 | b: 1 node: less than 3Mi memory free',
    ],
    [
      'nothing is checked against a capacity that is not known',
      placementInput({ containers: containers('a=64 b=64'), nodes: nodes('n1') }),
      'a@n1 | b@n1',
    ],
    [
      'who requests nothing gets in where all is promised',
      placementInput({ containers: containers('a=1 b'), nodes: nodes('n1=1') }),
      'a@n1 | b@n1',
    ],
    [
      'host port',
      placementInput({ containers: containers('a:8001 b:8001 c:8001'), nodes: nodes('n1 n2') }),
      'a@n1 | b@n2 | c: 2 nodes: port 8001 taken',
    ],
    [
      'host port of another protocol',
      placementInput({ containers: containers('a:53 b:53/udp c:53/udp'), nodes: nodes('n1') }),
      'a@n1 | b@n1 | c: 1 node: port 53/udp taken',
    ],
    [
      'host ports on different addresses',
      placementInput({ containers: containers('a:80@10.0.0.1 b:80@10.0.0.2'), nodes: nodes('n1') }),
      'a@n1 | b@n1',
    ],
    [
      'host port on one and on all addresses',
      placementInput({ containers: containers('a:80@10.0.0.1 b:80@0.0.0.0'), nodes: nodes('n1') }),
      'a@n1 | b: 1 node: port 80 taken',
    ],
    [
      'containerslots',
      placementInput({ containers: containers('a b c'), nodes: nodes('n1{containerslots=2}') }),
      'a@n1 | b@n1 | c: 1 node: containerslots full',
    ],
    [
      'containerslots of no whole number',
      placementInput({ containers: containers('a b'), nodes: nodes('n1{containerslots=-1}') }),
      'a@n1 | b@n1',
    ],
    [
      'containerslots counts the pinned ones, and is a node label too',
      placementInput({
        containers: [...one, ...containers('p', { nodeConstraint: ['node==n1'] })],
        nodes: [placementNode('n1', { facts: { labels: { containerslots: '1' } } })],
      }),
      'a: 1 node: containerslots full',
    ],
    [
      'the biggest group of nodes first',
      placementInput({
        containers: containers('a:8001=1', { nodeConstraint: ['storage==ssd'] }),
        nodes: [
          ...nodes('n1 n2 n3 n4{storage=ssd}=0.5'),
          placementNode('n5', {
            facts: { engineLabels: { storage: 'ssd' } },
            unhealthy: 'engine does not answer',
          }),
        ],
      }),
      'a: 3 nodes: constraint storage==ssd; 1 node: engine does not answer; 1 node: less than 1 CPU free',
    ],
    [
      'five groups at most',
      placementInput({
        containers: one,
        nodes: [6, 5, 4, 3, 2, 1].map((n) => placementNode(`n${n}`, { unhealthy: `reason ${n}` })),
      }),
      'a: 1 node: reason 1; 1 node: reason 2; 1 node: reason 3; 1 node: reason 4; 1 node: reason 5; …',
    ],
  ])('%s', (_, input, expected) => {
    expect(show(input)).toBe(expected);
  });
});

describe('soft constraints', () => {
  const wish = (...nodeConstraint: string[]): PlacementInput['containers'] =>
    containers('a b', { nodeConstraint });
  it.each<Row>([
    [
      'go before the strategy',
      placementInput({ containers: wish('zone==~x'), nodes: nodes('n1 n2{zone=x}') }),
      'a@n2 | b@n2',
    ],
    [
      'are given up where nothing else fits',
      placementInput({ containers: wish('zone==~x'), nodes: nodes('n1 n2{zone=x,containerslots=1}') }),
      'a@n2 | b@n1',
    ],
    [
      'are given up all together',
      placementInput({ containers: wish('zone==~x', 'disk!=~hdd'), nodes: nodes('n1 n2{zone=x,disk=hdd}') }),
      'a@n1 | b@n2',
    ],
    [
      'do not appear in reasons',
      placementInput({ containers: wish('zone==~x', 'disk==ssd'), nodes: nodes('n1') }),
      'a: 1 node: constraint disk==ssd | b: 1 node: constraint disk==ssd',
    ],
    [
      'move nobody',
      placementInput({
        containers: wish('zone==~x'),
        nodes: nodes('n1 n2{zone=x}'),
        current: current('a@n1'),
      }),
      'a@n1 | b@n2',
    ],
  ])('%s', (_, input, expected) => {
    expect(show(input)).toBe(expected);
  });
});
