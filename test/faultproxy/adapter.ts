import { type Clock, silentLogger } from '../../pkg/api/index.ts';
import { type DockerEngineOptions, createDockerEngine } from '../../pkg/docker/index.ts';
import { type Engine } from '../../pkg/reconcile/index.ts';

/** The machine's own time: what stands between an adapter and a socket cannot be moved by hand. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** The adapter on a socket, so impatient that a test need not wait. */
export function adapterOn(socketPath: string, options: Partial<DockerEngineOptions> = {}): Engine {
  const { timeouts, ...rest } = options;
  return createDockerEngine({
    host: socketPath,
    clock: realClock,
    logger: silentLogger,
    timeouts: {
      readMs: 250,
      changeMs: 250,
      startMs: 250,
      stopExtraMs: 250,
      pullIdleMs: 250,
      pullTotalMs: 1_000,
      livenessMs: 100,
      ...timeouts,
    },
    ...rest,
  });
}

/** Asks again, a few milliseconds apart, until it holds; fails with what it said last. */
export async function eventually(holds: () => unknown, patienceMs = 10_000): Promise<void> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    try {
      await holds();
      return;
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
