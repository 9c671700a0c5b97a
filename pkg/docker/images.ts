import type { IncomingMessage } from 'node:http';
import { type Clock, OvrError, errorMessage } from '../api/index.ts';
import type { ContainerSpec } from '../manifest/index.ts';
import type { DockerClient } from './client.ts';
import { withDeadline } from './deadline.ts';
import { answerError, garbled, timedOut } from './errors.ts';
import { imagePath, pullReference } from './image-reference.ts';
import { JsonObjects } from './json-stream.ts';
import type { Operation } from './operation.ts';
import { pullProgressShape } from './wire.ts';

type PullPolicy = ContainerSpec['imagePullPolicy'];

/** A pull's answer begins before its outcome is known, so a failure in it has no status of its own. */
const STATUS_OF_STREAMED_ERROR = 500;

/** Makes images be there, and remembers which are. */
export class Images {
  readonly #client: DockerClient;
  readonly #clock: Clock;
  /** Whether events arrive that tell when an image goes. */
  readonly #isWatched: () => boolean;
  readonly #present = new Set<string>();
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(client: DockerClient, clock: Clock, isWatched: () => boolean) {
    this.#client = client;
    this.#clock = clock;
    this.#isWatched = isWatched;
  }

  /** Calls for the same image while one is under way share its outcome. */
  ensure(image: string, policy: PullPolicy): Promise<void> {
    if (policy !== 'Always' && this.#isWatched() && this.#present.has(image)) return Promise.resolve();
    const key = `${policy} ${image}`;
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
    const started = this.#ensureNow(image, policy).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, started);
    return started;
  }

  /** Some image went, or one that should be there is not: nothing is known any more. */
  forget(): void {
    this.#present.clear();
  }

  async #ensureNow(image: string, policy: PullPolicy): Promise<void> {
    if (policy === 'Always') await this.#pull(image);
    else if (!(await this.#isPresent(image))) await this.#fetch(image, policy);
    this.#present.add(image);
  }

  async #fetch(image: string, policy: PullPolicy): Promise<void> {
    if (policy === 'IfNotPresent') return this.#pull(image);
    const message = `Image ${image} is not on this host and imagePullPolicy is Never. Load it, or choose IfNotPresent.`;
    throw new OvrError('image-not-found', 'waiting', message);
  }

  async #isPresent(image: string): Promise<boolean> {
    const operation = { name: 'inspect-image', what: `look for image ${image}` } as const;
    try {
      await this.#client.send({ operation, method: 'GET', path: `/images/${imagePath(image)}/json` });
      return true;
    } catch (error) {
      if (error instanceof OvrError && error.code === 'image-not-found') return false;
      throw error;
    }
  }

  async #pull(image: string): Promise<void> {
    const operation = { name: 'pull-image', what: `pull image ${image}` } as const;
    const { pullTotalMs, pullIdleMs } = this.#client.timeouts;
    const late = (): OvrError => timedOut(operation, pullTotalMs);
    await withDeadline(this.#clock, pullTotalMs, late, async (signal) => {
      const response = await this.#client.stream(
        {
          operation,
          method: 'POST',
          path: '/images/create',
          query: { ...pullReference(image) },
          timeoutMs: pullIdleMs,
        },
        signal,
      );
      await this.#followPull(operation, response);
    });
  }

  /** Reads progress to the end of the stream, which is success unless a failure was told on the way. */
  async #followPull(operation: Operation, response: IncomingMessage): Promise<void> {
    const { pullIdleMs } = this.#client.timeouts;
    const stalled = (): OvrError => timedOut(operation, pullIdleMs);
    const objects = new JsonObjects();
    const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
    for (;;) {
      const next = await withDeadline(this.#clock, pullIdleMs, stalled, () => chunks.next()).catch(
        (error: unknown) => {
          throw error instanceof OvrError ? error : garbled(operation, errorMessage(error), error);
        },
      );
      if (next.done === true) break;
      failOnStreamedError(operation, splitProgress(operation, objects, next.value));
    }
    if (!response.complete) throw garbled(operation, 'it is cut');
  }
}

function splitProgress(operation: Operation, objects: JsonObjects, chunk: Buffer): unknown[] {
  try {
    return objects.push(chunk);
  } catch (error) {
    throw garbled(operation, errorMessage(error), error);
  }
}

function failOnStreamedError(operation: Operation, progress: readonly unknown[]): void {
  for (const line of progress) {
    const { data } = pullProgressShape.safeParse(line);
    const message = data?.errorDetail?.message ?? data?.error;
    if (message) throw answerError(operation, STATUS_OF_STREAMED_ERROR, message);
  }
}
