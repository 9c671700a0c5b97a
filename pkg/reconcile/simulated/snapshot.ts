import { compareStrings } from '../../api/index.ts';
import type { ContainerRecord, NetworkRecord, WorldState } from './model.ts';

export interface NetworkSnapshot {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Everything else, as JSON. */
  readonly rest: unknown;
}

export type ContainerSnapshot = NetworkSnapshot;

/** Everything there is, as plain JSON and in a fixed order: equal exactly when the worlds are. */
export interface WorldSnapshot {
  readonly shared: readonly NetworkSnapshot[];
  readonly hosts: readonly {
    readonly name: string;
    readonly networks: readonly NetworkSnapshot[];
    readonly containers: readonly ContainerSnapshot[];
    readonly images: readonly string[];
  }[];
}

/** Copies the world as it is now. */
export function takeSnapshot(world: WorldState): WorldSnapshot {
  return {
    shared: byId(world.shared.map(networkSnapshot)),
    hosts: world.hosts.map((host) => ({
      name: host.name,
      networks: byId(host.networks.map(networkSnapshot)),
      containers: byId([...host.containers.values()].map(containerSnapshot)),
      images: [...host.images].sort(compareStrings),
    })),
  };
}

function byId(items: NetworkSnapshot[]): NetworkSnapshot[] {
  return items.sort((a, b) => compareStrings(a.id, b.id));
}

function networkSnapshot({ id, name, labels, ...rest }: NetworkRecord): NetworkSnapshot {
  return {
    id,
    name,
    labels: { ...labels },
    rest: plain({ ...rest, stale: [...rest.stale], balancers: [...rest.balancers] }),
  };
}

function containerSnapshot({ id, name, labels, cancels, ...rest }: ContainerRecord): ContainerSnapshot {
  const endpoints = [...rest.endpoints.values()];
  return { id, name, labels: { ...labels }, rest: plain({ ...rest, endpoints, timers: cancels.size }) };
}

function plain(value: object): unknown {
  return JSON.parse(JSON.stringify(value));
}
