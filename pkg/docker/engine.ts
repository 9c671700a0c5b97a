import { type Clock, type Logger, OvrError, errorMessage } from '../api/index.ts';
import type { ContainerSpec } from '../manifest/index.ts';
import type {
  ContainerCreate,
  ContainerUpdate,
  EndpointRequest,
  NetworkCreate,
  NetworkRef,
} from '../plan/index.ts';
import type { Engine, EngineEvent, Stoppable } from '../reconcile/index.ts';
import type {
  ContainerSeat,
  ContainerState,
  EngineFacts,
  NetworkDetails,
  ObservedState,
} from '../state/index.ts';
import { type TlsOptions, parseAddress } from './address.ts';
import { DockerClient } from './client.ts';
import { openWith } from './connection.ts';
import { ContainerCalls } from './container-calls.ts';
import { EventWatch } from './event-watch.ts';
import { meaningOf } from './event.ts';
import { FactBook } from './fact-book.ts';
import { Images } from './images.ts';
import { InspectCache } from './inspect-cache.ts';
import { Names } from './names.ts';
import { NetworkCalls } from './network-calls.ts';
import { withNetworkNames } from './observed.ts';
import { DEFAULT_TIMEOUTS, type Timeouts } from './operation.ts';
import { PeerBook } from './peer-book.ts';
import { StateReader } from './state-reader.ts';
import { isApiVersion } from './version.ts';
import type { WireEvent } from './wire.ts';

export interface DockerEngineOptions {
  /** `unix:///path`, a bare path, or `tcp://host:port`. */
  readonly host: string;
  /** Makes a TCP address a secure one. */
  readonly tls?: TlsOptions;
  /** Forces an API version, such as `1.40`; otherwise it is agreed on with the engine. */
  readonly apiVersion?: string;
  /** In place of the engine's own name. */
  readonly nodeName?: string;
  readonly nodeLabels?: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timeouts?: Partial<Timeouts>;
}

/** The engine behind one Docker address. Connects on the first call; fails with `invalid-request` for options that make no sense. */
export function createDockerEngine(options: DockerEngineOptions): Engine {
  return new DockerEngine(options);
}

class DockerEngine implements Engine {
  readonly #client: DockerClient;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #facts: FactBook;
  readonly #reader: StateReader;
  readonly #containers: ContainerCalls;
  readonly #networks: NetworkCalls;
  readonly #images: Images;
  readonly #peers: PeerBook;
  readonly #cache = new InspectCache();
  readonly #names = new Names();
  /** Watches whose stream is up: while there is one, what is cached is dropped as soon as it is no longer so. */
  readonly #live = new Set<EventWatch>();
  readonly #listeners = new Set<(event: EngineEvent) => void>();

