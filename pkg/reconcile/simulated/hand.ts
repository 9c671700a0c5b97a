import type { ContainerUpdate, NetworkCreate } from '../../plan/index.ts';
import { DEFAULT_UPDATE_STRATEGY, type ContainerSpec, type NetworkSpec } from '../../manifest/index.ts';
import * as containers from './containers.ts';
import { connect, disconnect } from './endpoints.ts';
import { failure } from './failures.ts';
import { type ContainerRecord, type HostState, type NetworkRecord, isLive, ring } from './model.ts';
import { addNetwork, listedNetworks, removeNetwork } from './networks.ts';
import { crash, end, halt, restart, startContainer } from './running.ts';

/** What a hand-made network has besides its name. */
export interface HandNetwork extends Partial<NetworkSpec> {
  readonly labels?: Readonly<Record<string, string>>;
}

/** What a hand-made container has besides its name. */
export interface HandContainer extends Partial<ContainerSpec> {
  readonly labels?: Readonly<Record<string, string>>;
  /** One network; absent: the default bridge. */
  readonly network?: string;
  readonly aliases?: readonly string[];
  readonly ipv4Address?: string;
  /** `false`: created only. */
  readonly start?: boolean;
}

const KILLED_EXIT_CODE = 137;
const LOST_EXIT_CODE = 255;

/**
 * What people and accidents do to a host behind the agent's back. Everything happens at once; containers go by name or ID,
 * networks by name or ID. Fails as the engine would.
 */
export class Hand {
  readonly #host: HostState;

  constructor(host: HostState) {
    this.#host = host;
  }

