import { type Clock, silentLogger } from '../../pkg/api/index.ts';
import { type DockerEngineOptions, createDockerEngine } from '../../pkg/docker/index.ts';
import type { Engine } from '../../pkg/reconcile/index.ts';

/** The machine's own time: what stands between an adapter and a socket cannot be moved by hand. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

const IMPATIENCE_MS = 250;

/** So short that a test of them need not wait; on a busy machine what goes well can take as long. */
export const IMPATIENT: NonNullable<DockerEngineOptions['timeouts']> = {
  readMs: IMPATIENCE_MS,
  changeMs: IMPATIENCE_MS,
  startMs: IMPATIENCE_MS,
  stopExtraMs: IMPATIENCE_MS,
  pullIdleMs: IMPATIENCE_MS,
  pullTotalMs: 4 * IMPATIENCE_MS,
  livenessMs: IMPATIENCE_MS,
};

/** The adapter on a socket, on its own and without a log. */
export function adapterOn(socketPath: string, options: Partial<DockerEngineOptions> = {}): Engine {
  return createDockerEngine({ host: socketPath, clock: realClock, logger: silentLogger, ...options });
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