  constructor(options: DockerEngineOptions) {
    const { clock, logger, nodeName, nodeLabels = {} } = options;
    const client = clientFor(options);
    const [cache, names] = [this.#cache, this.#names];
    const isWatched = (): boolean => this.#live.size > 0;
    this.#client = client;
    this.#clock = clock;
    this.#logger = logger;
    const name = nodeName === undefined ? {} : { nodeName };
    this.#facts = new FactBook({ client, clock, logger, nodeLabels, ...name });
    const cameLate = (containerName: string): void => this.#tellAll({ type: 'changed', containerName });
    this.#reader = new StateReader({ client, clock, cache, names, isWatched, cameLate });
    this.#containers = new ContainerCalls({ client, logger, cache, names, reader: this.#reader });
    this.#networks = new NetworkCalls({ client, cache, names, reader: this.#reader });
    this.#images = new Images(client, clock, isWatched);
    const changed = (networkName: string): void => this.#tellAll({ type: 'changed', networkName });
    this.#peers = new PeerBook({ client, clock, isWatched, changed });
  }

  facts(): Promise<EngineFacts> {
    return this.#facts.facts();
  }

  async observe(busy: ReadonlySet<string> = new Set()): Promise<ObservedState> {
    const engine = await this.#facts.facts();
    // Networks after containers: so a network that a container is on has not been missed.
    const containers = await this.#reader.containers(busy);
    const networks = await this.#reader.networks();
    const networkNames = new Map(networks.map(({ id, name }) => [id, name]));
    return {
      engine,
      networks: this.#peers.tell(engine, networks, containers),
      containers: containers.map((container) => withNetworkNames(container, networkNames)),
    };
  }

  watch(listener: (event: EngineEvent) => void): Stoppable {
    const watch: EventWatch = new EventWatch({
      client: this.#client,
      clock: this.#clock,
      onUp: () => {
        this.#live.add(watch);
        this.#forgetAll();
        this.#tell(listener, { type: 'up' });
      },
      onDown: (message) => {
        this.#live.delete(watch);
        this.#tell(listener, { type: 'down', message });
      },
      onEvent: (event) => this.#take(event, listener),
    });
    // A function of its own, so that one listener can watch twice.
    const own = (event: EngineEvent): void => this.#tell(listener, event);
    this.#listeners.add(own);
    watch.start();
    return {
      stop: () => {
        this.#listeners.delete(own);
        this.#live.delete(watch);
        watch.stop();
      },
    };
  }

  createNetwork(network: NetworkCreate): Promise<string> {
    return this.#networks.create(network);
  }

  removeNetwork(id: string): Promise<void> {
    return this.#networks.remove(id);
  }

  inspectNetwork(network: NetworkRef): Promise<NetworkDetails> {
    return this.#networks.inspect(network);
  }

  ensureImage(image: string, policy: ContainerSpec['imagePullPolicy']): Promise<void> {
    return this.#images.ensure(image, policy);
  }

  async createContainer(container: ContainerCreate, env: readonly string[]): Promise<string> {
    try {
      return await this.#containers.create(container, env);
    } catch (error) {
      if (error instanceof OvrError && error.code === 'image-not-found') this.#images.forget();
      throw error;
    }
  }

  startContainer(id: string): Promise<void> {
    return this.#containers.start(id);
  }

  stopContainer(id: string, graceMs?: number): Promise<void> {
    return this.#containers.stop(id, graceMs);
  }

  unpauseContainer(id: string): Promise<void> {
    return this.#containers.unpause(id);
  }

  renameContainer(id: string, name: string): Promise<void> {
    return this.#containers.rename(id, name);
  }

  updateContainer(id: string, update: ContainerUpdate): Promise<void> {
    return this.#containers.update(id, update);
  }

  removeContainer(id: string): Promise<void> {
    return this.#containers.remove(id);
  }

  containerState(id: string): Promise<{ state: ContainerState; exitCode: number }> {
    return this.#containers.state(id);
  }

  containerSeat(id: string): Promise<ContainerSeat> {
    return this.#containers.seat(id);
  }

  connect(containerId: string, endpoint: EndpointRequest): Promise<void> {
    return this.#networks.connect(containerId, endpoint);
  }

  disconnect(containerId: string, network: NetworkRef, force?: boolean): Promise<void> {
    return this.#networks.disconnect(containerId, network, force);
  }

  dropEndpoint(name: string, network: NetworkRef): Promise<void> {
    return this.#networks.dropEndpoint(name, network);
  }

  /** Events may have been missed, and the engine may be another one. */
  #forgetAll(): void {
    this.#cache.clear();
    this.#images.forget();
    this.#facts.forget();
    this.#peers.forget();
  }

  #take(event: WireEvent, listener: (event: EngineEvent) => void): void {
    const meaning = meaningOf(event, (id) => this.#names.ofContainer(id));
    if (meaning.containerId !== undefined) this.#noteChange(meaning.containerId, meaning.ring?.containerName);
    if (meaning.forgetImages) this.#images.forget();
    if (meaning.forgetFacts) this.#facts.forget();
    if (meaning.ring !== undefined) this.#tell(listener, meaning.ring);
  }

  #noteChange(containerId: string, name: string | undefined): void {
    this.#cache.drop(containerId);
    if (name !== undefined) this.#names.learnContainer(containerId, name);
  }

  #tellAll(event: EngineEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** A listener's mistake must not end the watch. */
  #tell(listener: (event: EngineEvent) => void, event: EngineEvent): void {
    try {
      listener(event);
    } catch (error) {
      this.#logger.error({ error: errorMessage(error) }, 'a listener of engine events failed');
    }
  }
}

function clientFor({ host, tls, apiVersion, clock, logger, timeouts }: DockerEngineOptions): DockerClient {
  if (apiVersion !== undefined && !isApiVersion(apiVersion)) {
    const message = `Docker API version "${apiVersion}" is not one: write it as 1.40.`;
    throw new OvrError('invalid-request', 'invalid', message);
  }
  return new DockerClient({
    open: openWith(parseAddress(host, tls !== undefined), tls),
    clock,
    logger,
    timeouts: { ...DEFAULT_TIMEOUTS, ...timeouts },
    ...(apiVersion === undefined ? {} : { forcedVersion: apiVersion }),
  });
}
