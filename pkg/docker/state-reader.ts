import { type Clock, OvrError, pause, readOwnership } from '../api/index.ts';
import type { ObservedContainer, ObservedNetwork } from '../state/index.ts';
import type { DockerClient } from './client.ts';
import type { InspectCache } from './inspect-cache.ts';
import type { Names } from './names.ts';
import { fromInspect, fromList, listedName, networkFromList } from './observed.ts';
import { eachOf } from './pool.ts';
import {
  type InspectedContainer,
  type ListedContainer,
  type ListedNetwork,
  containerListShape,
  containerShape,
  networkListShape,
} from './wire.ts';

const PARALLEL_INSPECTS = 8;
/** Of ten lists of a daemon that could not always ask its store one lacked the overlays, now and then several that came at once. */
const LOOKS = 3;
const LOOK_AGAIN_MS = 50;
/** The engine answers an inspect in milliseconds, unless something keeps that container locked: nobody else waits for it. */
const PATIENCE_MS = 500;
/** The safety net under the events: every so often the oldest inspects are made anew, so that each is at most an hour old. */
const RENEWAL_PERIOD_MS = 60_000;
const LEAST_RENEWED = 5;
const RENEWED_PART = 1 / 60;

export interface StateReaderOptions {
  readonly client: DockerClient;
  readonly clock: Clock;
  readonly cache: InspectCache;
  readonly names: Names;
  /** Whether events arrive that tell when a cached inspect is no longer so. */
  readonly isWatched: () => boolean;
  /** Told the name of a container whose inspect came too late for the reading that wanted it. */
  readonly cameLate: (containerName: string) => void;
}

/** Reads what the engine has: two lists, and an inspect of each owned container that may have changed. */
export class StateReader {
  readonly #options: StateReaderOptions;
  #renewedAtMs: number;
  /** Containers whose inspect is overdue: what they are like is unknown until it ends. */
  readonly #overdue = new Set<string>();
  /** IDs of the networks of a cluster store that the last reading showed. */
  #shared = new Set<string>();

  constructor(options: StateReaderOptions) {
    this.#options = options;
    this.#renewedAtMs = options.clock.monotonic();
  }

  /**
   * A daemon that cannot ask its cluster store lists no overlay and does not say so. One that was there before is looked for once more, and once
   * more, before it counts as gone.
   */
  async networks(): Promise<ObservedNetwork[]> {
    let listed = await this.#listNetworks();
    for (let looks = 1; looks < LOOKS && this.#lacksShared(listed); looks += 1) {
      await pause(this.#options.clock, LOOK_AGAIN_MS);
      listed = await this.#listNetworks();
    }
    this.#shared = new Set(listed.filter(({ Scope }) => Scope === 'global').map(({ Id }) => Id));
    this.#options.names.replaceNetworks(listed.map(({ Id, Name }) => [Id, Name]));
    return listed.map(networkFromList);
  }

  /** One that was removed on purpose is not looked for again. */
  networkRemoved(id: string): void {
    this.#shared.delete(id);
  }

  #listNetworks(): Promise<ListedNetwork[]> {
    const operation = { name: 'list-networks', what: 'list networks' } as const;
    const call = { operation, method: 'GET', path: '/networks' } as const;
    return this.#options.client.request(call, networkListShape);
  }

  #lacksShared(listed: readonly ListedNetwork[]): boolean {
    const ids = new Set(listed.map(({ Id }) => Id));
    return [...this.#shared].some((id) => !ids.has(id));
  }

  /** `busy`: names of containers that are not asked about, since they are being changed. */
  async containers(busy: ReadonlySet<string>): Promise<ObservedContainer[]> {
    const { cache, names, isWatched } = this.#options;
    const listed = await this.#list();
    if (!isWatched()) cache.clear();
    cache.keepOnly(new Set(listed.map(({ Id }) => Id)));
    names.replaceContainers(listed.map((container) => [container.Id, listedName(container)]));
    const inspected = await this.#inspectChanged(listed.filter(isOwned), busy);
    return listed.flatMap((container) => {
      if (!isOwned(container)) return [fromList(container)];
      const known = inspected.get(container.Id);
      return known === undefined ? [] : [known];
    });
  }

