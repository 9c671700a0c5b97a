import type { ServerResponse } from 'node:http';

import type { Clock } from '../api/index.ts';
import type { AgentEvent, AgentView } from '../reconcile/index.ts';
import { HttpError } from './reply.ts';

const MAX_FOLLOWERS = 32;
/** An empty line this often tells a client that the agent lives, and the agent that a client does not. */
export const HEARTBEAT_MS = 15_000;
/** A client that lets this much pile up is dropped; it can come back with the ID of the last event it has seen. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024;

/** The clients that follow the events, each on its own open answer. */
export class Followers {
  readonly #view: AgentView;
  readonly #clock: Clock;
  readonly #responses = new Set<ServerResponse>();

  constructor(view: AgentView, clock: Clock) {
    this.#view = view;
    this.#clock = clock;
  }

  /** Sends what is there after `afterId`, then every new event, one JSON object a line. */
  add(response: ServerResponse, afterId: number): void {
    if (this.#responses.size >= MAX_FOLLOWERS) {
      throw new HttpError(
        503,
        'too-many-followers',
        'too many clients follow the events already: end one of them',
      );
    }
    response.writeHead(200, { 'Content-Type': 'application/x-ndjson; charset=utf-8' });
    response.flushHeaders();
    const send = (event: AgentEvent): void => write(response, `${JSON.stringify(event)}\n`);
    // In one turn, so that no event falls between the two.
    for (const event of this.#view.events(afterId)) send(event);
    const subscription = this.#view.onEvent(send);
    const stopHeartbeat = this.#beat(response);
    this.#responses.add(response);
    response.once('close', () => {
      subscription.stop();
      stopHeartbeat();
      this.#responses.delete(response);
    });
  }

  /** Ends all answers. */
  close(): void {
    for (const response of this.#responses) response.end();
  }

  #beat(response: ServerResponse): () => void {
    let cancel = (): void => undefined;
    const next = (): void => {
      cancel = this.#clock.after(HEARTBEAT_MS, () => {
        write(response, '\n');
        next();
      });
    };
    next();
    return () => cancel();
  }
}

function write(response: ServerResponse, line: string): void {
  if (response.writableLength > MAX_UNSENT_BYTES) response.destroy();
  else if (!response.writableEnded) response.write(line);
}
