import { OvrError, type ErrorCode } from '../api/index.ts';
import { parkedName, type EndpointRequest, type NetworkRef } from '../plan/index.ts';
import type { Engine } from './ports.ts';

/** How engines say that an address cannot be had; Swarm mode only lets the attachment time out. */
const ADDRESS_REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'address-in-use',
  'address-unsupported',
  'attach-timeout',
]);

interface Attached {
  readonly id: string;
  readonly name: string;
  /** An endpoint of its name that is in the way was left by a node that is lost. */
  readonly replacesEndpoints: boolean;
}

/**
 * Attaches containers to networks, by connect or by start, past two things that engines do:
 * - an address that was only kept, not pinned, is given up when it cannot be had;
 * - an attachment that failed half-way leaves an endpoint of the container's name in a cluster store, which then refuses every
 *   further one, and so does a host that was lost. It is removed only when a failed call of this very process left it, or when the
 *   leader took the container from a lost node: otherwise it may belong to a container that lives on another host.
 */
export class Attacher {
  readonly #engine: Engine;
  /** Networks by container name on which an attachment of ours failed. */
  readonly #leftBehind = new Map<string, Set<string>>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  connect(container: Attached, endpoint: EndpointRequest): Promise<void> {
    return this.#pastStale(container, [endpoint.network], async () => {
      try {
        await this.#engine.connect(container.id, endpoint);
      } catch (error) {
        if (endpoint.addressOrigin !== 'kept' || !isAddressRefused(error)) throw error;
        await this.#engine.connect(container.id, withoutAddress(endpoint));
      }
    });
  }

  /** `endpoints`: those that the start makes. */
  start(container: Attached, endpoints: readonly EndpointRequest[]): Promise<void> {
    const networks = endpoints.map(({ network }) => network);
    return this.#pastStale(container, networks, async () => {
      try {
        await this.#engine.startContainer(container.id);
      } catch (error) {
        const kept = endpoints.filter(({ addressOrigin }) => addressOrigin === 'kept');
        if (kept.length === 0 || !isAddressRefused(error)) throw error;
        for (const endpoint of kept) {
          await this.#engine.disconnect(container.id, endpoint.network);
          await this.#engine.connect(container.id, withoutAddress(endpoint));
        }
        await this.#engine.startContainer(container.id);
      }
    });
  }

  async #pastStale(
    container: Attached,
    networks: readonly NetworkRef[],
    attach: () => Promise<void>,
  ): Promise<void> {
    try {
      await attach();
    } catch (error) {
      const suspects = networks.filter(
        ({ name }) => container.replacesEndpoints || this.#leftBehind.get(container.name)?.has(name),
      );
      if (!isStale(error)) this.#remember(container.name, networks);
      if (!isStale(error) || suspects.length === 0) throw error;
      await this.#removeLeftBehind(container, suspects);
      await attach();
    }
    this.#leftBehind.delete(container.name);
  }

  #remember(name: string, networks: readonly NetworkRef[]): void {
    const known = this.#leftBehind.get(name) ?? new Set();
    for (const network of networks) known.add(network.name);
    this.#leftBehind.set(name, known);
  }

  /**
   * An engine drops an endpoint by name only while it knows no container of that name. So ours steps aside, under the name of a
   * parked one: if this is cut off, the next plan finds it there and goes on.
   */
  async #removeLeftBehind(container: Attached, networks: readonly NetworkRef[]): Promise<void> {
    await this.#engine.renameContainer(container.id, parkedName(container.name));
    try {
      for (const network of networks) {
        await this.#engine.disconnect(container.name, network, true).catch(ignoreNotThere);
      }
    } finally {
      await this.#engine.renameContainer(container.id, container.name);
    }
  }
}

function isStale(error: unknown): boolean {
  return error instanceof OvrError && error.code === 'stale-endpoint';
}

function isAddressRefused(error: unknown): boolean {
  return error instanceof OvrError && ADDRESS_REFUSALS.has(error.code);
}

function ignoreNotThere(error: unknown): void {
  const isGone = error instanceof OvrError && (error.code === 'not-found' || error.kind === 'already-so');
  if (!isGone) throw error;
}

function withoutAddress(endpoint: EndpointRequest): EndpointRequest {
  return { network: endpoint.network, aliases: endpoint.aliases };
}
