import type { Clock } from '../api/index.ts';

/** Resolves when the promise settles or the time is over, whichever is first; leaves no timer behind. */
export function endsWithin(promise: Promise<unknown>, deadlineMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(deadlineMs, resolve);
    const end = (): void => {
      cancel();
      resolve();
    };
    promise.then(end, end);
  });
}
