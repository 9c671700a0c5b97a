import type { Engine, EndpointQuestion } from '../ports.ts';

/**
 * What on this engine holds the endpoint or bears its name, asked now; undefined when nothing does. A container counts also when it is stopped
 * or on other networks, and an endpoint also when its container has another name by now.
 * @param except ID of the container that wants the endpoint for itself
 */
export async function holderOn(
  engine: Pick<Engine, 'observe' | 'inspectNetwork'>,
  { network, endpointId, name }: EndpointQuestion,
  except?: string,
): Promise<string | undefined> {
  const { containers } = await engine.observe();
  const bearer = containers.find((container) => container.name === name && container.id !== except);
  if (bearer) return `container ${name} (${bearer.id.slice(0, 12)}, ${bearer.state})`;
  const { endpoints } = await engine.inspectNetwork(network);
  const held = endpoints.find(
    ({ id, name: itsName, holder }) => holder !== undefined && (id === endpointId || itsName === name),
  );
  return held && `${held.holder?.slice(0, 12) ?? ''} (endpoint ${held.id.slice(0, 12)} named ${held.name})`;
}
