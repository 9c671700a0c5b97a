import { OvrError, type Logger } from '../api/index.ts';
import type { ContainerCreate, ContainerUpdate } from '../plan/index.ts';
import type { ContainerSeat, ContainerState } from '../state/index.ts';
import type { DockerClient } from './client.ts';
import { cpuBody, createBody, restartPolicyBody, wholeSeconds } from './create-body.ts';
import type { InspectCache } from './inspect-cache.ts';
import type { Names } from './names.ts';
import { seatOf } from './observed.ts';
import type { OperationName } from './operation.ts';
import type { StateReader } from './state-reader.ts';
import { createdShape } from './wire.ts';

/** What Docker gives a container that does not say itself. */
const DEFAULT_STOP_SECONDS = 10;
/** What Docker makes of a memory limit when a container is created: as much swap again. */
const SWAP_FACTOR = 2;

export interface ContainerCallsOptions {
  readonly client: DockerClient;
  readonly logger: Logger;
  readonly cache: InspectCache;
  readonly names: Names;
  readonly reader: StateReader;
}

interface Change {
  readonly name: OperationName;
  /** Comes before the container in a message: `start`. */
  readonly verb: string;
  readonly method?: 'POST' | 'DELETE';
  /** Follows the container's path: `/start`. */
  readonly path?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
  readonly timeoutMs?: number;
}

/** The calls that change one container. */
export class ContainerCalls {
  readonly #options: ContainerCallsOptions;

  constructor(options: ContainerCallsOptions) {
    this.#options = options;
  }

  async create(create: ContainerCreate, env: readonly string[]): Promise<string> {
    const { client, logger, names } = this.#options;
    const { Id, Warnings } = await client.request(
      {
        operation: { name: 'create-container', what: `create container ${create.name}` },
        method: 'POST',
        path: '/containers/create',
        query: { name: create.name },
        body: createBody(create, env, await client.apiVersion()),
        timeoutMs: client.timeouts.changeMs,
      },
      createdShape,
    );
    for (const warning of Warnings ?? []) {
      logger.warn({ container: create.name, warning }, 'the engine warned while it created a container');
    }
    names.learnContainer(Id, create.name);
    return Id;
  }

  start(id: string): Promise<void> {
    const timeoutMs = this.#options.client.timeouts.startMs;
    return this.#change(id, { name: 'start-container', verb: 'start', path: '/start', timeoutMs });
  }

  async stop(id: string, graceMs?: number): Promise<void> {
    const seconds = graceMs === undefined ? await this.#ownGrace(id) : wholeSeconds(graceMs);
    await this.#change(id, {
      name: 'stop-container',
      verb: 'stop',
      path: '/stop',
      query: { t: seconds.toString() },
      timeoutMs: seconds * 1000 + this.#options.client.timeouts.stopExtraMs,
    });
  }

  unpause(id: string): Promise<void> {
    return this.#change(id, { name: 'unpause-container', verb: 'unpause', path: '/unpause' });
  }

  rename(id: string, name: string): Promise<void> {
    return this.#change(id, { name: 'rename-container', verb: 'rename', path: '/rename', query: { name } });
  }

  async update(id: string, update: ContainerUpdate): Promise<void> {
    this.#refuseToLift(id, update);
    const { restartPolicy, nanoCpus, memoryBytes } = update;
    const body = {
      ...(restartPolicy === undefined ? {} : { RestartPolicy: restartPolicyBody(restartPolicy) }),
      ...cpuBody(nanoCpus, await this.#options.client.apiVersion()),
      // The limit of memory with swap was derived from the old limit, and Docker refuses a new limit above it.
      ...(memoryBytes === undefined ? {} : { Memory: memoryBytes, MemorySwap: memoryBytes * SWAP_FACTOR }),
    };
    await this.#change(id, { name: 'update-container', verb: 'update', path: '/update', body });
  }

  remove(id: string): Promise<void> {
    const query = { force: '1', v: '0' };
    return this.#change(id, { name: 'remove-container', verb: 'remove', method: 'DELETE', query });
  }

  async state(id: string): Promise<{ state: ContainerState; exitCode: number }> {
    const { State } = await this.#options.reader.inspect(id);
    return { state: State.Status, exitCode: State.ExitCode };
  }

  async seat(id: string): Promise<ContainerSeat> {
    return seatOf(await this.#options.reader.inspect(id));
  }

  /** Docker reads a limit of 0 as "leave it". */
  #refuseToLift(id: string, { nanoCpus, memoryBytes }: ContainerUpdate): void {
    if (nanoCpus !== 0 && memoryBytes !== 0) return;
    const name = this.#options.names.container(id);
    const message = `Cannot update container ${name}: Docker does not lift a limit of a container that exists. Remove the container to have it made anew.`;
    throw new OvrError('invalid-request', 'invalid', message);
  }

  /** Seconds. The deadline of a stop must be longer, so it has to be known. */
  async #ownGrace(id: string): Promise<number> {
    const { Config } = await this.#options.reader.inspect(id);
    return Config.StopTimeout ?? DEFAULT_STOP_SECONDS;
  }

  async #change(id: string, change: Change): Promise<void> {
    const { client, cache, names } = this.#options;
    const { name, verb, method = 'POST', path = '', timeoutMs = client.timeouts.changeMs, ...rest } = change;
    try {
      await client.send({
        operation: { name, what: `${verb} container ${names.container(id)}` },
        method,
        path: `/containers/${encodeURIComponent(id)}${path}`,
        timeoutMs,
        ...rest,
      });
    } finally {
      // Also after a failure: the engine may have done it all the same.
      cache.drop(id);
    }
  }
}
