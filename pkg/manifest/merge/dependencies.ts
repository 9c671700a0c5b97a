import { compareStrings } from '../../api/index.ts';
import type { ContainerObject } from '../objects.ts';
import { didYouMean } from '../value/index.ts';
import { find, whereIs, type Candidate, type Finding } from './candidate.ts';

type Container = Candidate<ContainerObject>;

/** Containers that wait for themselves, by way of others or not: none of them could ever start. */
export function dependencyCycles(containers: readonly Container[]): Finding[] {
  const depending = containers.filter(({ object }) => object.spec.dependsOn.length > 0);
  if (depending.length === 0) return [];
  const knotted = untied(new Map(depending.map((candidate) => [candidate.object.name, candidate])));
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

/** Takes away, again and again, what depends on nothing that is left: the rest is cycles and what leads to them. */
function untied(containers: Map<string, Container>): ReadonlyMap<string, Container> {
  const dependants = new Map<string, string[]>();
  const open = new Map<string, number>();
  const free: string[] = [];
  for (const [name, { object }] of containers) {
    const names = object.spec.dependsOn.map((each) => each.name).filter((each) => containers.has(each));
    open.set(name, names.length);
    if (names.length === 0) free.push(name);
    for (const each of names) dependants.set(each, [...(dependants.get(each) ?? []), name]);
  }
  for (let name = free.pop(); name !== undefined; name = free.pop()) {
    containers.delete(name);
    for (const dependant of dependants.get(name) ?? []) {
      const left = (open.get(dependant) ?? 0) - 1;
      open.set(dependant, left);
      if (left === 0) free.push(dependant);
    }
  }
  return containers;
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
 * @param declared names of containers that are declared, decided or not
 */
export function undeclaredDependencies(
  containers: readonly Container[],
  declared: ReadonlySet<string>,
): Finding[] {
  const seen = new Set<string>();
  return containers.flatMap((candidate) =>
    candidate.object.spec.dependsOn.flatMap(({ name }, index) => {
      if (declared.has(name) || seen.has(name)) return [];
      seen.add(name);
      const message = `spec.dependsOn[${index}]: no manifest declares Container ${name}${didYouMean(name, [...declared])}; declare it, or see that it runs: until then ${candidate.object.name} waits`;
      return [find(candidate, 'dependency-undeclared', message, candidate.places?.dependsOn?.[index])];
    }),
  );
}
