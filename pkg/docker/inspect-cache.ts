import type { ObservedContainer } from '../state/index.ts';
import { listedName } from './observed.ts';
import type { ListedContainer } from './wire.ts';

interface Entry {
  readonly fingerprint: string;
  readonly container: ObservedContainer;
  /** By the monotonic clock. */
  readonly readAtMs: number;
}

/** Everything that a list says about a container and that changes: an inspect is as good as new while it stays the same. */
function fingerprint(listed: ListedContainer): string {
  const networks = Object.entries(listed.NetworkSettings?.Networks ?? {}).map(([name, endpoint]) => [
    name,
    endpoint?.NetworkID,
    endpoint?.EndpointID,
    endpoint?.IPAddress,
  ]);
  // Of the status only what is in brackets: the rest of it is how long ago it was.
  const health = /\([^)]*\)$/.exec(listed.Status ?? '')?.[0];
  return JSON.stringify([listed.State, health, listedName(listed), listed.Labels, networks]);
}

/**
 * What inspects told, by container ID, until an event or a list says that it is no longer so. What an inspect tells that was under
 * way when its container changed is not kept.
 */
export class InspectCache {
  readonly #entries = new Map<string, Entry>();
  /** Inspects under way; dropping the container takes it out, so that the result finds no place. */
  readonly #pending = new Map<string, symbol>();

  /** What is known of a container that the list tells this of. */
  get(listed: ListedContainer): ObservedContainer | undefined {
    const entry = this.#entries.get(listed.Id);
    return entry?.fingerprint === fingerprint(listed) ? entry.container : undefined;
  }

  /** Begins an inspect; the returned function keeps its result unless the container has changed meanwhile. */
  begin(listed: ListedContainer): (container: ObservedContainer, readAtMs: number) => void {
    const ticket = Symbol(listed.Id);
    this.#pending.set(listed.Id, ticket);
    return (container, readAtMs) => {
      if (this.#pending.get(listed.Id) !== ticket) return;
      this.#pending.delete(listed.Id);
      this.#entries.set(listed.Id, { fingerprint: fingerprint(listed), container, readAtMs });
    };
  }

  drop(id: string): void {
    this.#entries.delete(id);
    this.#pending.delete(id);
  }

  clear(): void {
    this.#entries.clear();
    this.#pending.clear();
  }

  /** Forgets the containers that are gone. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of this.#entries.keys()) if (!ids.has(id)) this.#entries.delete(id);
    for (const id of this.#pending.keys()) if (!ids.has(id)) this.#pending.delete(id);
  }

  /** The IDs whose inspect is the longest ago. */
  oldest(count: number): string[] {
    return [...this.#entries]
      .sort(([, a], [, b]) => a.readAtMs - b.readAtMs)
      .slice(0, count)
      .map(([id]) => id);
  }

  get size(): number {
    return this.#entries.size;
  }
}
