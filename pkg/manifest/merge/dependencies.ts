import { compareStrings } from '../../api/index.ts';
import type { ContainerObject } from '../objects.ts';
import { sortTopologically } from '../topology.ts';
import { didYouMean } from '../value/index.ts';
import { find, whereIs, type Candidate, type Finding } from './candidate.ts';

type Container = Candidate<ContainerObject>;

/** Containers that wait for themselves, by way of others or not: none of them could ever start. */
export function dependencyCycles(containers: readonly Container[]): Finding[] {
  const depending = containers.filter(({ object }) => object.spec.dependsOn.length > 0);
  if (depending.length === 0) return [];
  const knotted = knottedAmong(depending);
  const findings: Finding[] = [];
  const told = new Set<string>();
  for (const name of [...knotted.keys()].sort(compareStrings)) {
    const cycle = told.has(name) ? [] : cycleFrom(name, knotted);
    const isNew = cycle.every(({ object }) => !told.has(object.name));
    for (const [index, candidate] of cycle.entries()) {
      told.add(candidate.object.name);
      if (!isNew || candidate.isInForce) continue;
      findings.push(tellCycle([...cycle.slice(index), ...cycle.slice(0, index)]));
    }
  }
  return findings;
}

/** Those on cycles, and what depends on them. */
function knottedAmong(containers: readonly Container[]): ReadonlyMap<string, Container> {
  const edges = containers.map(
    ({ object }) => [object.name, object.spec.dependsOn.map(({ name }) => name)] as const,
  );
  const knotted = new Set(sortTopologically(edges).knotted);
  return new Map(
    containers.flatMap((each) => (knotted.has(each.object.name) ? [[each.object.name, each]] : [])),
  );
}

/** Follows the first dependency that is left until one comes again: from there on it is a cycle. */
function cycleFrom(start: string, knotted: ReadonlyMap<string, Container>): readonly Container[] {
  const path = new Map<string, Container>();
  let name = start;
  for (;;) {
    const candidate = knotted.get(name);
    if (!candidate) return [];
    if (path.has(name)) return [...path.values()].slice([...path.keys()].indexOf(name));
    path.set(name, candidate);
    name = candidate.object.spec.dependsOn.find((each) => knotted.has(each.name))?.name ?? '';
  }
}

/** @param cycle begins with the container that it is told of */
function tellCycle(cycle: readonly Container[]): Finding {
  const [first] = cycle;
  if (!first) throw new Error('a cycle of nothing');
  const next = cycle[1 % cycle.length] ?? first;
  const index = first.object.spec.dependsOn.findIndex(({ name }) => name === next.object.name);
  const others = cycle
    .slice(1)
    .map((other) => `${other.object.name} (${whereIs(other, placeOf(other, cycle))})`);
  const chain = [first.object.name, ...others, first.object.name].join(' → ');
  const message = `spec.dependsOn[${index}]: none of these could ever start: ${chain}; take one dependency out (until then the change does not count)`;
  return find(first, 'dependency-cycle', message, first.places?.dependsOn?.[index]);
}

/** Where a container of the cycle names the next one. */
function placeOf(candidate: Container, cycle: readonly Container[]) {
  const next = cycle[(cycle.indexOf(candidate) + 1) % cycle.length];
  const index = candidate.object.spec.dependsOn.findIndex(({ name }) => name === next?.object.name);
  return candidate.places?.dependsOn?.[index];
}

/**
 * Containers that others wait for and no manifest declares, each reported once: they may be there already, or in another source.
 * @param names of containers that are declared, decided or not; few wait for others, so they are asked for when one does
 */
export function undeclaredDependencies(
  containers: readonly Container[],
  names: () => ReadonlySet<string>,
): Finding[] {
  const depending = containers.filter(({ object }) => object.spec.dependsOn.length > 0);
  if (depending.length === 0) return [];
  const declared = names();
  const seen = new Set<string>();
  return depending.flatMap((candidate) =>
    candidate.object.spec.dependsOn.flatMap(({ name }, index) => {
      if (declared.has(name) || seen.has(name)) return [];
      seen.add(name);
      const message = `spec.dependsOn[${index}]: no manifest declares Container ${name}${didYouMean(name, [...declared])}; declare it, or see that it runs: until then ${candidate.object.name} waits`;
      return [find(candidate, 'dependency-undeclared', message, candidate.places?.dependsOn?.[index])];
    }),
  );
}
