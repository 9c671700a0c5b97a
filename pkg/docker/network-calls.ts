import { OvrError } from '../api/index.ts';
import type { EndpointRequest, NetworkCreate, NetworkRef } from '../plan/index.ts';
import type { NetworkDetails } from '../state/index.ts';
import type { DockerClient } from './client.ts';
import { endpointConfig, networkOf } from './create-body.ts';
import type { InspectCache } from './inspect-cache.ts';
import type { Names } from './names.ts';
import { networkBody } from './network-body.ts';
import { networkFromInspect } from './observed.ts';
import type { StateReader } from './state-reader.ts';
import { createdNetworkShape, networkShape } from './wire.ts';

export interface NetworkCallsOptions {
  readonly client: DockerClient;
  readonly cache: InspectCache;
  readonly names: Names;
  readonly reader: StateReader;
}

/** The calls that change networks and who is on them. */
export class NetworkCalls {
  readonly #options: NetworkCallsOptions;

  constructor(options: NetworkCallsOptions) {
    this.#options = options;
  }

  async create(create: NetworkCreate): Promise<string> {
    const { client } = this.#options;
    const { Id } = await client.request(
      {
        operation: { name: 'create-network', what: `create network ${create.name}` },
        method: 'POST',
        path: '/networks/create',
        body: networkBody(create, await client.apiVersion()),
        timeoutMs: client.timeouts.changeMs,
      },
      createdNetworkShape,
    );
    return Id;
  }

  async remove(id: string): Promise<void> {
    const { client, names, reader } = this.#options;
    await client.send({
      operation: { name: 'remove-network', what: `remove network ${names.network(id)}` },
      method: 'DELETE',
      path: `/networks/${encodeURIComponent(id)}`,
      timeoutMs: client.timeouts.changeMs,
    });
    reader.networkRemoved(id);
  }

  async inspect(network: NetworkRef): Promise<NetworkDetails> {
    const operation = { name: 'inspect-network', what: `inspect network ${network.name}` } as const;
    const path = `/networks/${encodeURIComponent(networkOf({ network }))}`;
    return networkFromInspect(
      await this.#options.client.request({ operation, method: 'GET', path }, networkShape),
    );
  }

  async dropEndpoint(name: string, network: NetworkRef): Promise<void> {
    await this.#attach(name, {
      operation: { name: 'disconnect', what: `drop endpoint ${name} of network ${network.name}` },
      path: `/networks/${encodeURIComponent(networkOf({ network }))}/disconnect`,
      body: { Container: name, Force: true },
    });
  }

  async connect(containerId: string, endpoint: EndpointRequest): Promise<void> {
    const body = { Container: containerId, EndpointConfig: endpointConfig(endpoint) };
    const what = `connect container ${this.#options.names.container(containerId)} to network ${endpoint.network.name}`;
    try {
      await this.#attach(containerId, {
        operation: { name: 'connect', what },
        path: `/networks/${encodeURIComponent(networkOf(endpoint))}/connect`,
        body,
      });
    } catch (error) {
      throw (await this.#isOwnEndpoint(error, containerId, endpoint.network))
        ? new OvrError('already-connected', 'already-so', `Cannot ${what}: it is connected already.`)
        : error;
    }
  }

  async disconnect(containerId: string, network: NetworkRef, force = false): Promise<void> {
    // Docker keeps the record of a network that is gone under its name only.
    const key = force ? network.name : networkOf({ network });
    try {
      await this.#disconnectFrom(containerId, { network, key, force });
    } catch (error) {
      if (key === network.name || !(await this.#isRecordedByName(error, containerId, network))) throw error;
      await this.#disconnectFrom(containerId, { network, key: network.name, force });
    }
  }

  /**
   * A Swarm node does not know the ID of a network that it has not joined yet: it says of a container that has not been started
   * that it is not connected, where the record stands under the name.
   */
  async #isRecordedByName(error: unknown, containerId: string, { id, name }: NetworkRef): Promise<boolean> {
    if (!(error instanceof OvrError) || error.code !== 'not-connected') return false;
    const { NetworkSettings } = await this.#options.reader.inspect(containerId);
    const record = NetworkSettings?.Networks?.[name];
    return record !== undefined && (!record?.NetworkID || record.NetworkID === id);
  }

  async #disconnectFrom(
    containerId: string,
    { network, key, force }: { network: NetworkRef; key: string; force: boolean },
  ): Promise<void> {
    const what = `disconnect container ${this.#options.names.container(containerId)} from network ${network.name}`;
    await this.#attach(containerId, {
      operation: { name: 'disconnect', what },
      path: `/networks/${encodeURIComponent(key)}/disconnect`,
      body: { Container: containerId, Force: force },
    });
  }

  /**
   * Outside Swarm mode Docker says of a container that is connected already the same as of an endpoint that a crash left
   * behind; only the container tells which it is.
   */
  async #isOwnEndpoint(error: unknown, containerId: string, network: NetworkRef): Promise<boolean> {
    if (!(error instanceof OvrError) || error.code !== 'stale-endpoint') return false;
    const { NetworkSettings } = await this.#options.reader.inspect(containerId);
    return Object.entries(NetworkSettings?.Networks ?? {}).some(
      ([name, endpoint]) =>
        Boolean(endpoint?.EndpointID) &&
        (network.id === undefined ? name === network.name : endpoint?.NetworkID === network.id),
    );
  }

  async #attach(
    containerId: string,
    call: {
      readonly operation: { readonly name: 'connect' | 'disconnect'; readonly what: string };
      readonly path: string;
      readonly body: object;
    },
  ): Promise<void> {
    const { client, cache } = this.#options;
    try {
      await client.send({ ...call, method: 'POST', timeoutMs: client.timeouts.changeMs });
    } finally {
      // Also after a failure: the engine may have done it all the same.
      cache.drop(containerId);
    }
  }
}
