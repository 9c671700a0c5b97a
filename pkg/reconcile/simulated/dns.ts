import { compareStrings } from '../../api/index.ts';
import { type ContainerRecord, type WorldState, isLive } from './model.ts';

const SHORT_ID_LENGTH = 12;

/**
 * The A records that the engine's DNS server gives a container for a name, sorted: the addresses, on the networks it is on, of
 * every running container that has the name, alias, hostname or short ID. `name.network` asks on one network.
 */
export function resolve(world: WorldState, from: ContainerRecord, name: string): string[] {
  const addresses = new Set<string>();
  for (const mine of from.endpoints.values()) {
    if (mine.ipv4Address === '') continue;
    for (const container of liveContainers(world)) {
      const theirs = [...container.endpoints.values()].find((other) => other.networkId === mine.networkId);
      if (theirs === undefined) continue;
      const names = namesOf(container, theirs.aliases);
      const asked = name.toLowerCase();
      if (names.some((known) => known === asked || `${known}.${mine.networkName}` === asked)) {
        addresses.add(theirs.ipv4Address);
      }
    }
  }
  return [...addresses].sort(compareStrings);
}

function liveContainers(world: WorldState): ContainerRecord[] {
  return world.hosts.flatMap((host) => [...host.containers.values()].filter(isLive));
}

function namesOf(container: ContainerRecord, aliases: readonly string[]): string[] {
  const { id, name, hostname } = container;
  return [name, hostname, id.slice(0, SHORT_ID_LENGTH), ...aliases].map((known) => known.toLowerCase());
}
