import { type Clock, readOwnership } from '../api/index.ts';
import type { EngineFacts, ObservedContainer, ObservedNetwork, UnjoinedHost } from '../state/index.ts';
import type { DockerClient } from './client.ts';
import { networkFromInspect } from './observed.ts';
import { type SwarmNode, networkShape, swarmNodesShape, swarmTasksShape } from './wire.ts';

/** Who is in the gossip changes without an event. At rest one network is asked about in this time, in turn. */
const TURN_MS = 15_000;
/** While hosts are missing from one. */
const WATCHFUL_MS = 5_000;

export interface PeerBookOptions {
  readonly client: DockerClient;
  readonly clock: Clock;
  /** Whether somebody listens: only then is anything asked for beyond what an observation sets off. */
  readonly isWatched: () => boolean;
  /** Told the name of a network of which something else is known than before. */
  readonly changed: (networkName: string) => void;
}

interface Page {
  readonly readAtMs: number;
  /** Absent: not known. */
  readonly peers?: readonly string[];
  /** By node ID. */
  readonly unjoined: ReadonlyMap<string, Sighting>;
}

/** A host that should be there and is not, and since when that has been seen at every reading. */
interface Sighting {
  readonly name: string;
  readonly address: string;
  readonly sinceMs: number;
}

interface Subject {
  readonly engine: EngineFacts;
  /** Overlays of Swarm mode that an owned container runs on here. */
  readonly networks: readonly ObservedNetwork[];
}

/**
 * Knows which hosts have joined the gossip of Swarm mode's overlays. Nobody waits for it: it is read beside the observations, which get
 * what is known so far. What cannot be read is unknown.
 */
export class PeerBook {
  readonly #options: PeerBookOptions;
  readonly #pages = new Map<string, Page>();
  #subject: Subject | undefined;
  #reading: Promise<void> | undefined;
  /** By the monotonic clock: when the turn came to a network the last time. */
  #turnAtMs = -Infinity;
  #cancel: () => void = () => undefined;

  constructor(options: PeerBookOptions) {
    this.#options = options;
  }

