import {
  objectKey,
  readOwnership,
  type Cause,
  type ObjectKey,
  type Ownership,
  type Reason,
} from '../api/index.ts';
import type { ManifestObject } from '../manifest/index.ts';
import type { ObservedContainer, ObservedNetwork } from '../state/index.ts';
import type { AliasesPlan } from './aliases.ts';
import type { PlanInput } from './input.ts';
import { namesOf } from './names.ts';

/** The input with the indexes that every rule needs. */
export interface PlanContext {
  readonly input: PlanInput;
  readonly containersByName: ReadonlyMap<string, ObservedContainer>;
  /** Oldest first, then by ID, so that every agent that looks agrees. */
  readonly networksByName: ReadonlyMap<string, readonly ObservedNetwork[]>;
  readonly networksById: ReadonlyMap<string, ObservedNetwork>;
  /** Containers attached to a network, by its ID. */
  readonly attachedTo: ReadonlyMap<string, readonly ObservedContainer[]>;
  /** Owned containers that bear another name than they were made with, by the name they should have. */
  readonly renamed: ReadonlyMap<string, ObservedContainer>;
  /** What was decided on aliases, once it is. */
  readonly aliases?: AliasesPlan;
}

export function createContext(input: PlanInput): PlanContext {
  const { containers, networks } = input.observed;
  const byAge = [...networks].sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
  return {
    input,
    containersByName: new Map(containers.map((container) => [container.name, container])),
    networksByName: Map.groupBy(byAge, (network) => network.name),
    networksById: new Map(networks.map((network) => [network.id, network])),
    attachedTo: groupByNetwork(containers),
    renamed: findRenamed(input),
  };
}

function groupByNetwork(containers: readonly ObservedContainer[]): Map<string, ObservedContainer[]> {
  const attached = new Map<string, ObservedContainer[]>();
  for (const container of containers) {
    for (const endpoint of container.endpoints) {
      const list = attached.get(endpoint.networkId);
      if (list) list.push(container);
      else attached.set(endpoint.networkId, [container]);
    }
  }
  return attached;
}

function findRenamed(input: PlanInput): Map<string, ObservedContainer> {
  const renamed = new Map<string, ObservedContainer>();
  for (const container of input.observed.containers) {
    const owner = ownerOf(input, container.labels, 'Container');
    if (!owner || nameFits(container.name, owner)) continue;
    if (input.memory.createdIds.has(container.id)) renamed.set(owner.name, container);
  }
  return renamed;
}

function nameFits(name: string, owner: Ownership): boolean {
  return namesOf(owner.name).includes(name);
}

function ownerOf(
  input: PlanInput,
  labels: Readonly<Record<string, string>>,
  kind: string,
): Ownership | undefined {
  const owner = readOwnership(labels);
  return owner?.cluster === input.settings.cluster && owner.kind === kind ? owner : undefined;
}

/** The ownership of a network that is ours, else undefined. */
export function ownedNetwork(context: PlanContext, network: ObservedNetwork): Ownership | undefined {
  const owner = ownerOf(context.input, network.labels, 'Network');
  return owner?.name === network.name ? owner : undefined;
}

/**
 * The ownership of a container that is ours, else undefined. Labels alone do not prove it: `docker commit` hands them on to
 * images and so to foreign containers. The name must fit too, or the ID must be one this agent made.
 */
export function ownedContainer(context: PlanContext, container: ObservedContainer): Ownership | undefined {
  const owner = ownerOf(context.input, container.labels, 'Container');
  if (!owner) return undefined;
  return nameFits(container.name, owner) || context.input.memory.createdIds.has(container.id)
    ? owner
    : undefined;
}

/** Whether the manifest still says what it said when the object was last converged: then any difference is drift. */
export function isUnchanged(context: PlanContext, object: ManifestObject): boolean {
  return context.input.memory.applied.get(object.key)?.digest === object.digest;
}

/** A difference in an object that a manifest declares. */
export function causeFor(
  context: PlanContext,
  object: ManifestObject,
  reason: Reason,
  difference: { field: string; observed: string; desired: string },
): Cause {
  return { reason, drift: isUnchanged(context, object), ...difference };
}

/** Why an object that a manifest declares is not there: gone since it was last seen right, changed meanwhile, or new. */
export function absenceReason(
  context: PlanContext,
  object: ManifestObject,
): { reason: Reason; drift: boolean } {
  if (isUnchanged(context, object)) return { reason: 'Missing', drift: true };
  if (context.input.memory.applied.has(object.key)) return { reason: 'ManifestChanged', drift: false };
  const isPlaced = object.kind === 'Container' && (context.input.cluster?.bound.has(object.name) ?? false);
  return { reason: isPlaced ? 'Placed' : 'ManifestAdded', drift: false };
}

/** Keys of everything owned on this engine, once each. */
export function ownedKeys(context: PlanContext): Set<ObjectKey> {
  const keys = new Set<ObjectKey>();
  for (const network of context.input.observed.networks) {
    if (ownedNetwork(context, network)) keys.add(objectKey('Network', network.name));
  }
  for (const container of context.input.observed.containers) {
    const owner = ownedContainer(context, container);
    if (owner) keys.add(objectKey('Container', owner.name));
  }
  return keys;
}

/** A list the way causes show it: `[a b]`. */
export function showList(items: readonly string[]): string {
  return `[${items.join(' ')}]`;
}
