import { readOwnership } from '../../api/index.ts';
import type { EngineFacts, ObservedState } from '../../state/index.ts';
import type { EndpointQuestion } from '../ports.ts';

/** Of one container on one network, the newest: a restart of a container makes a new one, for which the one before must have gone. */
const KEPT = 2;

/** Container name, network ID, endpoint IDs. */
type Row = readonly [string, string, readonly string[]];

/**
 * Endpoints of a cluster store that owned containers of this engine have had. An ID is given once and stays on its host, so one of these that nothing
 * here holds any more is nobody's.
 */
export class SeenEndpoints {
  /** IDs by container name and network ID, oldest first. */
  readonly #ids = new Map<string, Map<string, readonly string[]>>();
  /** The engine that they are of. */
  #engine: string | undefined;
  /** What counts once the engine has turned out to be the one that it was saved for: a state folder may have been copied. */
  #saved: { readonly engine: string; readonly rows: readonly Row[] } | undefined;

  /**
   * Notes those of containers that are kept, and forgets what is known of others. Returns whether that changed anything. A classic Swarm shows
   * containers of all hosts, and not those of a host that is away: it teaches nothing.
   */
  learn({ engine, networks, containers }: ObservedState, isKept: (container: string) => boolean): boolean {
    this.#meet(engine);
    let isChanged = this.#forgetExcept(isKept);
    if (engine.kind === 'classic-swarm') return isChanged;
    const shared = new Set(networks.filter(({ scope }) => scope === 'global').map(({ id }) => id));
    if (shared.size === 0) return isChanged;
    for (const { name, labels, endpoints } of containers) {
      if (!isKept(name) || readOwnership(labels) === undefined) continue;
      for (const { id, networkId } of endpoints)
        if (id !== undefined && shared.has(networkId) && this.#note(name, networkId, id)) isChanged = true;
    }
    return isChanged;
  }

  /** Endpoints of another engine than this one tell nothing. */
  #meet({ node }: EngineFacts): void {
    const engine = `${node.id} ${node.ip}`;
    if (engine === this.#engine) return;
    this.#ids.clear();
    this.#engine = engine;
    if (this.#saved?.engine !== engine) return;
    for (const [name, networkId, ids] of this.#saved.rows)
      for (const id of ids) this.#note(name, networkId, id);
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

  toJson(): unknown {
    if (this.#engine === undefined) return this.#saved;
    const rows = [...this.#ids].flatMap(([name, networks]) =>
      [...networks].map(([networkId, ids]): Row => [name, networkId, ids]),
    );
    return { engine: this.#engine, rows };
  }

  /** Takes what toJson() wrote; anything else is passed over. */
  restore(saved: unknown): void {
    if (typeof saved !== 'object' || saved === null) return;
    const { engine, rows } = saved as Record<string, unknown>;
    if (typeof engine === 'string' && Array.isArray(rows)) this.#saved = { engine, rows: rows.filter(isRow) };
  }
}

function isRow(row: unknown): row is Row {
  const [name, networkId, ids] = Array.isArray(row) ? (row as unknown[]) : [];
  return (
    typeof name === 'string' &&
    typeof networkId === 'string' &&
    Array.isArray(ids) &&
    ids.every((id) => typeof id === 'string')
  );
}
