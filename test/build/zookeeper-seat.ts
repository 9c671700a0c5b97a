import { FakeClock, silentLogger } from '../../pkg/api/index.ts';
import type { CoordinationStore, StoreEvent } from '../../pkg/cluster/index.ts';
import { createZooKeeperStore } from '../../pkg/zookeeper/index.ts';

export const SESSION_TIMEOUT_MS = 6_000;
/** The sockets and the resolver of names are real, and as fast as the machine is at the moment; only the store's time is not. */
const PATIENCE_MS = 30_000;

/** A store over real sockets on loopback and a clock of its own, and what it told. */
export class ZooKeeperSeat {
  readonly clock = new FakeClock();
  readonly events: StoreEvent[] = [];
  readonly store: CoordinationStore;
  #sleptMs = 0;

  constructor(ports: readonly number[], more: { auth?: string; host?: string; random?: () => number } = {}) {
    const { auth, host = '127.0.0.1', random = () => 0.5 } = more;
    this.store = createZooKeeperStore({
      address: { servers: ports.map((port) => ({ host, port })), root: '/ovr/test' },
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      clock: {
        now: () => this.clock.now(),
        monotonic: () => this.nowMs,
        after: (delayMs, callback) => this.clock.after(delayMs, callback),
      },
      logger: silentLogger,
      random,
      ...(auth === undefined ? {} : { auth }),
    });
  }

  /** What the store takes for the time. */
  get nowMs(): number {
    return this.clock.monotonic() + this.#sleptMs;
  }

  /** Time passes without any timer running, as for a process that was stopped; then `ms` more in which those run that are due. */
  oversleep(sleptMs: number, ms: number): void {
    this.#sleptMs += sleptMs;
    this.clock.advance(ms);
  }

  get told(): StoreEvent['type'][] {
    return this.events.map(({ type }) => type);
  }

  start(): this {
    this.store.start((event) => void this.events.push(event));
    return this;
  }

  /** Lets the sockets do their work until it holds; time stands still. */
  async until(what: string, holds: () => boolean): Promise<void> {
    const began = performance.now();
    while (performance.now() - began < PATIENCE_MS) {
      if (holds()) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error(`never came: ${what}; told: ${JSON.stringify(this.events)}`);
  }

  /** As `until`, with time going on by 50 ms whenever the sockets are at rest. */
  async lives(what: string, holds: () => boolean): Promise<void> {
    for (let step = 0; step < 2_000; step += 1) {
      for (let turn = 0; turn < 30; turn += 1) {
        if (holds()) return;
        await new Promise((resolve) => setImmediate(resolve));
      }
      this.clock.advance(50);
    }
    throw new Error(`never came: ${what}; told: ${JSON.stringify(this.events)}`);
  }

  async hears(type: StoreEvent['type'], times = 1): Promise<void> {
    await this.lives(
      `${type} for the ${times}. time`,
      () => this.told.filter((each) => each === type).length >= times,
    );
  }

  /** Stops the store, with time going on. */
  async stop(): Promise<void> {
    let stopped = false;
    void this.store.stop().then(() => (stopped = true));
    await this.lives('the end', () => stopped);
  }
}
