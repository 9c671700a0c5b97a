import type { AgentEvent } from './status.ts';

const CAPACITY = 2_000;

/** The latest events, oldest first, and who wants to hear of new ones. */
export class EventLog {
  readonly #events: AgentEvent[] = [];
  readonly #listeners = new Set<(event: AgentEvent) => void>();
  #lastId = 0;

  add(event: Omit<AgentEvent, 'id'>): void {
    this.#lastId += 1;
    const numbered = { id: this.#lastId, ...event };
    this.#events.push(numbered);
    if (this.#events.length > CAPACITY) this.#events.shift();
    for (const listener of this.#listeners) listener(numbered);
  }

  after(id: number): readonly AgentEvent[] {
    return this.#events.filter((event) => event.id > id);
  }

  subscribe(listener: (event: AgentEvent) => void): { stop(): void } {
    this.#listeners.add(listener);
    return { stop: () => void this.#listeners.delete(listener) };
  }
}
