import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { container } from '../../test/build/objects.ts';
import { placementInput, placementNode } from '../../test/build/placement.ts';
import { compareStrings } from '../api/index.ts';
import { checkConstraints, literalNode, matches, parseConstraint } from '../constraint/index.ts';
import type { ContainerObject, PortMapping } from '../manifest/index.ts';
import { place, placeExplained, type PlacementInput, type PlacementNode } from './index.ts';

/* The model: every rule of docs/placement.md in its plainest form, looking at everything again for each container. */

interface Model {
  readonly input: PlacementInput;
  readonly nodes: readonly PlacementNode[];
  /** What is on each node, pinned ones too. */
  readonly on: ReadonlyMap<string, ContainerObject[]>;
  readonly bindings: Map<string, string>;
  readonly unplaced: Set<string>;
  /** Names of the nodes that a container could choose from. */
  readonly candidates: Map<string, readonly string[]>;
}

function modelPlace(input: PlacementInput): Pick<Model, 'bindings' | 'unplaced' | 'candidates'> {
  const nodes = [...input.nodes].sort((a, b) => compareStrings(a.facts.name, b.facts.name));
  const on = new Map(nodes.map(({ facts }) => [facts.name, [] as ContainerObject[]]));
  const model: Model = { input, nodes, on, bindings: new Map(), unplaced: new Set(), candidates: new Map() };
  const byName = [...input.containers].sort((a, b) => compareStrings(a.name, b.name));
  for (const each of byName) modelPin(model, each);
  const waiting = byName.filter(
    (each) => literalNode(each.spec.nodeConstraint) === undefined && !modelKeep(model, each),
  );
  for (const each of sortModel(model, waiting)) {
    const node = modelChoice(model, each);
    if (node) modelTake(model, each, node);
    else model.unplaced.add(each.name);
  }
  return model;
}

function modelPin({ nodes, on, unplaced }: Model, each: ContainerObject): void {
  const pin = literalNode(each.spec.nodeConstraint);
  if (pin === undefined) return;
  const node =
    nodes.find(({ facts }) => facts.name === pin) ??
    nodes.find(({ facts }) => facts.name.toLowerCase() === pin.toLowerCase());
  if (node && holds(each, node)) on.get(node.facts.name)?.push(each);
  else unplaced.add(each.name);
}

function modelKeep(model: Model, each: ContainerObject): boolean {
  const { current, lost } = model.input;
  const bound = current.get(each.name);
  if (bound === undefined) return false;
  const node = model.nodes.find(({ facts }) => facts.name === bound);
  const keeps = node
    ? holds(each, node) && portsFree(model, each, node)
    : !(lost.has(bound) && each.spec.reschedule === 'on-node-failure');
  if (keeps) model.bindings.set(each.name, bound);
  if (keeps) model.on.get(bound)?.push(each);
  return keeps;
}

function sortModel({ nodes }: Model, containers: readonly ContainerObject[]): ContainerObject[] {
  const rank = (each: ContainerObject): (number | string)[] => [
    nodes.filter((node) => holds(each, node)).length,
    each.spec.nodeConstraint.join('\0'),
    -cpus(each),
    -memory(each),
    -hostPorts(each).length,
    hostPorts(each).sort().join(),
    each.name,
  ];
  return [...containers].sort((a, b) => {
    const [left, right] = [rank(a), rank(b)];
    const at = left.findIndex((value, index) => value !== right[index]);
    return (left[at] ?? 0) < (right[at] ?? 0) ? -1 : 1;
  });
}

function modelChoice(model: Model, each: ContainerObject): PlacementNode | undefined {
  const fitting = model.nodes.filter((node) => node.unhealthy === undefined && fits(model, each, node));
  const wished = fitting.filter((node) => hasWishes(each, node));
  const choice = wished.length > 0 ? wished : fitting;
  model.candidates.set(
    each.name,
    choice.map(({ facts }) => facts.name),
  );
  const load = (node: PlacementNode): [number, number] => {
    const there = model.on.get(node.facts.name) ?? [];
    const share = Math.max(
      sum(there, cpus) / (node.nanoCpus || Infinity),
      sum(there, memory) / (node.memoryBytes || Infinity),
    );
    return model.input.strategy === 'spread' ? [there.length, share] : [-share, -there.length];
  };
  const order = (a: PlacementNode, b: PlacementNode): number => {
    const [[x1, x2], [y1, y2]] = [load(a), load(b)];
    return x1 - y1 || x2 - y2;
  };
  return [...choice].sort(order)[0];
}

function modelTake(model: Model, each: ContainerObject, node: PlacementNode): void {
  model.on.get(node.facts.name)?.push(each);
  model.bindings.set(each.name, node.facts.name);
}

