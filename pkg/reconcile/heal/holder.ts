import { OvrError, readOwnership } from '../../api/index.ts';
import { objectNameOf } from '../../plan/index.ts';
import type { ContainerState, NetworkEndpoint } from '../../state/index.ts';
import type { Engine, EndpointQuestion } from '../ports.ts';

type Asked = Pick<Engine, 'observe' | 'inspectNetwork'>;

/**
 * What on this engine holds the endpoint or bears its name, asked now; undefined when nothing does. A container counts also when it is stopped
 * or on other networks, and an endpoint also when its container has another name by now. Fails where the engine does not show the endpoint at all:
 * one that cannot ask its store shows none, and so cannot say that nobody holds it.
 * @param except ID of the container that wants the endpoint for itself
 */
export async function holderOn(
  engine: Asked,
  { network, endpointId, name }: EndpointQuestion,
  except?: string,
): Promise<string | undefined> {
  const { containers } = await engine.observe();
  const bearer = containers.find((container) => container.name === name && container.id !== except);
  if (bearer) return `container ${name} (${bearer.id.slice(0, 12)}, ${bearer.state})`;
  const { endpoints } = await engine.inspectNetwork(network);
  for (const endpoint of endpoints) {
    const isMeant = endpoint.id === endpointId || endpoint.name === name;
    if (!isMeant || endpoint.holder === undefined || (await isLeftOver(engine, endpoint, name))) continue;
    return `${endpoint.holder.slice(0, 12)} (endpoint ${endpoint.id.slice(0, 12)} named ${endpoint.name})`;
  }
  if (endpoints.some(({ id }) => id === endpointId)) return undefined;
  const message = `the engine does not show endpoint ${name} of network ${network.name} just now`;
  throw new OvrError('stale-endpoint', 'waiting', message);
}

/** Other holders have a word: what the engine makes for itself is in no list of containers. */
const CONTAINER_ID = /^[0-9a-f]{64}$/;
const LIVE: ReadonlySet<ContainerState> = new Set(['running', 'paused', 'restarting']);

/**
 * Whether the engine names as holder what cannot hold it: a container that is gone, or an own one of the same object that does not run, because it
 * could not ask its store when that went or ended. Asked after the endpoint was read, so that what was made or started meanwhile counts. A classic
 * Swarm has not all containers in its list.
 */
export async function isLeftOver(
  engine: Pick<Engine, 'observe'>,
  { holder }: NetworkEndpoint,
  name: string,
): Promise<boolean> {
  if (holder === undefined || !CONTAINER_ID.test(holder)) return false;
  const { engine: facts, containers } = await engine.observe();
  if (facts.kind !== 'cluster-store') return false;
  const found = containers.find(({ id }) => id === holder);
  if (found === undefined) return true;
  const isOurs = readOwnership(found.labels) !== undefined && objectNameOf(found.name) === objectNameOf(name);
  return isOurs && !LIVE.has(found.state);
}
