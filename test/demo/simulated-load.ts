import type { SimulatedWorld } from '../../pkg/reconcile/simulated/index.ts';
import type { LoadReport, StageLoad } from './stage.ts';

const EACH_MS = 5;

export interface SimulatedClient {
  readonly host: string;
  readonly container: string;
  readonly name: string;
}

/** Simulated hosts have a DNS but carry no packets: whoever the name leads to has answered, if it runs. */
export class SimulatedLoad implements StageLoad {
  readonly #world: SimulatedWorld;
  readonly #client: SimulatedClient;
  readonly #timer: NodeJS.Timeout;
  readonly #answers = new Map<string, number>();
  readonly #errors = new Map<string, number>();
  #asked = 0;

  constructor(world: SimulatedWorld, client: SimulatedClient) {
    this.#world = world;
    this.#client = client;
    this.#timer = setInterval(() => this.#ask(), EACH_MS);
  }

  #ask(): void {
    const { host, container, name } = this.#client;
    const addresses = this.#world.resolve(host, container, name);
    // Docker answers with all addresses in turns, and a client takes the first
    const address = addresses[this.#asked % Math.max(1, addresses.length)];
    this.#asked += 1;
    const server = address === undefined ? undefined : this.#runningAt(address);
    if (server === undefined) add(this.#errors, address === undefined ? 'dns' : 'unreachable');
    else add(this.#answers, server);
  }

  #runningAt(address: string): string | undefined {
    const { host, container } = this.#client;
    const running = this.#world.hosts.flatMap((each) =>
      each.observe().containers.filter(({ state }) => state === 'running'),
    );
    return running.find(({ name }) => this.#world.resolve(host, container, name).includes(address))?.name;
  }

  report(): Promise<LoadReport> {
    return Promise.resolve({
      asked: this.#asked,
      answers: Object.fromEntries(this.#answers),
      errors: Object.fromEntries(this.#errors),
    });
  }

  async stop(): Promise<LoadReport> {
    await this.kill();
    return this.report();
  }

  kill(): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }
}

function add(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}
