/** The store that the daemons of a lab share (topology `kv`), as their own library writes it. */

interface Key {
  readonly key: string;
  readonly value: string;
}

export class OverlayStore {
  readonly #folder: string;

  /** @param ip of the lab's first host, which has the store */
  constructor(ip: string) {
    this.#folder = `http://${ip}:2379/v2/keys/store/docker/network/v1.0`;
  }

  async #ask(method: 'GET' | 'PUT', path: string, value?: string): Promise<readonly Key[]> {
    const answer = await fetch(`${this.#folder}/${path}`, {
      method,
      signal: AbortSignal.timeout(10_000),
      ...(value === undefined ? {} : { body: new URLSearchParams({ value }) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
    const { node } = (await answer.json()) as { node: Key & { nodes?: readonly Key[] } };
    return node.nodes ?? [node];
  }

  /** Leaves an endpoint of that name, as a daemon that died at a bad moment does; with an ID that nobody had, unless given. Returns its ID. */
  async leaveEndpoint(
    networkId: string,
    name: string,
    id = Buffer.from(name.padEnd(32, '.')).toString('hex'),
  ): Promise<string> {
    const [model] = await this.#ask('GET', `endpoint/${networkId}`);
    if (!model) throw new Error('no endpoint to copy');
    const endpoint = { ...(JSON.parse(model.value) as object), id, name, sandbox: '' };
    await this.#ask('PUT', `endpoint/${networkId}/${id}`, JSON.stringify(endpoint));
    const [count] = await this.#ask('GET', `endpoint_count/${networkId}`);
    const { Count } = JSON.parse(count?.value ?? '{}') as { Count: number };
    await this.#ask('PUT', `endpoint_count/${networkId}`, JSON.stringify({ Count: Count + 1 }));
    return id;
  }

  /** The IDs of the endpoints of that name. */
  async endpoints(networkId: string, name: string): Promise<string[]> {
    const all = (await this.#ask('GET', `endpoint/${networkId}`)).map(
      ({ value }) => JSON.parse(value) as { id: string; name: string },
    );
    return all.filter((endpoint) => endpoint.name === name).map(({ id }) => id);
  }
}
