import { type ErrorKind, OvrError } from '../../pkg/api/index.ts';
import type { ContainerSpec, NetworkSpec } from '../../pkg/manifest/index.ts';
import type { EndpointRequest, NetworkRef } from '../../pkg/plan/index.ts';
import type { EngineEvent } from '../../pkg/reconcile/index.ts';
import type {
  EngineFacts,
  ObservedContainer,
  ObservedEndpoint,
  ObservedNetwork,
} from '../../pkg/state/index.ts';
import { containerSpec, networkSpec, ownedLabels } from './specs.ts';
import type { ContractSubject } from './subject.ts';

const PATIENCE_MS = 30_000;
const POLL_MS = 50;

interface Made {
  readonly id: string;
  readonly name: string;
}

interface MadeNetwork extends Made {
  /** The first three numbers of its subnet and a dot. */
  readonly prefix: string;
}

interface ContainerChanges extends Partial<ContainerSpec> {
  readonly name?: string;
  readonly endpoint?: EndpointRequest;
  readonly envLines?: readonly string[];
  /** On the engine's default bridge; otherwise, and without `endpoint`, on no network. */
  readonly bridged?: boolean;
}

/** Makes what a test needs under names of its own, and clears it away. */
export class Stage {
  readonly subject: ContractSubject;
  readonly facts: EngineFacts;
  readonly #containers: string[] = [];
  readonly #networks: string[] = [];
  #counter = 0;

  static async open(subject: ContractSubject): Promise<Stage> {
    return new Stage(subject, await subject.engine.facts());
  }

  private constructor(subject: ContractSubject, facts: EngineFacts) {
    this.subject = subject;
    this.facts = facts;
  }

  get isSwarm(): boolean {
    return this.facts.kind === 'swarm-manager';
  }

  /** Whether the API in use has what came with this minor version of 1. */
  speaks(minor: number): boolean {
    return Number(this.facts.apiVersion.split('.')[1]) >= minor;
  }

  /** The driver that ovr would use here. */
  get driver(): NetworkSpec['driver'] {
    return this.facts.kind === 'plain' ? 'bridge' : 'overlay';
  }

  name(kind: string): string {
    this.#counter += 1;
    return `contract-${kind}-${this.#counter}`;
  }

  /** The first three numbers, and a dot, of addresses that no other network has. */
  prefix(): string {
    this.#counter += 1;
    return `10.${200 + Math.floor(this.#counter / 256)}.${this.#counter % 256}.`;
  }

  /** A network with a subnet of its own, unless told otherwise. */
  async network(changes: Partial<NetworkSpec> = {}, labels = {}): Promise<MadeNetwork> {
    const name = this.name('net');
    const prefix = this.prefix();
    const spec = networkSpec(this.driver, { ipam: { subnet: `${prefix}0/24` }, ...changes });
    return { ...(await this.createNetwork(name, spec, labels)), prefix };
  }

  /** Another network under a name that was in use; Swarm mode takes a moment to give it free. */
  async networkNamed(name: string): Promise<Made> {
    const ipam = { subnet: `${this.prefix()}0/24` };
    return await this.eventually(() => this.createNetwork(name, networkSpec(this.driver, { ipam })));
  }

  async networkWithoutSubnet(): Promise<Made> {
    return await this.createNetwork(this.name('net'), networkSpec(this.driver));
  }

  async createNetwork(name: string, spec: NetworkSpec, labels = {}): Promise<Made> {
    const all = { ...ownedLabels('Network', name), ...labels };
    const id = await this.subject.engine.createNetwork({ name, spec, labels: all });
    this.#networks.push(id);
    return { id, name };
  }

  /** A container that was made and not started. */
  async created(changes: ContainerChanges = {}): Promise<Made> {
    const { name = this.name('box'), endpoint, envLines = [], bridged = false, ...spec } = changes;
    const id = await this.subject.engine.createContainer(
      {
        name,
        spec: containerSpec(this.subject.imageName, {
          ...(endpoint || bridged ? {} : { networks: [] }),
          ...spec,
        }),
        labels: { ...ownedLabels('Container', name), ...spec.labels },
        ...(endpoint === undefined ? {} : { endpoint }),
      },
      envLines,
    );
    this.#containers.push(id);
    return { id, name };
  }

