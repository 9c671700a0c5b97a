import type { Clock } from '../../api/index.ts';
import type { EngineEvent, Stoppable } from '../ports.ts';

export interface BellOptions {
  /** How late events come, milliseconds; without it as soon as the running code yields. */
  readonly delayMs?: number;
  /** How often one is delivered: 0 loses it, 2 doubles it. The index counts a host's events from 0. */
  readonly copies?: (event: EngineEvent, index: number) => number;
}

/** Delivers one host's events to those who watch it, never from within the call that caused them. */
export class Bell {
  readonly #clock: Clock;
  readonly #options: BellOptions;
  readonly #listeners = new Set<(event: EngineEvent) => void>();
  #index = 0;

  constructor(clock: Clock, options: BellOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  watch(listener: (event: EngineEvent) => void, first: EngineEvent): Stoppable {
    // A function of its own, so that one listener can watch twice.
    const own = (event: EngineEvent): void => listener(event);
    this.#listeners.add(own);
    this.#later(() => this.#tell(own, first));
    return { stop: () => void this.#listeners.delete(own) };
  }

  ring(event: EngineEvent): void {
    const copies = this.#options.copies?.(event, this.#index) ?? 1;
    this.#index += 1;
    const audience = [...this.#listeners];
    for (let copy = 0; copy < copies; copy += 1) {
      this.#later(() => {
        for (const listener of audience) this.#tell(listener, event);
      });
    }
  }

  #tell(listener: (event: EngineEvent) => void, event: EngineEvent): void {
    if (this.#listeners.has(listener)) listener(event);
  }

  #later(deliver: () => void): void {
    const { delayMs } = this.#options;
    if (delayMs === undefined) queueMicrotask(deliver);
    else this.#clock.after(delayMs, deliver);
  }
}
