import { isLabelledToStay, objectKey, splitKey, type ObjectKey } from '../api/index.ts';
import type { ObservedContainer, ObservedNetwork } from '../state/index.ts';
import { ownedContainer, ownedNetwork, type PlanContext } from './context.ts';
import type { Verdict } from './result.ts';

/** Keys of what is owned and stays when its manifest goes: as its manifest said last, or else as its labels say. */
export function keysToKeep(context: PlanContext): ReadonlySet<ObjectKey> {
  const { observed, memory } = context.input;
  const keys = [
    ...observed.containers.map((container) => labelledContainer(context, container)),
    ...observed.networks.map((network) => labelledNetwork(context, network)),
  ].filter((key) => key !== undefined);
  const kept = new Set(keys);
  for (const [key, stays] of memory.stays ?? []) {
    if (stays) kept.add(key);
    else kept.delete(key);
  }
  return kept;
}

function labelledContainer(context: PlanContext, container: ObservedContainer): ObjectKey | undefined {
  if (!isLabelledToStay(container.labels)) return undefined;
  const owner = ownedContainer(context, container);
  return owner && objectKey('Container', owner.name);
}

function labelledNetwork(context: PlanContext, network: ObservedNetwork): ObjectKey | undefined {
  if (!isLabelledToStay(network.labels)) return undefined;
  const owner = ownedNetwork(context, network);
  return owner && objectKey('Network', owner.name);
}

/** What is said of an object without a manifest that stays. */
export function keptVerdict(key: ObjectKey): Verdict {
  const { kind, name } = splitKey(key);
  const remove = kind === 'Network' ? `docker network rm ${name}` : `docker rm --force ${name}`;
  const message = `no manifest declares it; kept because ovr/prune was "false": declare it again, or remove it with ${remove}`;
  return { condition: { key, type: 'Kept', message }, causes: [] };
}
