import { OvrError, pause, type ErrorCode } from '../../api/index.ts';
import type { NetworkRef } from '../../plan/index.ts';
import type { EngineFacts, NetworkEndpoint } from '../../state/index.ts';
import type { EndpointQuestion } from '../ports.ts';
import type { EndpointRemoverDeps } from './endpoint-remover.ts';
import { isLeftOver } from './holder.ts';

/** Answers of an engine that had begun with the attachment. */
const HALF_WAY: ReadonlySet<ErrorCode> = new Set(['engine-error', 'container-start-failed']);
/** The same in words: the endpoint was made, and what comes after it failed. */
const DURING_JOIN = /from store during join/;

/** Where endpoints of all hosts are one list, so that more than this engine's own word is needed. */
const SHARED: ReadonlySet<EngineFacts['kind']> = new Set(['cluster-store', 'classic-swarm']);
/** A daemon that cannot ask its store does not find the network, or shows no endpoint and does not say so: it is asked again. */
const LOOKS = 5;
const EMPTY_LOOKS = 3;
const LOOK_AGAIN_MS = 100;

export interface LeftBehindDeps extends EndpointRemoverDeps {
  /** What the last round has found it to be. */
  readonly engineKind: () => EngineFacts['kind'] | undefined;
}

/**
 * Endpoints that calls of this process have left behind half-way: those of the container's name that were not there before such a call, and that
 * nobody holds after it. That the engine has found the name free is no proof: it may not have been able to look.
 */
export class LeftBehind {
  readonly #deps: LeftBehindDeps;
  /** IDs of endpoints, by the name of the container. */
  readonly #ids = new Map<string, Set<string>>();

  constructor(deps: LeftBehindDeps) {
    this.#deps = deps;
  }

  /**
   * Runs a call that attaches a container, and notes what is left of it where it fails. Runs it at once where endpoints are this engine's own, and
   * where other nodes can be asked: a call that may be forbidden at any moment is not to wait.
   */
  async watch(name: string, networks: readonly NetworkRef[], attach: () => Promise<void>): Promise<void> {
    const kind = this.#deps.engineKind();
    if (this.#deps.inquire !== undefined || (kind !== undefined && !SHARED.has(kind))) return attach();
    const before = await this.#look(name, networks);
    try {
      await attach();
    } catch (error) {
      if (before !== undefined && isHalfWay(error)) await this.#note(name, networks, before);
      throw error;
    }
    this.#ids.delete(name);
  }

  has({ name, endpointId }: EndpointQuestion): boolean {
    return this.#ids.get(name)?.has(endpointId) ?? false;
  }

  async #note(
    name: string,
    networks: readonly NetworkRef[],
    before: readonly NetworkEndpoint[],
  ): Promise<void> {
    const known = this.#ids.get(name) ?? new Set();
    for (const endpoint of (await this.#look(name, networks)) ?? []) {
      const isNew = before.every(({ id }) => id !== endpoint.id);
      if (isNew && (endpoint.holder === undefined || (await isLeftOver(this.#deps.engine, endpoint, name))))
        known.add(endpoint.id);
    }
    if (known.size > 0) this.#ids.set(name, known);
  }

  /** The endpoints of the name; undefined where they cannot be known. */
  async #look(name: string, networks: readonly NetworkRef[]): Promise<NetworkEndpoint[] | undefined> {
    try {
      const found: NetworkEndpoint[] = [];
      for (const network of networks) found.push(...(await this.#endpointsOf(network)));
      return found.filter((endpoint) => endpoint.name === name);
    } catch {
      return undefined;
    }
  }

  async #endpointsOf(network: NetworkRef): Promise<readonly NetworkEndpoint[]> {
    for (let looks = 1; ; looks += 1) {
      try {
        const { endpoints } = await this.#deps.engine.inspectNetwork(network);
        if (endpoints.length > 0 || looks >= EMPTY_LOOKS) return endpoints;
      } catch (error) {
        if (looks === LOOKS) throw error;
        await pause(this.#deps.clock, LOOK_AGAIN_MS);
      }
    }
  }
}

function isHalfWay(error: unknown): boolean {
  return error instanceof OvrError && (HALF_WAY.has(error.code) || DURING_JOIN.test(error.message));
}
