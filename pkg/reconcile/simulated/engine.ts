import type { ContainerSpec } from '../../manifest/index.ts';
import type {
  ContainerCreate,
  ContainerUpdate,
  EndpointRequest,
  NetworkCreate,
  NetworkRef,
} from '../../plan/index.ts';
import type {
  ContainerSeat,
  ContainerState,
  EngineFacts,
  NetworkDetails,
  ObservedState,
} from '../../state/index.ts';
import type { Engine, EngineEvent, Stoppable } from '../ports.ts';
import * as containers from './containers.ts';
import * as endpoints from './endpoints.ts';
import { failure } from './failures.ts';
import type { Operation } from './faults.ts';
import type { HostState } from './model.ts';
import * as networks from './networks.ts';
import { seatOf } from './observe.ts';
import { startContainer } from './running.ts';

/** What stands between a caller and the host: counting, faults, delays, outages. */
export interface Gate {
  /** Does `work` as one call. `check` runs before the time that the call takes, `work` after it. */
  call<Result>(
    operation: Operation,
    args: readonly unknown[],
    work: () => Result,
    check?: () => void,
  ): Promise<Result>;
  observe(busy?: ReadonlySet<string>): ObservedState;
  watch(listener: (event: EngineEvent) => void): Stoppable;
}

/** One host's engine as the agent sees it. */
export class SimulatedEngine implements Engine {
  readonly #host: HostState;
  readonly #gate: Gate;

  constructor(host: HostState, gate: Gate) {
    this.#host = host;
    this.#gate = gate;
  }

  facts(): Promise<EngineFacts> {
    return this.#gate.call('facts', [], () => this.#host.facts);
  }

  observe(busy?: ReadonlySet<string>): Promise<ObservedState> {
    return this.#gate.call('observe', [busy], () => this.#gate.observe(busy));
  }

  watch(listener: (event: EngineEvent) => void): Stoppable {
    return this.#gate.watch(listener);
  }

  createNetwork(network: NetworkCreate): Promise<string> {
    const host = this.#host;
    const check = (): void => networks.checkNewNetwork(host, network);
    return this.#gate.call(
      'createNetwork',
      [network],
      () => {
        if (network.spec.driver !== 'overlay') check();
        return networks.addNetwork(host, network).id;
      },
      check,
    );
  }

  removeNetwork(id: string): Promise<void> {
    return this.#gate.call('removeNetwork', [id], () => networks.removeNetwork(this.#host, id));
  }

  inspectNetwork(network: NetworkRef): Promise<NetworkDetails> {
    return this.#gate.call('inspectNetwork', [network], () => networks.inspectNetwork(this.#host, network));
  }

  ensureImage(image: string, policy: ContainerSpec['imagePullPolicy']): Promise<void> {
    return this.#gate.call('ensureImage', [image, policy], () => {
      const { images, pullable } = this.#host;
      if (images.has(image) && policy !== 'Always') return;
      if (policy === 'Never') throw failure('image-not-found', `No such image: ${image}`);
      if (pullable !== 'any' && !pullable.has(image)) {
        throw failure('image-pull-failed', `cannot pull ${image}: no registry has it`);
      }
      images.add(image);
    });
  }

  createContainer(container: ContainerCreate, env: readonly string[]): Promise<string> {
    return this.#gate.call('createContainer', [container, env], () => {
      return containers.createContainer(this.#host, container, env).id;
    });
  }

  startContainer(id: string): Promise<void> {
    return this.#gate.call('startContainer', [id], () =>
      startContainer(this.#host, containers.findContainer(this.#host, id)),
    );
  }

  stopContainer(id: string, graceMs?: number): Promise<void> {
    return this.#gate.call('stopContainer', [id, graceMs], () =>
      containers.stopContainer(this.#host, containers.findContainer(this.#host, id)),
    );
  }

  unpauseContainer(id: string): Promise<void> {
    return this.#gate.call('unpauseContainer', [id], () =>
      containers.unpauseContainer(this.#host, containers.findContainer(this.#host, id)),
    );
  }

  renameContainer(id: string, name: string): Promise<void> {
    return this.#gate.call('renameContainer', [id, name], () =>
      containers.renameContainer(this.#host, containers.findContainer(this.#host, id), name),
    );
  }

  updateContainer(id: string, update: ContainerUpdate): Promise<void> {
    return this.#gate.call('updateContainer', [id, update], () =>
      containers.updateContainer(this.#host, containers.findContainer(this.#host, id), update),
    );
  }

  removeContainer(id: string): Promise<void> {
    return this.#gate.call('removeContainer', [id], () => containers.removeContainer(this.#host, id));
  }

  containerState(id: string): Promise<{ state: ContainerState; exitCode: number }> {
    return this.#gate.call('containerState', [id], () => {
      const { state, exitCode } = containers.findContainer(this.#host, id);
      return { state, exitCode };
    });
  }

  containerSeat(id: string): Promise<ContainerSeat> {
    return this.#gate.call('containerSeat', [id], () => seatOf(containers.findContainer(this.#host, id)));
  }

  connect(containerId: string, endpoint: EndpointRequest): Promise<void> {
    return this.#gate.call('connect', [containerId, endpoint], () =>
      endpoints.connect(this.#host, containers.findContainer(this.#host, containerId), endpoint),
    );
  }

  disconnect(containerId: string, network: NetworkRef, force = false): Promise<void> {
    return this.#gate.call('disconnect', [containerId, network, force], () => {
      const container = containers.findContainer(this.#host, containerId);
      endpoints.disconnect(this.#host, container, network, force);
    });
  }

  dropEndpoint(name: string, network: NetworkRef): Promise<void> {
    return this.#gate.call('dropEndpoint', [name, network], () => {
      if (containers.isKnown(this.#host, name)) {
        throw failure('invalid-request', `container ${name} is there: this would disconnect it`);
      }
      endpoints.dropEndpoint(this.#host, name, network);
    });
  }
}
