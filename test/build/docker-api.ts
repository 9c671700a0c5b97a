/** The Docker API straight over a socket: no process a call, so that tests can ask often. */
import { request } from 'node:http';

export interface InspectedEndpoint {
  readonly NetworkID: string;
  readonly IPAddress: string;
  readonly MacAddress: string;
  readonly Aliases: readonly string[] | null;
}

/** The parts of `docker inspect` of a container that tests look at. */
export interface InspectedContainer {
  readonly Id: string;
  readonly Name: string;
  readonly Image: string;
  readonly RestartCount: number;
  readonly State: {
    readonly Status: string;
    readonly StartedAt: string;
    readonly ExitCode: number;
    readonly Health?: { readonly Status: string };
  };
  readonly Config: Readonly<Record<string, unknown>> & {
    readonly Image: string;
    readonly Env: readonly string[];
    readonly Labels: Readonly<Record<string, string>>;
  };
  readonly HostConfig: Readonly<Record<string, unknown>>;
  readonly NetworkSettings: {
    readonly Networks: Readonly<Record<string, InspectedEndpoint>>;
    readonly Ports: Readonly<Record<string, readonly { HostIp: string; HostPort: string }[] | null>>;
  };
}

/** The parts of `docker network inspect` that tests look at. */
export interface InspectedNetwork {
  readonly Id: string;
  readonly Name: string;
  readonly Driver: string;
  readonly Scope: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Options: Readonly<Record<string, string>>;
  readonly IPAM: { readonly Config: readonly { readonly Subnet: string; readonly Gateway?: string }[] };
  readonly Containers?: Readonly<Record<string, unknown>>;
  readonly Peers?: readonly unknown[];
}

interface ListedContainer {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly State: string;
}

/** Networks that every daemon has, or that Swarm mode makes. */
const PREDEFINED = new Set(['bridge', 'host', 'none', 'ingress', 'docker_gwbridge']);

export class DockerApi {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** A container by name or ID; undefined when there is none. */
  async container(name: string): Promise<InspectedContainer | undefined> {
    return (await this.#get(`/containers/${name}/json`)) as InspectedContainer | undefined;
  }

  /** A container that must be there. */
  async mustInspect(name: string): Promise<InspectedContainer> {
    const found = await this.container(name);
    if (found === undefined) throw new Error(`there is no container ${name}`);
    return found;
  }

  /** Names of all containers, also stopped ones, sorted; or of those in one state. */
  async containerNames(state?: string): Promise<string[]> {
    const all = (await this.#get('/containers/json?all=1')) as readonly ListedContainer[];
    return all
      .filter((container) => state === undefined || container.State === state)
      .map(({ Names }) => (Names[0] ?? '').slice(1))
      .sort();
  }

  /** All networks that somebody made, by age. */
  async networks(): Promise<InspectedNetwork[]> {
    const all = (await this.#get('/networks')) as readonly (InspectedNetwork & { Created: string })[];
    return all
      .filter(({ Name }) => !PREDEFINED.has(Name))
      .sort((a, b) => Date.parse(a.Created) - Date.parse(b.Created));
  }

  /** The networks of one name, by age, each with what is attached to it here. */
  async networksNamed(name: string): Promise<InspectedNetwork[]> {
    const named = (await this.networks()).filter(({ Name }) => Name === name);
    const inspected = await Promise.all(named.map(({ Id }) => this.#get(`/networks/${Id}`)));
    return inspected.filter((network) => network !== undefined) as InspectedNetwork[];
  }

  /** Everything `docker inspect` says of an object, as text; undefined when there is none. */
  async raw(path: `/containers/${string}` | `/networks/${string}`): Promise<string | undefined> {
    const { status, body } = await this.request('GET', path);
    if (status === 404) return undefined;
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${body}`);
    return body;
  }

  /** Sends one request. Never fails because of its answer. */
  request(method: string, path: string, payload?: unknown): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const call = request({
        socketPath: this.#socketPath,
        method,
        path,
        agent: false,
        headers: payload === undefined ? {} : { 'content-type': 'application/json' },
      });
      call.setTimeout(60_000, () => call.destroy(new Error(`${method} ${path}: no answer for 60 s`)));
      call.on('error', reject);
      call.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
        );
      });
      call.end(payload === undefined ? undefined : JSON.stringify(payload));
    });
  }

  /** Sends one request that must succeed. */
  async must(method: string, path: string, payload?: unknown): Promise<void> {
    const { status, body } = await this.request(method, path, payload);
    if (status >= 400) throw new Error(`${method} ${path}: ${status} ${body}`);
  }

  /** Removes every container and every network that somebody made. */
  async clear(): Promise<void> {
    const all = (await this.#get('/containers/json?all=1')) as readonly ListedContainer[];
    await Promise.all(all.map(({ Id }) => this.request('DELETE', `/containers/${Id}?force=1&v=1`)));
    const networks = await this.networks();
    await Promise.all(networks.map(({ Id }) => this.request('DELETE', `/networks/${Id}`)));
  }

  async #get(path: string): Promise<unknown> {
    const { status, body } = await this.request('GET', path);
    if (status === 404) return undefined;
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${body}`);
    return JSON.parse(body);
  }
}
