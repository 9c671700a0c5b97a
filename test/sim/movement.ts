import { objectKey } from '../../pkg/api/index.ts';
import { checkConstraints, literalNode } from '../../pkg/constraint/index.ts';
import type { ContainerObject, Revision } from '../../pkg/manifest/index.ts';
import type { Machine } from './machine.ts';
import type { Simulation } from './simulation.ts';

/** Leaders may act on manifests and labels that are this old. */
const MEMORY_MS = 120_000;

/** Whether anything allows the leader to take a container from a node: it leaves everything where it may stay. */
export function mayLeave(sim: Simulation, name: string, node: string): boolean {
  const machine = sim.machines.find((one) => one.name === node);
  if (!machine) return true;
  const silentMs = sim.queue.nowMs - (machine.contactMs ?? -Infinity);
  if (silentMs >= sim.nodeLostAfterMs) return true;
  const sinceMs = sim.queue.nowMs - MEMORY_MS;
  return sim.machines
    .flatMap(({ folder }) => folder.since(sinceMs))
    .some(({ revision }) => revision !== undefined && isFreed(revision, name, { machine, sinceMs }));
}

function isFreed(
  revision: Revision,
  name: string,
  where: { readonly machine: Machine; readonly sinceMs: number },
): boolean {
  const object = revision.objects.get(objectKey('Container', name));
  if (object?.kind !== 'Container' || literalNode(object.spec.nodeConstraint) !== undefined) return true;
  return !fits(object, where);
}

function fits(
  object: ContainerObject,
  { machine, sinceMs }: { readonly machine: Machine; readonly sinceMs: number },
): boolean {
  const { node } = machine.facts();
  return machine
    .labelsSince(sinceMs)
    .every((labels) => checkConstraints(object.spec.nodeConstraint, { ...node, labels }).matches);
}