  /** A fresh look; fails with `not-found`. */
  inspect(id: string): Promise<InspectedContainer> {
    const what = `inspect container ${this.#options.names.container(id)}`;
    const operation = { name: 'inspect-container', what } as const;
    const path = `/containers/${encodeURIComponent(id)}/json`;
    return this.#options.client.request({ operation, method: 'GET', path }, containerShape);
  }

  #list(): Promise<ListedContainer[]> {
    const operation = { name: 'list-containers', what: 'list containers' } as const;
    const call = { operation, method: 'GET', path: '/containers/json', query: { all: '1' } } as const;
    return this.#options.client.request(call, containerListShape);
  }

  /** Inspects those of the owned containers of which nothing valid is known. One that is gone meanwhile has no entry. */
  async #inspectChanged(
    owned: readonly ListedContainer[],
    busy: ReadonlySet<string>,
  ): Promise<Map<string, ObservedContainer>> {
    const { cache } = this.#options;
    for (const id of this.#dueForRenewal()) cache.drop(id);
    const found = new Map<string, ObservedContainer>();
    const toInspect: ListedContainer[] = [];
    for (const container of owned) {
      const known = cache.get(container);
      if (known !== undefined) found.set(container.Id, known);
      else if (this.#overdue.has(container.Id) || busy.has(listedName(container)))
        found.set(container.Id, fromList(container));
      else toInspect.push(container);
    }
    const missing: ListedContainer[] = [];
    await eachOf(toInspect, PARALLEL_INSPECTS, async (listed) => {
      const container = await this.#inspectListed(listed);
      if (container === undefined) missing.push(listed);
      else found.set(listed.Id, container);
    });
    for (const listed of await this.#stillListed(missing)) found.set(listed.Id, fromList(listed));
    return found;
  }

  /** What an inspect tells, within the patience; after it what the list says, and the rest is unknown. */
  async #inspectListed(listed: ListedContainer): Promise<ObservedContainer | undefined> {
    const { clock, cameLate } = this.#options;
    const inspecting = this.#inspectAndKeep(listed);
    const outcome = await inTime(inspecting, PATIENCE_MS, clock);
    if (outcome !== 'late') return outcome.value;
    this.#overdue.add(listed.Id);
    const end = (): void => {
      this.#overdue.delete(listed.Id);
      cameLate(listedName(listed));
    };
    inspecting.then(end, end);
    return fromList(listed);
  }

  async #inspectAndKeep(listed: ListedContainer): Promise<ObservedContainer | undefined> {
    const { cache, clock } = this.#options;
    const keep = cache.begin(listed);
    try {
      const container = fromInspect(listed, await this.inspect(listed.Id));
      keep(container, clock.monotonic());
      return container;
    } catch (error) {
      if (error instanceof OvrError && error.code === 'not-found') return undefined;
      // An engine that answers, but not about this one container, leaves that one unknown and no other.
      if (error instanceof OvrError && error.code === 'engine-error') return fromList(listed);
      throw error;
    }
  }

  /**
   * "Not found" also comes from a classic Swarm that cannot reach a node, and from a daemon in the middle of a removal. Only a list
   * that lacks a container says that it is gone; until then it is unknown.
   */
  async #stillListed(missing: readonly ListedContainer[]): Promise<ListedContainer[]> {
    if (missing.length === 0) return [];
    const listed = new Set((await this.#list()).map(({ Id }) => Id));
    return missing.filter(({ Id }) => listed.has(Id));
  }

  #dueForRenewal(): string[] {
    const { cache, clock } = this.#options;
    if (clock.monotonic() - this.#renewedAtMs < RENEWAL_PERIOD_MS) return [];
    this.#renewedAtMs = clock.monotonic();
    return cache.oldest(Math.max(LEAST_RENEWED, Math.ceil(cache.size * RENEWED_PART)));
  }
}

function isOwned({ Labels }: ListedContainer): boolean {
  return readOwnership(Labels ?? {}) !== undefined;
}

/** The value of a promise, or `late` when it takes longer; fails as the promise does. */
async function inTime<Value>(
  promise: Promise<Value>,
  patienceMs: number,
  clock: Clock,
): Promise<{ value: Value } | 'late'> {
  let cancel: () => void = () => undefined;
  const late = new Promise<'late'>((resolve) => {
    cancel = clock.after(patienceMs, () => resolve('late'));
  });
  try {
    return await Promise.race([promise.then((value) => ({ value })), late]);
  } finally {
    cancel();
  }
}
