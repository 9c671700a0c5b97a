import { readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Half of the kernel's default. */
const USUAL_LIMIT = 8_192;

/**
 * Counts the events of one turn of the event loop. The kernel drops events silently when its queue is full, and all folders share
 * one queue: `lost` is told when so many came that it may have overflowed.
 */
export class Burst {
  readonly #limit = burstLimit();
  readonly #lost: () => void;
  #count = 0;

  constructor(lost: () => void) {
    this.#lost = lost;
  }

  note(): void {
    this.#count += 1;
    if (this.#count > 1) return;
    void nextTurn().then(() => {
      const mayHaveLost = this.#count >= this.#limit;
      this.#count = 0;
      if (mayHaveLost) this.#lost();
    });
  }
}

/** Half of what the queue holds. */
function burstLimit(): number {
  try {
    return Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8')) / 2;
  } catch {
    return USUAL_LIMIT;
  }
}
