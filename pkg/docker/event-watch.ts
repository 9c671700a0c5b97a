import type { IncomingMessage } from 'node:http';
import { type Clock, errorMessage } from '../api/index.ts';
import type { Stoppable } from '../reconcile/index.ts';
import type { DockerClient } from './client.ts';
import { JsonObjects } from './json-stream.ts';
import { type WireEvent, eventShape } from './wire.ts';

export interface EventWatchOptions {
  readonly client: DockerClient;
  readonly clock: Clock;
  /** The stream begins, at first or again: everything before it may have been missed. */
  readonly onUp: () => void;
  /** The stream is lost, or cannot be had; once until it is back. */
  readonly onDown: (message: string) => void;
  readonly onEvent: (event: WireEvent) => void;
}

const EVENT_TYPES = ['container', 'network', 'image', 'daemon', 'node', 'swarm'];

const FIRST_DELAY_MS = 100;
const DELAY_CAP_MS = 1_000;
/** An engine that restarts is back within this time; until then a second of delay would be noticed. */
const EAGER_MS = 60_000;
const LATE_DELAY_MS = 5_000;
/** A stream that lived this long was a good one: the next loss begins with the first delay again. */
const GOOD_STREAM_MS = 5_000;

/** Milliseconds until the next try, after so many tries in a row that failed, the first of them `downMs` ago. */
export function retryDelay(failures: number, downMs: number): number {
  if (downMs >= EAGER_MS) return LATE_DELAY_MS;
  return Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), DELAY_CAP_MS);
}

/**
 * Follows the engine's events until stopped, over any number of connections. A frozen daemon closes nothing, so it is
 * pinged while the stream lives; a failed ping ends the stream.
 */
export class EventWatch implements Stoppable {
  readonly #options: EventWatchOptions;
  readonly #stopped = new AbortController();
  #isDown = false;

  constructor(options: EventWatchOptions) {
    this.#options = options;
  }

  /** Once. */
  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    let failures = 0;
    let lostAtMs = 0;
    for (;;) {
      const startedAtMs = clock.monotonic();
      const message = await this.#followOnce();
      if (this.#stopped.signal.aborted) return;
      const endedAtMs = clock.monotonic();
      if (failures === 0 || endedAtMs - startedAtMs >= GOOD_STREAM_MS) [failures, lostAtMs] = [0, endedAtMs];
      failures += 1;
      this.#tellDown(message);
      await this.#pause(retryDelay(failures, endedAtMs - lostAtMs));
    }
  }

  #tellDown(message: string): void {
    if (this.#isDown) return;
    this.#isDown = true;
    this.#options.onDown(message);
  }

  /** Follows one stream to its end, and returns why it ended. */
  async #followOnce(): Promise<string> {
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, this.#stopped.signal]);
    try {
      const response = await this.#open(signal);
      this.#isDown = false;
      this.#options.onUp();
      return await Promise.race([this.#readEvents(response), this.#lifeless(signal)]);
    } catch (error) {
      return errorMessage(error);
    } finally {
      ended.abort();
    }
  }

  #open(signal: AbortSignal): Promise<IncomingMessage> {
    const { client } = this.#options;
    // Another engine, of another version, may listen there now.
    client.forget();
    return client.stream(
      {
        operation: { name: 'events', what: 'follow the events of the engine' },
        method: 'GET',
        path: '/events',
        query: { filters: JSON.stringify({ type: EVENT_TYPES }) },
      },
      signal,
    );
  }

  async #readEvents(response: IncomingMessage): Promise<string> {
    const objects = new JsonObjects();
    for await (const chunk of response as AsyncIterable<Buffer>) {
      for (const object of objects.push(chunk)) {
        if (this.#stopped.signal.aborted) return 'stopped';
        const event = eventShape.safeParse(object);
        // An event of no known form still says that something happened.
        this.#options.onEvent(event.success ? event.data : {});
      }
    }
    return 'the engine ended its event stream';
  }

  /** Ends, with the reason, when the engine no longer answers. */
  async #lifeless(signal: AbortSignal): Promise<string> {
    const { client } = this.#options;
    const { livenessMs } = client.timeouts;
    for (;;) {
      await this.#pause(livenessMs, signal);
      if (signal.aborted) return 'stopped';
      try {
        await client.ping(livenessMs);
      } catch (error) {
        return errorMessage(error);
      }
    }
  }

  /** Ends after `ms`, or at once when `signal` aborts. */
  #pause(ms: number, signal: AbortSignal = this.#stopped.signal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.#options.clock.after(ms, done);
      if (signal.aborted) done();
      else signal.addEventListener('abort', done);
    });
  }
}