  /** `docker network create`; without asking whether the name is taken where the engine allows that. Returns the ID. */
  createNetwork(name: string, network: HandNetwork = {}): string {
    const { labels = {}, ...spec } = network;
    const create: NetworkCreate = { name, labels, spec: { ...DEFAULT_NETWORK, ...spec } };
    const isUnique = create.spec.driver !== 'overlay' || this.#host.world.topology === 'swarm';
    if (isUnique && listedNetworks(this.#host).some((other) => other.name === name)) {
      throw failure('already-exists', `network with name ${name} already exists`);
    }
    return addNetwork(this.#host, create).id;
  }

  removeNetwork(network: string): void {
    removeNetwork(this.#host, this.#network(network).id);
  }

  /** Leaves an endpoint of that name without a container, as a daemon that was killed does; with an ID that nobody had, unless given. */
  leaveStaleEndpoint(network: string, name: string, id = `left-${name}`): void {
    this.#network(network).stale.set(name, id);
  }

  /** `docker run -d`, or `docker create`; the image comes by itself. Returns the ID. */
  runContainer(name: string, container: HandContainer = {}): string {
    const { labels = {}, network, aliases = [], ipv4Address, start = true, ...rest } = container;
    const spec = { ...DEFAULT_CONTAINER, ...rest };
    this.#host.images.add(spec.image);
    const endpoint =
      network === undefined
        ? {}
        : {
            endpoint: {
              network: { name: network },
              aliases,
              ...(ipv4Address === undefined ? {} : { ipv4Address }),
            },
          };
    const env = spec.env.map(({ name: key, value = '' }) => `${key}=${value}`);
    const made = containers.createContainer(this.#host, { name, spec, labels, ...endpoint }, env);
    if (start) startContainer(this.#host, made);
    return made.id;
  }

  connect(
    container: string,
    network: string,
    how: { aliases?: readonly string[]; ipv4Address?: string } = {},
  ): void {
    connect(this.#host, this.#container(container), {
      network: this.#reference(network),
      aliases: how.aliases ?? [],
      ...(how.ipv4Address === undefined ? {} : { ipv4Address: how.ipv4Address }),
    });
  }

  disconnect(container: string, network: string): void {
    disconnect(this.#host, this.#container(container), this.#reference(network));
  }

  start(container: string): void {
    startContainer(this.#host, this.#container(container));
  }

  stop(container: string): void {
    containers.stopContainer(this.#host, this.#container(container));
  }

  /** `docker kill`: no restart policy brings it back. */
  kill(container: string): void {
    const found = this.#container(container);
    if (!isLive(found)) throw failure('invalid-request', `container ${container} is not running`);
    found.stoppedByHand = true;
    end(this.#host, found, KILLED_EXIT_CODE);
  }

  /** Its program ends by itself: the restart policy acts. */
  crash(container: string, exitCode = 1): void {
    const found = this.#container(container);
    if (!isLive(found)) throw failure('invalid-request', `container ${container} is not running`);
    crash(this.#host, found, exitCode);
  }

  pause(container: string): void {
    containers.pauseContainer(this.#host, this.#container(container));
  }

  unpause(container: string): void {
    containers.unpauseContainer(this.#host, this.#container(container));
  }

  rename(container: string, name: string): void {
    containers.renameContainer(this.#host, this.#container(container), name);
  }

  update(container: string, update: ContainerUpdate): void {
    containers.updateContainer(this.#host, this.#container(container), update);
  }

  /** `docker rm -f`. */
  remove(container: string): void {
    containers.removeContainer(this.#host, this.#container(container).id);
  }

  setHealth(container: string, health: ContainerRecord['health']): void {
    const found = this.#container(container);
    found.health = health;
    ring(this.#host, found);
  }

  removeImage(image: string): void {
    this.#host.images.delete(image);
  }

  /**
   * The daemon stops and starts: every container ends, and those whose restart policy says so come back.
   * `attachFails`: those on networks that all hosts share do not, as when a daemon starts before its cluster (moby#32607).
   */
  restartDaemon(options: { attachFails?: boolean } = {}): void {
    const host = this.#host;
    host.emit({ type: 'down', message: 'the daemon is restarting' });
    const lost = [...host.containers.values()].filter(
      (container) => isLive(container) || container.state === 'restarting',
    );
    for (const container of lost) {
      halt(host, container);
      container.state = 'exited';
      container.exitCode = LOST_EXIT_CODE;
    }
    for (const container of host.containers.values()) {
      const fails = options.attachFails === true && this.#isOnShared(container);
      if (comesBack(container, lost.includes(container)) && !fails) restart(host, container);
    }
    host.emit({ type: 'up' });
  }

  #isOnShared(container: ContainerRecord): boolean {
    const names = new Set(this.#host.world.shared.map((network) => network.name));
    return [...container.endpoints.keys()].some((name) => names.has(name));
  }

  #container(nameOrId: string): ContainerRecord {
    for (const container of this.#host.containers.values()) {
      if (container.name === nameOrId || container.id === nameOrId) return container;
    }
    throw failure('not-found', `No such container: ${nameOrId}`);
  }

  #reference(nameOrId: string): { name: string; id?: string } {
    const networks = [...this.#host.networks, ...this.#host.world.shared];
    const byId = networks.find((network) => network.id === nameOrId);
    return byId === undefined ? { name: nameOrId } : { name: byId.name, id: byId.id };
  }

  #network(nameOrId: string): NetworkRecord {
    const networks = [...this.#host.networks, ...this.#host.world.shared];
    const found = networks.find((network) => [network.name, network.id].includes(nameOrId));
    if (found === undefined) throw failure('network-not-found', `network ${nameOrId} not found`);
    return found;
  }
}

function comesBack(container: ContainerRecord, ranBefore: boolean): boolean {
  const { name } = container.restartPolicy;
  if (name === 'always') return container.started;
  return ranBefore && name === 'unless-stopped';
}

const DEFAULT_NETWORK: NetworkSpec = {
  driver: 'bridge',
  attachable: false,
  internal: false,
  encrypted: false,
  options: {},
  labels: {},
};

const DEFAULT_CONTAINER: ContainerSpec = {
  image: 'busybox',
  imagePullPolicy: 'IfNotPresent',
  nodeConstraint: [],
  reschedule: 'never',
  updateStrategy: DEFAULT_UPDATE_STRATEGY,
  dependsOn: [],
  env: [],
  volumes: [],
  ports: [],
  restartPolicy: { name: 'no', maximumRetryCount: 0 },
  resources: { limits: {}, requests: {} },
  labels: {},
};
