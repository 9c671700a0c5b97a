import type { Clock, Logger } from '../api/index.ts';
import { errorMessage } from '../api/index.ts';
import { Loop } from './loop.ts';
import type { CoordinationStore, StoreEvent } from './store.ts';

/** Shows this host to classic Swarm managers, as `swarm join` does. */
export interface SwarmDiscovery {
  /** Registers, and again after each lost session, until stop(). */
  start(): void;
  stop(): Promise<void>;
  /** Addresses (`ip:port`) of all hosts that are registered; fails with an OvrError. */
  entries(): Promise<readonly string[]>;
}

const FOLDER = 'docker/swarm/nodes';

/**
 * @param store rooted where the managers' `zk://hosts/ROOT` points, without credentials
 * @param address of this host's daemon, `ip:port`
 */
export function createSwarmDiscovery(
  store: CoordinationStore,
  address: string,
  deps: { clock: Clock; logger: Logger; random: () => number },
): SwarmDiscovery {
  return new Registration(store, address, deps);
}

class Registration implements SwarmDiscovery {
  readonly #store: CoordinationStore;
  readonly #address: string;
  readonly #loop: Loop;
  readonly #logger: Logger;
  #isConnected = false;
  /** Just after connecting, an entry of this address is taken for one of an earlier run. */
  #mayReplace = false;

  constructor(
    store: CoordinationStore,
    address: string,
    { clock, logger, random }: { clock: Clock; logger: Logger; random: () => number },
  ) {
    this.#store = store;
    this.#address = address;
    this.#logger = logger;
    const failed = (error: unknown): void =>
      logger.warn({ error: errorMessage(error) }, 'cannot register with swarm discovery; trying again');
    this.#loop = new Loop({ clock, random, failed }, () => this.#register());
  }

  start(): void {
    this.#store.start((event) => this.#take(event));
  }

  async stop(): Promise<void> {
    await this.#store.stop();
    await this.#loop.stop();
  }

  entries(): Promise<readonly string[]> {
    return this.#store.children(FOLDER);
  }

  #take(event: StoreEvent): void {
    this.#isConnected = event.type === 'connected';
    if (event.type === 'connected') {
      this.#mayReplace = true;
      this.#loop.ring();
    } else {
      this.#logger.warn({ event }, 'not connected to swarm discovery');
    }
  }

  async #register(): Promise<void> {
    if (!this.#isConnected) return;
    const path = `${FOLDER}/${this.#address}`;
    const znode = await this.#store.get(path, () => this.#loop.ring());
    if (znode?.mine) {
      // From now on whoever replaces it is another one, and taking it back would go on for ever.
      this.#mayReplace = false;
      return;
    }
    if (znode && !this.#mayReplace) return;
    const create = { type: 'create', path, data: this.#address, ephemeral: true } as const;
    // In one commit, so that no manager sees the host go: the left-over entry would vanish with its session and take the host with it.
    await this.#store.commit(znode ? [{ type: 'remove', path, version: znode.version }, create] : [create]);
    this.#loop.ring();
  }
}
