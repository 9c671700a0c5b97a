import { objectKey, readOwnership } from '../api/index.ts';
import type { Suspect } from '../check/index.ts';
import { keepsAddress } from '../plan/index.ts';
import type { AgentStatus, ObjectStatus } from '../reconcile/index.ts';
import type { ObservedState } from '../state/index.ts';

/** Why an endpoint is not to be made again on a probe's word now, whatever is wrong with it; undefined: it may be. */
export function whyNotNow(suspect: Suspect, status: AgentStatus): string | undefined {
  const key = objectKey('Container', suspect.container);
  const object = status.objects.find((one) => one.key === key);
  if (status.mode !== 'enforce') return 'this ovrd only observes';
  if (!object?.origin) return 'no manifest declares it';
  if (object.mode !== 'enforce') return `its manifest says ovr/mode: ${object.mode}`;
  if (object.suspended) return `it is suspended by ${object.suspended.who}`;
  if (object.condition.type !== 'Ready' || object.causes.length > 0) return `it is ${object.condition.type}`;
  if (status.working.includes(key)) return 'it is being worked on';
  if (status.prune.keys.includes(key)) return 'its removal is held';
  if (!isAsSeen(suspect, object)) return 'it is another container now, or has another address';
  const moving = status.aliases.find(
    ({ network, holders, isSettled }) =>
      network === suspect.network &&
      !isSettled &&
      holders.some(({ container, has }) => has && container === suspect.container),
  );
  return moving && `alias ${moving.name} is moving`;
}

function isAsSeen({ containerId, network, address }: Suspect, { observed }: ObjectStatus): boolean {
  const endpoint = observed?.endpoints?.find((one) => one.network === network);
  return observed?.id === containerId && observed.state === 'running' && endpoint?.ipv4Address === address;
}

/** Whether the engine has the endpoint, as the probe saw it, and will give it the same address again. */
export function keepsItsAddress(
  { containerId, networkId, address }: Suspect,
  { engine, networks, containers }: ObservedState,
  cluster: string,
): boolean {
  const network = networks.find(({ id }) => id === networkId);
  const endpoint = containers
    .find(({ id, state }) => id === containerId && state === 'running')
    ?.endpoints.find((one) => one.networkId === networkId);
  if (!network || endpoint?.ipv4Address !== address) return false;
  const owner = readOwnership(network.labels);
  const isOwned = owner?.cluster === cluster && owner.kind === 'Network' && owner.name === network.name;
  return keepsAddress(network, { apiVersion: engine.apiVersion, isOwned });
}
