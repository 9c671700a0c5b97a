import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { type Clock, type Logger, OvrError } from '../api/index.ts';
import type { Open, Request } from './connection.ts';
import { withDeadline } from './deadline.ts';
import { garbled, timedOut, unreachable } from './errors.ts';
import { checkShape, failureOf, readBody } from './exchange.ts';
import type { Operation, Timeouts } from './operation.ts';
import { OLDEST_API, agreedVersion, isApiVersion } from './version.ts';
import { versionShape } from './wire.ts';

/** One request and what it is for; the path is without the API version. */
export interface Call extends Request {
  readonly operation: Operation;
  /** Milliseconds; absent: the deadline of a read. */
  readonly timeoutMs?: number;
}

export interface ClientOptions {
  readonly open: Open;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timeouts: Timeouts;
  /** Used as it is instead of asking the engine. */
  readonly forcedVersion?: string;
}

const PING: Operation = { name: 'ping', what: 'ping the engine' };
const ASK_VERSION: Operation = { name: 'version', what: 'ask the engine for its API version' };

/** After these the engine may be another one, with another API version. */
const DOUBTS_VERSION = new Set(['engine-unreachable', 'api-version']);

/**
 * Sends calls to one engine, each with the API version that was agreed on first and with a deadline. Every failure is an
 * OvrError.
 */
export class DockerClient {
  readonly timeouts: Timeouts;
  readonly #options: ClientOptions;
  #version: Promise<string> | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.timeouts = options.timeouts;
  }

  /** The API version in use; asks the engine on first use and after `forget`. */
  apiVersion(): Promise<string> {
    this.#version ??= this.#negotiate().catch((error: unknown) => {
      this.#version = undefined;
      throw error;
    });
    return this.#version;
  }

  /** The next call agrees on the API version anew. */
  forget(): void {
    this.#version = undefined;
  }

  /** Fails unless the engine answers within `timeoutMs`. Returns the newest API version that it speaks, if it says. */
  ping(timeoutMs: number): Promise<string | undefined> {
    const call: Call = { operation: PING, method: 'GET', path: '/_ping', timeoutMs };
    return this.#within(call, async (signal) => {
      const response = await this.#open(call, signal);
      const text = await readBody(PING, response);
      const newest = response.headers['api-version'];
      if (text.trim() !== 'OK') throw garbled(PING, 'it is not "OK"');
      if (newest === undefined) return undefined;
      if (typeof newest === 'string' && isApiVersion(newest)) return newest;
      throw garbled(PING, `its API version is "${newest.toString()}"`);
    });
  }

  /** Sends a call and returns the body of its answer. */
  async send(call: Call): Promise<string> {
    const versioned = await this.#versioned(call);
    return this.#within(call, async (signal) =>
      readBody(call.operation, await this.#open(versioned, signal)),
    );
  }

  /** Sends a call and reads the JSON that it answers with; `engine-garbled` when it has another shape. */
  async request<T>(call: Call, shape: z.ZodType<T>): Promise<T> {
    return checkShape(call.operation, shape, await this.send(call));
  }

  /** Sends a call and hands over the answer as a stream. The deadline is for its head; `signal` ends all of it. */
  async stream(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    const versioned = await this.#versioned(call);
    return this.#within(call, () => this.#open(versioned, signal));
  }

  async #versioned(call: Call): Promise<Call> {
    return { ...call, path: `/v${await this.apiVersion()}${call.path}` };
  }

  async #negotiate(): Promise<string> {
    const { forcedVersion, timeouts, logger } = this.#options;
    if (forcedVersion !== undefined) return forcedVersion;
    const version = agreedVersion((await this.ping(timeouts.readMs)) ?? (await this.#askVersion()));
    logger.debug({ apiVersion: version }, 'agreed on an API version');
    return version;
  }

  /** Docker before 1.13 does not tell in a ping. It speaks the oldest version that ovr does, or none that ovr does. */
  async #askVersion(): Promise<string> {
    const call: Call = { operation: ASK_VERSION, method: 'GET', path: `/v${OLDEST_API}/version` };
    const text = await this.#within(call, async (signal) =>
      readBody(ASK_VERSION, await this.#open(call, signal)),
    );
    return checkShape(ASK_VERSION, versionShape, text).ApiVersion;
  }

  /** Runs a call under its deadline. */
  async #within<T>(call: Call, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, logger } = this.#options;
    const { operation, timeoutMs = this.timeouts.readMs } = call;
    const startedMs = clock.monotonic();
    try {
      return await withDeadline(clock, timeoutMs, () => timedOut(operation, timeoutMs), work);
    } catch (error) {
      if (error instanceof OvrError && DOUBTS_VERSION.has(error.code)) this.forget();
      throw error;
    } finally {
      const durationMs = clock.monotonic() - startedMs;
      logger.debug({ operation: operation.name, path: call.path, durationMs }, 'engine call');
    }
  }

  /** Sends a request as it is; any answer but a success is a failure. */
  async #open(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    const response = await this.#options.open(call, signal).catch((error: unknown) => {
      throw unreachable(call.operation, error);
    });
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    throw await failureOf(call.operation, response);
  }
}
