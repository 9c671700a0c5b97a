import { Agent, request } from 'node:http';
import { z } from 'zod';

const idShape = z.object({ Id: z.string() });
const versionShape = z.object({ Version: z.string(), ApiVersion: z.string() });
const listShape = z.array(z.object({ Id: z.string(), Names: z.array(z.string()) }));
const networksShape = z.array(
  z.object({ Id: z.string(), Name: z.string(), Ingress: z.boolean().optional() }),
);
const endpointsShape = z.object({
  NetworkSettings: z.object({
    Networks: z.record(
      z.string(),
      z.object({ NetworkID: z.string(), IPAddress: z.string(), Aliases: z.array(z.string()).nullable() }),
    ),
  }),
});
export type Endpoints = z.infer<typeof endpointsShape>['NetworkSettings']['Networks'];

interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: object;
}

/** The bare Docker API over one socket with open connections kept: the least that any client of it can cost. */
export class DockerApi {
  readonly socketPath: string;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  /** The body of the answer; fails unless the engine says that it went well. */
  call({ method, path, body }: Call): Promise<string> {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const headers = text === undefined ? {} : { 'Content-Type': 'application/json' };
      const { socketPath } = this;
      const sent = request({ agent: this.#agent, socketPath, method, path, headers }, (response) => {
        let answer = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (answer += chunk));
        response.on('error', reject);
        response.on('end', () => {
          const { statusCode = 0 } = response;
          if (statusCode < 400) resolve(answer);
          else reject(new Error(`${method} ${path}: ${statusCode} ${answer.trim()}`));
        });
      });
      sent.on('error', reject);
      sent.end(text);
    });
  }

  async version(): Promise<{ Version: string; ApiVersion: string }> {
    return versionShape.parse(JSON.parse(await this.call({ method: 'GET', path: '/version' })));
  }

  /** Returns the ID. */
  async createNetwork(body: object): Promise<string> {
    return idShape.parse(JSON.parse(await this.call({ method: 'POST', path: '/networks/create', body }))).Id;
  }

  /** Returns the ID. */
  async createContainer(name: string, body: object): Promise<string> {
    const path = `/containers/create?name=${name}`;
    return idShape.parse(JSON.parse(await this.call({ method: 'POST', path, body }))).Id;
  }

  /** One call on a container: `start`, `kill`. */
  async post(container: string, verb: string): Promise<void> {
    await this.call({ method: 'POST', path: `/containers/${container}/${verb}` });
  }

  async remove(container: string): Promise<void> {
    await this.call({ method: 'DELETE', path: `/containers/${container}?force=1&v=1` });
  }

  async connect(network: string, body: { Container: string; EndpointConfig: object }): Promise<void> {
    await this.call({ method: 'POST', path: `/networks/${network}/connect`, body });
  }

  async disconnect(network: string, container: string): Promise<void> {
    const body = { Container: container };
    await this.call({ method: 'POST', path: `/networks/${network}/disconnect`, body });
  }

  async endpoints(container: string): Promise<Endpoints> {
    const answer = await this.call({ method: 'GET', path: `/containers/${container}/json` });
    return endpointsShape.parse(JSON.parse(answer)).NetworkSettings.Networks;
  }

  /** ID by name. */
  async containers(): Promise<Map<string, string>> {
    const listed = listShape.parse(
      JSON.parse(await this.call({ method: 'GET', path: '/containers/json?all=1' })),
    );
    return new Map(listed.map(({ Id, Names }) => [(Names[0] ?? '').slice(1), Id]));
  }

  /** The ones that somebody made. */
  async networks(): Promise<string[]> {
    const filters = encodeURIComponent(JSON.stringify({ type: ['custom'] }));
    const listed = networksShape.parse(
      JSON.parse(await this.call({ method: 'GET', path: `/networks?filters=${filters}` })),
    );
    const isOurs = ({ Name, Ingress }: { Name: string; Ingress?: boolean | undefined }): boolean =>
      Ingress !== true && Name !== 'docker_gwbridge';
    return listed.filter(isOurs).map(({ Id }) => Id);
  }

  close(): void {
    this.#agent.destroy();
  }
}
