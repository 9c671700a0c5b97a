import { type Clock, type Logger, OvrError, errorMessage } from '../api/index.ts';
import type { EngineFacts } from '../state/index.ts';
import type { DockerClient } from './client.ts';
import { factsOf, isSettled } from './facts.ts';
import { type Info, infoShape, nodeShape } from './wire.ts';

/** Facts change only when a person changes the engine. */
const KEEP_MS = 5 * 60_000;
/** While the daemon is still finding its Swarm. */
const KEEP_UNSETTLED_MS = 1_000;

export interface FactBookOptions {
  readonly client: DockerClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly nodeName?: string;
  readonly nodeLabels: Readonly<Record<string, string>>;
}

interface Page {
  readonly facts: EngineFacts;
  readonly untilMs: number;
}

/** Remembers what the engine is, and asks again now and then. */
export class FactBook {
  readonly #options: FactBookOptions;
  #page: Page | undefined;
  #reading: Promise<EngineFacts> | undefined;
  /** By node ID: labels as last read. They decide where containers may run, so they do not vanish while no one can read them. */
  #swarmLabels: { readonly nodeId: string; readonly labels: Readonly<Record<string, string>> } | undefined;

  constructor(options: FactBookOptions) {
    this.#options = options;
  }

  facts(): Promise<EngineFacts> {
    const { clock } = this.#options;
    if (this.#page !== undefined && clock.monotonic() < this.#page.untilMs) {
      return Promise.resolve(this.#page.facts);
    }
    this.#reading ??= this.#turn();
    return this.#reading;
  }

  /** Reads a new page; it is not kept when `forget` was called meanwhile. */
  #turn(): Promise<EngineFacts> {
    const reading: Promise<EngineFacts> = this.#read().then(
      (page) => {
        if (this.#reading === reading) [this.#page, this.#reading] = [page, undefined];
        return page.facts;
      },
      (error: unknown) => {
        if (this.#reading === reading) this.#reading = undefined;
        throw error;
      },
    );
    return reading;
  }

  /** The engine may be another one or have other labels: the next look asks it. */
  forget(): void {
    this.#page = undefined;
    this.#reading = undefined;
  }

  async #read(): Promise<Page> {
    const { client, clock, nodeName, nodeLabels } = this.#options;
    const operation = { name: 'info', what: 'read what the engine is' } as const;
    const info = await client.request({ operation, method: 'GET', path: '/info' }, infoShape);
    const facts = factsOf({
      info,
      apiVersion: await client.apiVersion(),
      ...(nodeName === undefined ? {} : { nodeName }),
      nodeLabels,
      swarmLabels: await this.#labelsOf(info),
    });
    return { facts, untilMs: clock.monotonic() + (isSettled(info) ? KEEP_MS : KEEP_UNSETTLED_MS) };
  }

  /** The Swarm node's own labels. Only a manager can read them. */
  async #labelsOf({ Swarm }: Info): Promise<Readonly<Record<string, string>>> {
    const nodeId = Swarm?.NodeID ?? '';
    if (nodeId === '') return {};
    const known = this.#swarmLabels?.nodeId === nodeId ? this.#swarmLabels.labels : undefined;
    if (!Swarm?.ControlAvailable) return known ?? {};
    try {
      const labels = await this.#readLabels(nodeId);
      this.#swarmLabels = { nodeId, labels };
      return labels;
    } catch (error) {
      if (known === undefined || !(error instanceof OvrError)) throw error;
      this.#options.logger.warn(
        { error: errorMessage(error) },
        'node labels cannot be read, the last known ones count',
      );
      return known;
    }
  }

  async #readLabels(nodeId: string): Promise<Readonly<Record<string, string>>> {
    const operation = { name: 'node', what: "read this Swarm node's labels" } as const;
    const path = `/nodes/${encodeURIComponent(nodeId)}`;
    const node = await this.#options.client.request({ operation, method: 'GET', path }, nodeShape);
    return node.Spec.Labels ?? {};
  }
}