function fits(model: Model, each: ContainerObject, node: PlacementNode): boolean {
  const there = model.on.get(node.facts.name) ?? [];
  const slots = node.facts.engineLabels['containerslots'] ?? 'Infinity';
  const isEnough = (asked: number, used: number, has: number): boolean =>
    asked === 0 || has === 0 || used + asked <= has;
  return (
    holds(each, node) &&
    there.length < Number(slots) &&
    isEnough(cpus(each), sum(there, cpus), node.nanoCpus) &&
    isEnough(memory(each), sum(there, memory), node.memoryBytes) &&
    portsFree(model, each, node)
  );
}

function holds(each: ContainerObject, node: PlacementNode): boolean {
  return checkConstraints(each.spec.nodeConstraint, node.facts).matches;
}

function hasWishes(each: ContainerObject, node: PlacementNode): boolean {
  const parsed = each.spec.nodeConstraint.map((text) => parseConstraint(text));
  return parsed.every(
    (result) => !result.ok || !result.constraint.soft || matches(result.constraint, node.facts),
  );
}

function portsFree(model: Model, each: ContainerObject, node: PlacementNode): boolean {
  const taken = model.on.get(node.facts.name)?.flatMap(hostPorts) ?? [];
  return !hostPorts(each).some((mine) => taken.some((other) => overlap(mine, other)));
}

function overlap(a: string, b: string): boolean {
  const [ipA = '', portA] = a.split(':');
  const [ipB = '', portB] = b.split(':');
  return portA === portB && (ipA === ipB || ipA === '' || ipB === '');
}

function hostPorts({ spec }: ContainerObject): string[] {
  return spec.ports
    .filter(({ hostPort }) => hostPort !== undefined)
    .map(({ hostIp, hostPort, protocol }) => {
      const address = hostIp === '0.0.0.0' ? '' : (hostIp ?? '');
      return `${address}:${hostPort}${protocol === 'tcp' ? '' : `/${protocol}`}`;
    });
}

const cpus = ({ spec }: ContainerObject): number => spec.resources.requests.nanoCpus ?? 0;
const memory = ({ spec }: ContainerObject): number => spec.resources.requests.memoryBytes ?? 0;

function sum(containers: readonly ContainerObject[], amount: (each: ContainerObject) => number): number {
  return containers.reduce((total, each) => total + amount(each), 0);
}

/* Inputs, small and crowded: few nodes, few ports, little room. */

const NODES = ['n1', 'N2', 'n3', 'n4', 'n5'];
const CONSTRAINTS = [
  ...['node==n1', 'node==n4', 'node.hostname==n2', 'node==n[13]', 'node!=n3', 'node==~n3', 'node!=~n1'],
  ...['zone==a', 'zone!=a', 'zone==~b', 'node.labels.disk==ssd', 'disk!=hdd', 'nonsense', 'node==id-of-n3'],
];

const mapping: fc.Arbitrary<PortMapping> = fc
  .record({
    hostIp: fc.constantFrom(undefined, '0.0.0.0', '10.0.0.1', '10.0.0.2'),
    hostPort: fc.constantFrom(undefined, 80, 81),
    protocol: fc.constantFrom('tcp', 'udp'),
  })
  .map(({ hostIp, hostPort, protocol }) => ({
    ...(hostIp !== undefined && { hostIp }),
    ...(hostPort !== undefined && { hostPort }),
    containerPort: 80,
    protocol,
  }));

function containerArbitrary(hasLimits: boolean): fc.Arbitrary<ContainerObject> {
  const amount = hasLimits ? fc.constantFrom(0, 0, 1 << 29, 1 << 30) : fc.constant(0);
  return fc
    .record({
      name: fc.integer({ min: 0, max: 30 }),
      nodeConstraint: fc.oneof(
        { weight: 2, arbitrary: fc.constant([]) },
        { weight: 3, arbitrary: fc.subarray(CONSTRAINTS, { maxLength: 2 }) },
      ),
      nanoCpus: amount,
      memoryBytes: amount,
      ports: fc.array(mapping, { maxLength: hasLimits ? 2 : 0 }),
      reschedule: fc.constantFrom('never', 'on-node-failure'),
    })
    .map(({ name, nanoCpus, memoryBytes, ...spec }) =>
      container(`c${name}`, { ...spec, resources: { limits: {}, requests: { nanoCpus, memoryBytes } } }),
    );
}

function nodeArbitrary(hasLimits: boolean): fc.Arbitrary<PlacementNode> {
  const amount = hasLimits ? fc.constantFrom(0, 1 << 30, 3 * (1 << 29)) : fc.constant(0);
  return fc
    .record({
      name: fc.constantFrom(...NODES),
      zone: fc.constantFrom('a', 'b', 'c'),
      disk: fc.constantFrom('ssd', 'hdd'),
      slots: hasLimits ? fc.constantFrom('', '', '1', '3') : fc.constant(''),
      nanoCpus: amount,
      memoryBytes: amount,
      isHealthy: fc.integer({ max: 4, min: 0 }).map((n) => n > 0),
    })
    .map(({ name, zone, disk, slots, nanoCpus, memoryBytes, isHealthy }) =>
      placementNode(name, {
        facts: { labels: { disk }, engineLabels: { zone, ...(slots !== '' && { containerslots: slots }) } },
        nanoCpus,
        memoryBytes,
        ...(!isHealthy && { unhealthy: 'engine does not answer' }),
      }),
    );
}

