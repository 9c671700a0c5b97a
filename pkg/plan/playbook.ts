import type { Healing, Playbook, Reason } from '../api/index.ts';
import type { Action } from './action.ts';

/** The step that ends the repair of an endpoint, by what was wrong with it. */
const ENDPOINT_PLAYBOOKS: Readonly<Partial<Record<Reason, Playbook>>> = {
  EndpointMissing: 'reconnect-endpoint',
  AliasesDiffer: 'restore-aliases',
  AddressDiffers: 'restore-address',
  NetworkReplaced: 'replaced-network',
  Unpublished: 'republish-endpoint',
};

/** What a step has healed once it has succeeded. A change that a manifest asks for heals nothing. */
export function healingOf(action: Action): Healing | undefined {
  const { cause } = action;
  if (action.type === 'RemoveNetwork' && cause.reason === 'Duplicate') {
    return {
      playbook: 'duplicate-network',
      saw: `${cause.field}: ${cause.observed}`,
      did: `removed the younger, empty one (${action.network.id?.slice(0, 12) ?? action.network.name})`,
    };
  }
  if (action.type !== 'ConnectEndpoint' || !cause.drift) return undefined;
  const playbook = ENDPOINT_PLAYBOOKS[cause.reason];
  if (playbook === undefined) return undefined;
  const did = `attached ${action.container.name} to ${action.endpoint.network.name} with its whole configuration`;
  return { playbook, saw: `${cause.field}: ${cause.observed}`, did };
}
