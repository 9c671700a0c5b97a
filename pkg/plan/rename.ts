import type { Cause } from '../api/index.ts';
import type { ContainerObject } from '../manifest/index.ts';
import type { ObservedContainer, ObservedEndpoint } from '../state/index.ts';
import type { Action, NetworkRef } from './action.ts';
import type { PlanContext } from './context.ts';

/** Docker's default bridge knows no names. */
const NAMELESS_NETWORK = 'bridge';

interface Renaming {
  readonly container: ObservedContainer;
  readonly to: string;
  readonly object: ContainerObject;
  readonly cause: Cause;
  /** Names besides the aliases that the manifest gives. */
  readonly extraNames?: readonly string[];
}

/**
 * Renames a container. On an overlay of a cluster store and on a bridge its DNS name follows at once. On one of Swarm mode the engine refuses
 * to rename what runs there (`cannot create entry … already exists`), and other hosts lose all its names: there the endpoint leaves first and
 * comes back, with the same address, so that open connections live on.
 */
export function renameSteps(context: PlanContext, renaming: Renaming): Action[] {
  const { container, to, cause } = renaming;
  const runs = container.state === 'running' || container.state === 'paused';
  const loose = runs ? container.endpoints.filter((endpoint) => isOfSwarm(context, endpoint)) : [];
  const ref = { name: container.name, id: container.id };
  return [
    ...loose.map((endpoint): Action => leaveStep(container, endpoint, cause)),
    { type: 'RenameContainer', container: ref, to, cause },
    ...loose.map((endpoint): Action => {
      const aliases = [...aliasesOn(renaming.object, endpoint), ...(renaming.extraNames ?? [])];
      return joinStep({ ...container, name: to }, endpoint, { aliases, cause });
    }),
  ];
}

/** Makes the endpoints that have names again without them, at the addresses that they have. */
export function unnameSteps(container: ObservedContainer, cause: Cause): Action[] {
  return namedEndpoints(container).flatMap((endpoint) => [
    leaveStep(container, endpoint, cause),
    joinStep(container, endpoint, { aliases: [], cause }),
  ]);
}

/** The endpoints with names besides those that the engine gives by itself. */
export function namedEndpoints({ endpoints, details }: ObservedContainer): ObservedEndpoint[] {
  return endpoints.filter(({ networkId, networkName }) => {
    const names = details?.aliases.get(networkId) ?? details?.aliases.get(networkName) ?? [];
    return names.length > 0;
  });
}

/** Whether containers can have aliases on the network. */
export function hasNames(network: { readonly name: string }): boolean {
  return network.name !== NAMELESS_NETWORK;
}

function leaveStep(container: ObservedContainer, endpoint: ObservedEndpoint, cause: Cause): Action {
  const ref = { name: container.name, id: container.id };
  return { type: 'DisconnectEndpoint', container: ref, network: networkOf(endpoint), cause };
}

function joinStep(
  container: ObservedContainer,
  endpoint: ObservedEndpoint,
  { aliases, cause }: { aliases: readonly string[]; cause: Cause },
): Action {
  const { ipv4Address } = endpoint;
  const kept = ipv4Address ? ({ ipv4Address, addressOrigin: 'kept' } as const) : {};
  const ref = { name: container.name, id: container.id };
  const request = { network: networkOf(endpoint), aliases, ...kept };
  return { type: 'ConnectEndpoint', container: ref, endpoint: request, cause };
}

function aliasesOn(object: ContainerObject, endpoint: ObservedEndpoint): readonly string[] {
  return object.spec.networks?.find(({ name }) => name === endpoint.networkName)?.aliases ?? [];
}

function networkOf({ networkId, networkName }: ObservedEndpoint): NetworkRef {
  return networkId ? { name: networkName, id: networkId } : { name: networkName };
}

/** On a worker a network that is not listed is one of Swarm mode. */
function isOfSwarm(context: PlanContext, { networkId }: ObservedEndpoint): boolean {
  const network = context.networksById.get(networkId);
  return network ? network.scope === 'swarm' : context.input.observed.engine.kind === 'swarm-worker';
}
