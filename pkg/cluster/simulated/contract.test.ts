import { FakeClock } from '../../api/index.ts';
import { storeContract, type StoreSubject } from '../../../test/contract/store.contract.ts';
import { SimulatedCoordinator } from './index.ts';

const SESSION_TIMEOUT_MS = 6_000;
const STEP_MS = 5;
const PATIENCE_MS = 120_000;

function subject(latencyMs: number): StoreSubject {
  const clock = new FakeClock();
  const coordinator = new SimulatedCoordinator({
    clock,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    latency: () => latencyMs,
  });
  const clients: string[] = [];
  return {
    open: () => {
      const client = `client-${clients.length}`;
      clients.push(client);
      return coordinator.open(client);
    },
    freeze: () => coordinator.freeze(),
    thaw: () => coordinator.thaw(),
    cut: () => clients.forEach((client) => coordinator.cut(client)),
    down: async () => {
      coordinator.stop();
      await Promise.resolve();
    },
    up: async () => {
      coordinator.start();
      await Promise.resolve();
    },
    expire: (session) => {
      const owner = clients.find((client) => coordinator.sessionOf(client) === session);
      if (owner !== undefined) coordinator.expire(owner);
      return Promise.resolve();
    },
    monotonic: () => clock.monotonic(),
    slackMs: STEP_MS,
    until: async (what, holds) => {
      for (let passedMs = 0; !holds(); passedMs += STEP_MS) {
        if (passedMs > PATIENCE_MS) throw new Error(`waited in vain for ${what}`);
        await clock.advanceAsync(STEP_MS);
      }
    },
    dispose: () => Promise.resolve(),
  };
}

storeContract('simulated', () => Promise.resolve(subject(0)));
storeContract('simulated, over a slow network', () => Promise.resolve(subject(40)));
