import { type ClientRequest, request } from 'node:http';
import { z } from 'zod';

const eventShape = z.object({
  Type: z.string(),
  Action: z.string(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()).nullish() }),
});
type EngineEvent = z.infer<typeof eventShape>;

interface Listener {
  (event: EngineEvent, atMs: number): void;
}

/** The engine's own word on what happened, with the time (`performance.now()`) at which it arrived here. */
export class EngineEvents {
  readonly #request: ClientRequest;
  readonly #listeners = new Set<Listener>();
  #rest = '';

  /** Resolves when the stream is open. */
  static open(socketPath: string): Promise<EngineEvents> {
    return new Promise((resolve, reject) => {
      const filters = encodeURIComponent(JSON.stringify({ type: ['container', 'network'] }));
      const sent = request({ socketPath, path: `/events?filters=${filters}`, agent: false }, (response) => {
        const events = new EngineEvents(sent);
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => events.#push(chunk));
        response.on('error', () => undefined); // it is cut when it is closed
        resolve(events);
      });
      sent.on('error', reject);
      sent.end();
    });
  }

  private constructor(sent: ClientRequest) {
    this.#request = sent;
  }

  close(): void {
    this.#request.destroy();
  }

  /** The time at which a container of this name has started, from now on. */
  started(name: string, timeoutMs = 30_000): Promise<number> {
    return this.allStarted([name], timeoutMs);
  }

  /** The time at which the last of these has started. */
  allStarted(names: readonly string[], timeoutMs: number): Promise<number> {
    const missing = new Set(names);
    return this.#until(
      timeoutMs,
      () => `the start of ${missing.size} of ${names.length} containers`,
      (event) => {
        if (event.Type !== 'container' || event.Action !== 'start') return false;
        missing.delete(event.Actor.Attributes?.['name'] ?? '');
        return missing.size === 0;
      },
    );
  }

  /** The time at which this container has been connected to a network. */
  connected(containerId: string, timeoutMs = 30_000): Promise<number> {
    return this.#until(
      timeoutMs,
      () => `container ${containerId} to be connected`,
      (event) => {
        const isConnect = event.Type === 'network' && event.Action === 'connect';
        return isConnect && event.Actor.Attributes?.['container'] === containerId;
      },
    );
  }

  #until(timeoutMs: number, what: () => string, isLast: (event: EngineEvent) => boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(listener);
      };
      const listener: Listener = (event, atMs) => {
        if (!isLast(event)) return;
        end();
        resolve(atMs);
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`waited ${timeoutMs / 1_000} s for ${what()}`));
      }, timeoutMs);
      this.#listeners.add(listener);
    });
  }

  #push(chunk: string): void {
    const atMs = performance.now();
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines.filter((text) => text.trim() !== '')) {
      const event = eventShape.parse(JSON.parse(line));
      for (const listener of this.#listeners) listener(event, atMs);
    }
  }
}
