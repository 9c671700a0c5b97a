import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FakeClock } from '../../pkg/api/index.ts';

/** Lets everything that needs no time happen, which takes so many turns of the event loop at most. */
export async function settleTurns(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await nextTurn();
}

/** Lets time pass in steps, and everything happen after each of them. */
export async function passTime(clock: FakeClock, ms: number, turns: number): Promise<void> {
  const step = ms > 5_000 ? 500 : 50;
  for (let passed = 0; passed < ms; passed += step) {
    clock.advance(Math.min(step, ms - passed));
    await settleTurns(turns);
  }
}
