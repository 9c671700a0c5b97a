/** Answers like a Docker daemon on which everything runs as declared: more containers than this machine could really run. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownerLabels } from '../../pkg/api/index.ts';
import {
  type ContainerObject,
  type ManifestObject,
  type NetworkObject,
  parseManifest,
} from '../../pkg/manifest/index.ts';

const API_VERSION = '1.45';
const CREATED_SECONDS = 1_700_000_000;
const INFO = {
  ID: 'BENCH',
  Name: 'bench',
  ServerVersion: '26.1.5',
  OSType: 'linux',
  Architecture: 'x86_64',
  OperatingSystem: 'Debian GNU/Linux 13 (trixie)',
  KernelVersion: '6.12',
  Driver: 'overlay2',
  NCPU: 2,
  MemTotal: 2 ** 33,
  Labels: [],
  Swarm: { NodeID: 'bench', NodeAddr: '10.6.18.12', LocalNodeState: 'active', ControlAvailable: true },
};

export class FakeDaemon {
  readonly socketPath: string;
  /** Paths without the API version and without the query, oldest first. */
  readonly requests: string[] = [];
  readonly #folder: string;
  readonly #server: Server;
  readonly #answers = new Map<string, string>();

  static async start(files: ReadonlyMap<string, string>): Promise<FakeDaemon> {
    const daemon = new FakeDaemon(await mkdtemp(join(tmpdir(), 'ovr-bench-fake-')), objectsOf(files));
    await new Promise<void>((resolve) => daemon.#server.listen(daemon.socketPath, resolve));
    return daemon;
  }

  private constructor(folder: string, objects: readonly ManifestObject[]) {
    this.#folder = folder;
    this.socketPath = join(folder, 'docker.sock');
    const networks = objects.filter((object) => object.kind === 'Network');
    const containers = objects.filter((object) => object.kind === 'Container');
    const answer = (path: string, body: object): Map<string, string> =>
      this.#answers.set(path, JSON.stringify(body));
    answer('/info', INFO);
    answer('/nodes/bench', { ID: 'bench', Spec: { Labels: {} } });
    answer('/networks', networks.map(listedNetwork));
    answer('/containers/json', containers.map(listedContainer));
    containers.forEach((object, index) =>
      answer(`/containers/${idOf(object)}/json`, inspectedContainer(object, index)),
    );
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#folder, { recursive: true, force: true });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '').replace(/^\/v\d+\.\d+/, '').replace(/\?.*$/, '');
    this.requests.push(path);
    response.setHeader('Api-Version', API_VERSION);
    if (path === '/_ping') {
      response.end('OK');
    } else if (path === '/events') {
      response.flushHeaders(); // and nothing ever happens
    } else {
      const body = request.method === 'GET' ? this.#answers.get(path) : undefined;
      response.statusCode = body === undefined ? 500 : 200;
      response.setHeader('Content-Type', 'application/json');
      response.end(
        body ?? JSON.stringify({ message: `${request.method ?? ''} ${path}: nothing may change here` }),
      );
    }
  }
}

function objectsOf(files: ReadonlyMap<string, string>): ManifestObject[] {
  return [...files].flatMap(([name, text]) => {
    const { objects, diagnostics } = parseManifest(text, name);
    if (diagnostics.length > 0) throw new Error(`${name}: ${JSON.stringify(diagnostics)}`);
    return objects;
  });
}

function idOf({ key }: ManifestObject): string {
  return createHash('sha256').update(key).digest('hex');
}

function labelsOf({ kind, name, specHash }: ManifestObject): Record<string, string> {
  return ownerLabels({ cluster: 'default', kind, name, specHash });
}

function listedNetwork(object: NetworkObject): object {
  return {
    Id: idOf(object),
    Name: object.name,
    Created: new Date(CREATED_SECONDS * 1_000).toISOString(),
    Scope: 'swarm',
    Driver: 'overlay',
    EnableIPv6: false,
    Internal: false,
    Attachable: true,
    Ingress: false,
    Labels: labelsOf(object),
    Options: { 'com.docker.network.driver.overlay.vxlanid_list': '4097' },
    IPAM: { Driver: 'default', Options: null, Config: [{ Subnet: object.spec.ipam?.subnet }] },
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: null,
  };
}

function endpointsOf(object: ContainerObject, index: number, aliases: boolean): object {
  const networks = (object.spec.networks ?? []).map((attachment) => [
    attachment.name,
    {
      IPAMConfig: null,
      Links: null,
      Aliases: aliases ? attachment.aliases : null,
      MacAddress: '02:42:0a:00:00:02',
      DriverOpts: null,
      NetworkID: createHash('sha256').update(`Network/${attachment.name}`).digest('hex'),
      EndpointID: createHash('sha256').update(`endpoint ${object.name}`).digest('hex'),
      Gateway: '',
      IPAddress: `10.0.${16 + Math.floor(index / 250)}.${2 + (index % 250)}`,
      IPPrefixLen: 20,
      IPv6Gateway: '',
      GlobalIPv6Address: '',
      GlobalIPv6PrefixLen: 0,
      DNSNames: null,
    },
  ]);
  return { Networks: Object.fromEntries(networks) as Record<string, object> };
}

function listedContainer(object: ContainerObject, index: number): object {
  return {
    Id: idOf(object),
    Names: [`/${object.name}`],
    Image: object.spec.image,
    ImageID: `sha256:${createHash('sha256').update(object.spec.image).digest('hex')}`,
    Command: (object.spec.args ?? []).join(' '),
    Created: CREATED_SECONDS,
    Ports: [],
    Labels: labelsOf(object),
    State: 'running',
    Status: 'Up 2 hours',
    HostConfig: { NetworkMode: object.spec.networks?.[0]?.name },
    NetworkSettings: endpointsOf(object, index, false),
    Mounts: [],
  };
}

function inspectedContainer(object: ContainerObject, index: number): object {
  const id = idOf(object);
  return {
    Id: id,
    Created: new Date(CREATED_SECONDS * 1_000).toISOString(),
    Path: object.spec.args?.[0],
    Args: object.spec.args?.slice(1),
    State: {
      Status: 'running',
      Running: true,
      Paused: false,
      Restarting: false,
      OOMKilled: false,
      Dead: false,
      Pid: 1_000 + index,
      ExitCode: 0,
      Error: '',
      StartedAt: new Date((CREATED_SECONDS + 1) * 1_000).toISOString(),
      FinishedAt: '0001-01-01T00:00:00Z',
    },
    Name: `/${object.name}`,
    RestartCount: 0,
    HostConfig: {
      NetworkMode: object.spec.networks?.[0]?.name,
      RestartPolicy: { Name: 'always', MaximumRetryCount: 0 },
      NanoCpus: 0,
      Memory: 0,
    },
    Mounts: [],
    Config: {
      Hostname: id.slice(0, 12),
      Env: ['PATH=/bin'],
      Cmd: object.spec.args,
      Image: object.spec.image,
      Labels: labelsOf(object),
    },
    NetworkSettings: endpointsOf(object, index, true),
  };
}
