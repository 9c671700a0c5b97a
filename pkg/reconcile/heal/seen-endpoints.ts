import { readOwnership } from '../../api/index.ts';
import type { ObservedState } from '../../state/index.ts';
import type { EndpointQuestion } from '../ports.ts';

/** Of one container on one network: a restart of a container makes a new one. */
const KEPT = 4;

/**
 * Endpoints that owned containers of this engine have had. An ID is given once and stays on its host, so one of these that nothing here holds any
 * more is nobody's.
 */
export class SeenEndpoints {
  /** IDs by container name and network ID, oldest first. */
  readonly #ids = new Map<string, Map<string, readonly string[]>>();

  /**
   * Notes those of containers that are kept, and forgets what is known of others. Returns whether that changed anything. A classic Swarm shows
   * containers of all hosts, and not those of a host that is away: it teaches nothing.
   */
  learn(
    { engine, containers }: Pick<ObservedState, 'engine' | 'containers'>,
    isKept: (container: string) => boolean,
  ): boolean {
    let isChanged = this.#forgetExcept(isKept);
    if (engine.kind === 'classic-swarm') return isChanged;
    for (const { name, labels, endpoints } of containers) {
      if (!isKept(name) || readOwnership(labels) === undefined) continue;
      for (const { id, networkId } of endpoints)
        if (id !== undefined && networkId !== '' && this.#note(name, networkId, id)) isChanged = true;
    }
    return isChanged;
  }

  #note(name: string, networkId: string, id: string): boolean {
    const networks = this.#ids.get(name) ?? new Map<string, readonly string[]>();
    const known = networks.get(networkId) ?? [];
    if (known.includes(id)) return false;
    this.#ids.set(name, networks.set(networkId, [...known, id].slice(-KEPT)));
    return true;
  }

  has({ name, network, endpointId }: EndpointQuestion): boolean {
    return this.#ids.get(name)?.get(network.id)?.includes(endpointId) ?? false;
  }

  #forgetExcept(isKept: (container: string) => boolean): boolean {
    const gone = [...this.#ids.keys()].filter((name) => !isKept(name));
    for (const name of gone) this.#ids.delete(name);
    return gone.length > 0;
  }

  /** [container name, network ID, IDs] each. */
  toJson(): [string, string, readonly string[]][] {
    return [...this.#ids].flatMap(([name, networks]) =>
      [...networks].map(([networkId, ids]): [string, string, readonly string[]] => [name, networkId, ids]),
    );
  }

  /** Takes what toJson() wrote, and of anything else what is readable. */
  restore(saved: unknown): void {
    for (const row of Array.isArray(saved) ? (saved as unknown[]) : []) {
      const [name, networkId, ids] = Array.isArray(row) ? (row as unknown[]) : [];
      if (typeof name !== 'string' || typeof networkId !== 'string' || !Array.isArray(ids)) continue;
      for (const id of ids) if (typeof id === 'string') this.#note(name, networkId, id);
    }
  }
}
