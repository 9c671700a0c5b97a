/** What engines call by ID, people know by name: remembers the names for messages and events. */
export class Names {
  #containers = new Map<string, string>();
  #networks = new Map<string, string>();

  /** The name of a container, if it has been heard of. */
  ofContainer(id: string): string | undefined {
    return this.#containers.get(id);
  }

  /** How a message speaks of a container. */
  container(id: string): string {
    return this.#containers.get(id) ?? shortened(id);
  }

  /** How a message speaks of a network. */
  network(id: string): string {
    return this.#networks.get(id) ?? shortened(id);
  }

  learnContainer(id: string, name: string): void {
    this.#containers.set(id, name);
  }

  /** The containers that there are, instead of all before. */
  replaceContainers(pairs: Iterable<readonly [id: string, name: string]>): void {
    this.#containers = new Map(pairs);
  }

  /** The networks that there are, instead of all before. */
  replaceNetworks(pairs: Iterable<readonly [id: string, name: string]>): void {
    this.#networks = new Map(pairs);
  }
}

const SHORT_ID_LENGTH = 12;

function shortened(idOrName: string): string {
  return /^[0-9a-f]{64}$/.test(idOrName) ? idOrName.slice(0, SHORT_ID_LENGTH) : idOrName;
}
