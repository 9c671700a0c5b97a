import type { StoreEvent } from './store.ts';

/** What is known of the connection to the coordinator. */
export class Contact {
  /** The present session, while connected. */
  #session: string | undefined;
  #connections = 0;
  #expired = 0;
  #disconnected = 0;
  #message = 'connecting to the coordinator';

  /** The session in use now; undefined while there is no connection. */
  get session(): string | undefined {
    return this.#session;
  }

  /**
   * Names the present connection, 0 while there is none. What was read over an earlier one may be older than what its watches would
   * have told, so whoever waited compares this before believing it.
   */
  get connection(): number {
    return this.#session === undefined ? 0 : this.#connections;
  }

  /** In a sentence, for people. */
  get message(): string {
    return this.#message;
  }

  get lost(): { readonly expired: number; readonly disconnected: number } {
    return { expired: this.#expired, disconnected: this.#disconnected };
  }

  take(event: StoreEvent): void {
    switch (event.type) {
      case 'connected':
        this.#session = event.session;
        this.#connections += 1;
        this.#message = 'connected';
        break;
      case 'disconnected':
        this.#part(`no connection to the coordinator (${event.message}); trying again`);
        this.#disconnected += 1;
        break;
      case 'expired':
        this.#part('the coordinator has let the session go; making a new one');
        this.#expired += 1;
        break;
      case 'refused':
        this.#part(`the coordinator refuses this agent: ${event.message}`);
        break;
    }
  }

  #part(message: string): void {
    this.#session = undefined;
    this.#message = message;
  }
}