function inputArbitrary(hasLimits = true): fc.Arbitrary<PlacementInput> {
  const bound = fc.tuple(
    fc.integer({ min: 0, max: 30 }).map((name) => `c${name}`),
    fc.constantFrom(...NODES, 'lost', 'away'),
  );
  return fc
    .record({
      containers: fc.uniqueArray(containerArbitrary(hasLimits), {
        maxLength: 16,
        selector: ({ name }) => name,
      }),
      nodes: fc.uniqueArray(nodeArbitrary(hasLimits), { maxLength: 5, selector: ({ facts }) => facts.name }),
      bound: fc.array(bound, { maxLength: 16 }),
      lost: fc.subarray(['lost', 'n1']),
      strategy: fc.constantFrom('spread', 'binpack'),
    })
    .map(({ bound: pairs, lost, ...others }) =>
      placementInput({ ...others, current: new Map(pairs), lost: new Set(lost) }),
    );
}

const RUNS = { numRuns: 300 };

function sorted(entries: Iterable<readonly [string, string]>): (readonly [string, string])[] {
  return [...entries].sort(([a], [b]) => compareStrings(a, b));
}

describe('place()', () => {
  it('does what the model does', () => {
    fc.assert(
      fc.property(inputArbitrary(), (input) => {
        const { bindings, unplaced } = place(input);
        const expected = modelPlace(input);
        expect(sorted(bindings)).toEqual(sorted(expected.bindings));
        expect([...unplaced.keys()].sort()).toEqual([...expected.unplaced].sort());
      }),
      RUNS,
    );
  });

  it('does not depend on the order of its lists', () => {
    const shuffled = inputArbitrary().chain((input) =>
      fc.record({
        input: fc.constant(input),
        containers: fc.shuffledSubarray([...input.containers], { minLength: input.containers.length }),
        nodes: fc.shuffledSubarray([...input.nodes], { minLength: input.nodes.length }),
        current: fc.shuffledSubarray([...input.current], { minLength: input.current.size }),
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ input, containers, nodes, current }) => {
        const first = place(input);
        const second = place({ ...input, containers, nodes, current: new Map(current) });
        expect(sorted(second.bindings)).toEqual(sorted(first.bindings));
        expect(sorted(second.unplaced)).toEqual(sorted(first.unplaced));
      }),
      RUNS,
    );
  });

  it('moves nothing that it has placed itself', () => {
    fc.assert(
      fc.property(inputArbitrary(), (input) => {
        const first = place(input);
        const second = place({ ...input, current: first.bindings });
        expect(sorted(second.bindings)).toEqual(sorted(first.bindings));
        expect(sorted(second.unplaced)).toEqual(sorted(first.unplaced));
      }),
      RUNS,
    );
  });

  it('moves nothing when a node joins', () => {
    fc.assert(
      fc.property(inputArbitrary(), nodeArbitrary(true), (input, node) => {
        const joined = placementNode('n6', { ...node, facts: { ...node.facts, name: 'n6', id: 'id-of-n6' } });
        const first = place(input);
        const second = place({ ...input, current: first.bindings, nodes: [...input.nodes, joined] });
        for (const [name, bound] of first.bindings) expect(second.bindings.get(name)).toBe(bound);
      }),
      RUNS,
    );
  });

  it('gives a node to everything that some healthy node may run, where there are no limits', () => {
    fc.assert(
      fc.property(inputArbitrary(false), (input) => {
        const { unplaced } = place(input);
        for (const each of input.containers) {
          if (literalNode(each.spec.nodeConstraint) !== undefined || !unplaced.has(each.name)) continue;
          const possible = input.nodes.filter((node) => node.unhealthy === undefined && holds(each, node));
          expect(possible).toEqual([]);
        }
      }),
      RUNS,
    );
  });

  it('accounts for every container once, and explains the same placement', () => {
    fc.assert(
      fc.property(inputArbitrary(), (input) => {
        const { bindings, unplaced } = place(input);
        const explained = placeExplained(input);
        const model = modelPlace(input);
        expect([explained.bindings, explained.unplaced]).toEqual([bindings, unplaced]);
        const placed = explained.decisions.map((decision) => decision.container);
        expect([...placed, ...unplaced.keys()].sort()).toEqual(
          input.containers.map(({ name }) => name).sort(),
        );
        for (const { container: name, node, candidates } of explained.decisions) {
          expect(bindings.get(name) ?? node).toBe(node);
          expect(candidates).toEqual(model.candidates.get(name) ?? [node]);
        }
      }),
      RUNS,
    );
  });
});
