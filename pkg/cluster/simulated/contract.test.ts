import { storeContract, type StoreSubject } from '../../../test/contract/store.contract.ts';
import { FakeClock } from '../../api/index.ts';
import { SimulatedCoordinator } from './index.ts';

const SESSION_TIMEOUT_MS = 6_000;
const STEP_MS = 20;
const STEPS = 3_000;

function subject(): StoreSubject {
  const clock = new FakeClock();
  const coordinator = new SimulatedCoordinator({ clock, sessionTimeoutMs: SESSION_TIMEOUT_MS });
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
    down: () => {
      coordinator.stop();
      return Promise.resolve();
    },
    up: () => {
      coordinator.start();
      return Promise.resolve();
    },
    expire: (session) => {
      const client = clients.find((name) => coordinator.sessionOf(name) === session);
      if (client !== undefined) coordinator.expire(client);
      return Promise.resolve();
    },
    monotonic: () => clock.monotonic(),
    slackMs: STEP_MS,
    until: async (what, holds) => {
      for (let step = 0; step < STEPS; step += 1) {
        await clock.advanceAsync(0);
        if (holds()) return;
        await clock.advanceAsync(STEP_MS);
      }
      if (!holds()) throw new Error(`never came: ${what}`);
    },
    dispose: () => Promise.resolve(),
  };
}

storeContract('the simulated one', () => Promise.resolve(subject()));
