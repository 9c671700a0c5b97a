import { OvrError, type ErrorCode, type Healing } from '../api/index.ts';
import type { EndpointRequest, NetworkRef } from '../plan/index.ts';
import { EndpointRemover } from './heal/endpoint-remover.ts';
import { LeftBehind, type LeftBehindDeps } from './heal/left-behind.ts';
import type { SeenEndpoints } from './heal/seen-endpoints.ts';
import type { EndpointQuestion, Engine } from './ports.ts';

/** How engines say that an address cannot be had; Swarm mode only lets the attachment time out. */
const ADDRESS_REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'address-in-use',
  'address-unsupported',
  'attach-timeout',
]);

/** What is said of a container whose overlay is not there yet, after a restart of the daemon or the host. */
const NOT_JOINED: ReadonlySet<ErrorCode> = new Set(['network-not-found', 'attach-timeout']);

export interface AttacherDeps extends LeftBehindDeps {
  /** What containers of this engine have had. */
  readonly seen: Pick<SeenEndpoints, 'has'>;
}

export interface Attached {
  readonly id: string;
  readonly name: string;
  /** An endpoint of its name that is in the way was left by a node that is lost. */
  readonly replacesEndpoints: boolean;
  /** What the engine says kept it from starting it. */
  readonly startFailure?: ErrorCode;
}

/** What a call had to heal on its way. */
export type Told = (healing: Healing) => void;

/**
 * Attaches containers to networks, by connect or by start, past what engines do:
 * - an address that was only kept, not pinned, is given up when it cannot be had;
 * - an attachment that failed half-way, or a host that was lost, leaves an endpoint of the container's name, which then refuses every further
 *   one. It is removed only once it is known to be nobody's (`heal/`): it may belong to a container that lives on another host;
 * - after a restart of the daemon an overlay may not be there yet.
 */
export class Attacher {
  readonly #engine: Engine;
  readonly #remover: EndpointRemover;
  readonly #gaveUp: (container: string, endpoint: EndpointRequest) => void;
  readonly #left: LeftBehind;
  readonly #seen: AttacherDeps['seen'];
  /** Why containers could not be started before, by ID. */
  readonly #notJoined = new Map<string, string>();

  /** `gaveUp`: told of each endpoint that goes without the address it was to keep. */
  constructor(deps: AttacherDeps, gaveUp: (container: string, endpoint: EndpointRequest) => void) {
    this.#engine = deps.engine;
    this.#remover = new EndpointRemover(deps);
    this.#left = new LeftBehind(deps);
    this.#seen = deps.seen;
    this.#gaveUp = gaveUp;
  }

  async connect(container: Attached, endpoint: EndpointRequest, told: Told): Promise<void> {
    await this.#pastStale(container, { networks: [endpoint.network], told }, async () => {
      try {
        await this.#engine.connect(container.id, endpoint);
      } catch (error) {
        if (endpoint.addressOrigin !== 'kept' || !isAddressRefused(error)) throw error;
        this.#gaveUp(container.name, endpoint);
        await this.#engine.connect(container.id, withoutAddress(endpoint));
        told(givenUp(endpoint, error));
      }
    });
  }

  /** `endpoints`: those that the start makes. */
  async start(container: Attached, endpoints: readonly EndpointRequest[], told: Told): Promise<void> {
    const networks = endpoints.map(({ network }) => network);
    try {
      await this.#pastStale(container, { networks, told }, () => this.#start(container, endpoints, told));
    } catch (error) {
      if (error instanceof OvrError && NOT_JOINED.has(error.code))
        this.#notJoined.set(container.id, error.message);
      throw error;
    }
    const before = this.#notJoined.get(container.id) ?? notJoinedBefore(container);
    this.#notJoined.delete(container.id);
    if (before === undefined || networks.length === 0) return;
    const did = `started it and attached it to ${networks.map(({ name }) => name).join(', ')}`;
    told({ playbook: 'rejoin-overlay', saw: before, did });
  }

  async #start(container: Attached, endpoints: readonly EndpointRequest[], told: Told): Promise<void> {
    try {
      await this.#engine.startContainer(container.id);
    } catch (error) {
      const kept = endpoints.filter(({ addressOrigin }) => addressOrigin === 'kept');
      if (kept.length === 0 || !isAddressRefused(error)) throw error;
      for (const endpoint of kept) {
        this.#gaveUp(container.name, endpoint);
        await this.#engine.disconnect(container.id, endpoint.network);
        await this.#engine.connect(container.id, withoutAddress(endpoint));
      }
      await this.#engine.startContainer(container.id);
      for (const endpoint of kept) told(givenUp(endpoint, error));
    }
  }

  async #pastStale(
    container: Attached,
    { networks, told }: { networks: readonly NetworkRef[]; told: Told },
    attach: () => Promise<void>,
  ): Promise<void> {
    const watched = (): Promise<void> => this.#left.watch(container.name, networks, attach);
    try {
      await watched();
    } catch (error) {
      if (!isStale(error)) throw error;
      const heals = await this.#clear(container, blocked(networks, error));
      await watched();
      for (const healing of heals) told(healing);
    }
  }

  async #clear(container: Attached, networks: readonly NetworkRef[]): Promise<Healing[]> {
    const heals: Healing[] = [];
    for (const network of networks) {
      const healing = await this.#remover.remove(container, network, (question) =>
        this.#known(container, question),
      );
      if (healing) heals.push(healing);
    }
    return heals;
  }

  /** What this process knows that makes an endpoint of a container's name nobody's. */
  #known({ replacesEndpoints }: Attached, question: EndpointQuestion): string | undefined {
    if (replacesEndpoints) return 'the leader, which took it from a node that is lost';
    if (this.#left.has(question)) return 'this agent, whose own call left it';
    return this.#seen.has(question) ? 'this engine, whose container had it' : undefined;
  }
}

/** A start names the network that refuses; where it does not, each may be it. */
function blocked(networks: readonly NetworkRef[], error: unknown): readonly NetworkRef[] {
  const message = error instanceof OvrError ? error.message : '';
  const named = networks.filter(({ name }) => message.includes(`in network ${name}`));
  return named.length > 0 ? named : networks;
}

function notJoinedBefore({ startFailure }: Attached): string | undefined {
  if (startFailure === undefined || !NOT_JOINED.has(startFailure)) return undefined;
  return `the engine could not start it (${startFailure})`;
}

export function attachedByName({ name }: NetworkRef): Healing {
  const saw = `network ${name} is not listed by this engine`;
  return { playbook: 'attach-by-name', saw, did: 'attached by name: a manager has it' };
}

function givenUp({ network, ipv4Address = '' }: EndpointRequest, error: unknown): Healing {
  const why = error instanceof OvrError ? error.code : 'refused';
  const saw = `${ipv4Address} on network ${network.name}, kept from before, cannot be had (${why})`;
  return { playbook: 'give-up-address', saw, did: 'attached with another address' };
}

function isStale(error: unknown): boolean {
  return error instanceof OvrError && error.code === 'stale-endpoint';
}

function isAddressRefused(error: unknown): boolean {
  return error instanceof OvrError && ADDRESS_REFUSALS.has(error.code);
}

function withoutAddress(endpoint: EndpointRequest): EndpointRequest {
  return { network: endpoint.network, aliases: endpoint.aliases };
}
