import type { Action, NetworkRef } from './action.ts';
import type { ContainerOutcome } from './containers.ts';
import type { PlanContext } from './context.ts';

/** Nothing tells that a node has joined. */
export const JOINING_RECHECK_MS = 1_000;

/**
 * What would attach to one of Swarm mode's overlays waits while this node has not joined its managers, as after a restart of the daemon or the host: the
 * attachment would hang for 20 s and then fail.
 */
export function untilJoined(context: PlanContext, outcome: ContainerOutcome): ContainerOutcome {
  if (!context.input.observed.engine.joining || !outcome.plan) return outcome;
  const waited = outcome.plan.steps.flatMap(attachedTo).find((network) => isSwarms(context, network));
  if (!waited) return outcome;
  const { condition, causes } = outcome.verdict;
  const message = `this node has not joined its Swarm yet: attaching to ${waited.name} waits until a manager answers`;
  return { verdict: { condition: { key: condition.key, type: 'Waiting', message }, causes } };
}

function attachedTo(action: Action): NetworkRef[] {
  switch (action.type) {
    case 'CreateContainer':
      return action.container.endpoint ? [action.container.endpoint.network] : [];
    case 'ConnectEndpoint':
      return [action.endpoint.network];
    case 'StartContainer':
      return (action.endpoints ?? []).map(({ network }) => network);
    default:
      return [];
  }
}

/** Also one that is not listed: a node that has not joined does not know the overlays that it does not use. */
function isSwarms({ networksById, networksByName }: PlanContext, { id, name }: NetworkRef): boolean {
  const network = id === undefined ? networksByName.get(name)?.[0] : networksById.get(id);
  return network === undefined || network.scope === 'swarm';
}