  /** The networks with what is known of their peers; begins to read what is due. */
  tell(
    engine: EngineFacts,
    networks: readonly ObservedNetwork[],
    containers: readonly ObservedContainer[],
  ): readonly ObservedNetwork[] {
    const used = isSettledSwarm(engine) ? networks.filter((network) => isUsed(network, containers)) : [];
    const ids = new Set(used.map(({ id }) => id));
    for (const id of this.#pages.keys()) if (!ids.has(id)) this.#pages.delete(id);
    this.#subject = { engine, networks: used };
    this.#read();
    return networks.map((network) => this.#withPeers(network));
  }

  /** Events may have been missed, and the engine may be another one. */
  forget(): void {
    this.#pages.clear();
  }

  #withPeers(network: ObservedNetwork): ObservedNetwork {
    const { peers, unjoined } = this.#pages.get(network.id) ?? {};
    if (peers === undefined) return network;
    const nowMs = this.#options.clock.monotonic();
    const missing = [...(unjoined?.values() ?? [])].map(({ name, address, sinceMs }): UnjoinedHost => ({
      name,
      address,
      forMs: nowMs - sinceMs,
    }));
    return { ...network, peers, ...(missing.length > 0 ? { unjoined: missing } : {}) };
  }

  #read(): void {
    this.#reading ??= this.#readDue().finally(() => {
      this.#reading = undefined;
      this.#readAgain();
    });
  }

  /** One after the other, so that the engine has never more than one of these calls to answer. */
  async #readDue(): Promise<void> {
    for (const network of this.#due()) {
      const before = this.#pages.get(network.id);
      const page = await this.#readPage(network, before);
      // It was forgotten or is no longer used: what was asked before says nothing of now.
      if (this.#pages.get(network.id) !== before || !this.#subject?.networks.some(isSame(network))) continue;
      this.#pages.set(network.id, page);
      if (lackedBy(page) !== lackedBy(before)) this.#options.changed(network.name);
    }
  }

  /** Those that have not been asked about, those that lack hosts, and else one whose turn it is. */
  #due(): ObservedNetwork[] {
    const nowMs = this.#options.clock.monotonic();
    const networks = this.#subject?.networks ?? [];
    const ageOf = ({ id }: ObservedNetwork): number => nowMs - (this.#pages.get(id)?.readAtMs ?? -Infinity);
    const urgent = networks.filter((network) => {
      const isLacking = (this.#pages.get(network.id)?.unjoined.size ?? 0) > 0;
      return ageOf(network) >= (isLacking ? WATCHFUL_MS : Infinity);
    });
    if (urgent.length > 0) this.#turnAtMs = nowMs;
    if (nowMs - this.#turnAtMs < TURN_MS) return urgent;
    this.#turnAtMs = nowMs;
    return networks.toSorted((a, b) => ageOf(b) - ageOf(a)).slice(0, 1);
  }

  /** No event tells that a host has joined. */
  #readAgain(): void {
    const { clock, isWatched } = this.#options;
    this.#cancel();
    if (![...this.#pages.values()].some(({ unjoined }) => unjoined.size > 0)) return;
    this.#cancel = clock.after(WATCHFUL_MS, () => {
      if (isWatched()) this.#read();
    });
  }

  async #readPage(network: ObservedNetwork, before: Page | undefined): Promise<Page> {
    const peers = await this.#peersOf(network).catch(() => undefined);
    const hosts = peers?.length === 1 ? await this.#hostsElsewhere(network).catch(() => []) : [];
    const readAtMs = this.#options.clock.monotonic();
    const unjoined = hosts.map(({ ID, Description, Status }): [string, Sighting] => [
      ID,
      {
        name: Description?.Hostname ?? ID,
        address: Status?.Addr ?? '',
        sinceMs: before?.unjoined.get(ID)?.sinceMs ?? readAtMs,
      },
    ]);
    return { readAtMs, ...(peers ? { peers } : {}), unjoined: new Map(unjoined) };
  }

  async #peersOf({ id, name }: ObservedNetwork): Promise<readonly string[] | undefined> {
    const operation = { name: 'inspect-network', what: `read the peers of network ${name}` } as const;
    const path = `/networks/${encodeURIComponent(id)}`;
    const inspected = await this.#options.client.request({ operation, method: 'GET', path }, networkShape);
    return networkFromInspect(inspected).peers;
  }

  /** The other hosts that are up and have something running on the network. Only a manager knows. */
  async #hostsElsewhere({ id }: ObservedNetwork): Promise<readonly SwarmNode[]> {
    const { client } = this.#options;
    const engine = this.#subject?.engine;
    if (engine?.kind !== 'swarm-manager') return [];
    const tasks = await client.request(
      {
        operation: { name: 'tasks', what: "list what runs on the Swarm's networks" },
        method: 'GET',
        path: '/tasks',
        query: { filters: JSON.stringify(ON_NETWORKS) },
      },
      swarmTasksShape,
    );
    const running = tasks.filter(
      ({ Status, NetworksAttachments }) =>
        Status?.State === 'running' && NetworksAttachments?.some(({ Network }) => Network?.ID === id),
    );
    const ids = new Set(running.map(({ NodeID }) => NodeID));
    if ([...ids].every((node) => node === engine.node.id)) return [];
    const operation = { name: 'nodes', what: 'list the nodes of the Swarm' } as const;
    const nodes = await client.request({ operation, method: 'GET', path: '/nodes' }, swarmNodesShape);
    return nodes.filter(
      ({ ID, Status }) => ID !== engine.node.id && ids.has(ID) && Status?.State === 'ready',
    );
  }
}

/** Without a runtime the engine tells of services only, and leaves out containers that were attached by themselves. */
const ON_NETWORKS = { runtime: ['attachment', 'container'], 'desired-state': ['running'] };

function isSettledSwarm({ kind, joining }: EngineFacts): boolean {
  return (kind === 'swarm-manager' || kind === 'swarm-worker') && !joining;
}

function isUsed({ id, scope }: ObservedNetwork, containers: readonly ObservedContainer[]): boolean {
  return (
    scope === 'swarm' &&
    containers.some(
      ({ state, labels, endpoints }) =>
        state === 'running' &&
        readOwnership(labels) !== undefined &&
        endpoints.some(({ networkId }) => networkId === id),
    )
  );
}

function isSame({ id }: ObservedNetwork): (other: ObservedNetwork) => boolean {
  return (other) => other.id === id;
}

function lackedBy(page: Page | undefined): string {
  return [...(page?.unjoined.keys() ?? [])].sort().join(' ');
}