  async running(changes: ContainerChanges = {}): Promise<Made> {
    const made = await this.created(changes);
    await this.subject.engine.startContainer(made.id);
    return made;
  }

  /** A running container on that network. */
  async runningOn(network: NetworkRef, request: Partial<EndpointRequest> = {}): Promise<Made> {
    return await this.running({ endpoint: { network, aliases: [], ...request } });
  }

  async foreign(labels: Readonly<Record<string, string>> = {}): Promise<Made> {
    const name = this.name('foreign');
    const id = await this.subject.hand.runContainer(name, labels);
    this.#containers.push(id);
    return { id, name };
  }

  async seen({ id }: Made): Promise<ObservedContainer | undefined> {
    const { containers } = await this.subject.engine.observe();
    return containers.find((container) => container.id === id);
  }

  async container(made: Made): Promise<ObservedContainer> {
    return present(await this.seen(made), made.name);
  }

  async seenNetwork({ id }: Made): Promise<ObservedNetwork | undefined> {
    const { networks } = await this.subject.engine.observe();
    return networks.find((network) => network.id === id);
  }

  /** How the container is attached to the network, by ID or, where the record has none, by name. */
  async endpoint(made: Made, network: Made): Promise<ObservedEndpoint | undefined> {
    const { endpoints } = await this.container(made);
    return endpoints.find(({ networkId, networkName }) =>
      networkId === '' ? networkName === network.name : networkId === network.id,
    );
  }

  async aliases(made: Made, network: Made): Promise<readonly string[] | undefined> {
    const { details } = await this.container(made);
    return details?.aliases.get(network.id) ?? details?.aliases.get(network.name);
  }

  /** Asks again until it holds; fails with what it said last. */
  async eventually<Result>(holds: () => Promise<Result> | Result): Promise<Result> {
    for (let waitedMs = 0; ; waitedMs += POLL_MS) {
      try {
        return await holds();
      } catch (error) {
        if (waitedMs >= PATIENCE_MS) throw error;
        await this.subject.wait(POLL_MS);
      }
    }
  }

  /**
   * Starts a container that has several networks. Docker since 25 in Swarm mode may not find the first of them for some tenths of a second (12 of
   * 77 starts on a busy machine): whoever starts such a container tries again, as the agent does. Any other refusal counts at once.
   */
  async startJoined(box: Made): Promise<void> {
    const mayBeEarly = this.isSwarm && this.speaks(44);
    const { start } = await this.eventually(async () => {
      const start = this.subject.engine.startContainer(box.id);
      await start.catch((error: unknown) => {
        if (mayBeEarly && error instanceof OvrError && error.code === 'network-not-found') throw error;
      });
      return { start };
    });
    await start;
  }

  /** Watches until `stop`; ends when the first event, which is `up`, has come. */
  async watch(): Promise<{ events: EngineEvent[]; stop: () => void }> {
    const events: EngineEvent[] = [];
    const watch = this.subject.engine.watch((event) => void events.push(event));
    await this.eventually(() => {
      if (events[0]?.type !== 'up') throw new Error('the watch does not begin with up');
    });
    return { events, stop: () => watch.stop() };
  }

  async clear(): Promise<void> {
    const { engine } = this.subject;
    for (const id of this.#containers.splice(0)) await unless(['already-so'], engine.removeContainer(id));
    for (const id of this.#networks.splice(0)) {
      // Swarm mode lets go of a network some time after the last container left it. No test needs it gone: the names differ.
      await unless(['already-so', 'waiting'], engine.removeNetwork(id));
    }
  }
}

/** Why a call was refused. */
export async function refusal(call: Promise<unknown>): Promise<Pick<OvrError, 'code' | 'kind'>> {
  try {
    await call;
  } catch (error) {
    if (error instanceof OvrError) return { code: error.code, kind: error.kind };
    throw error;
  }
  throw new Error('the call was not refused');
}

async function unless(kinds: readonly ErrorKind[], call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof OvrError) || !kinds.includes(error.kind)) throw error;
  }
}

function present<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined) throw new Error(`${name} is not there`);
  return value;
}
