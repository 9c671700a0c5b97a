import type { Clock, OvrError } from '../api/index.ts';

/** Ends work that takes too long. The work gets a signal that aborts when its time is over, and in any case once it has ended. */
export async function withDeadline<T>(
  clock: Clock,
  timeoutMs: number,
  late: () => OvrError,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let cancel: () => void = () => undefined;
  // The race is what ends a call whose connection takes no notice of the signal.
  const alarm = new Promise<never>((_, reject) => {
    cancel = clock.after(timeoutMs, () => reject(late()));
  });
  try {
    return await Promise.race([work(controller.signal), alarm]);
  } finally {
    cancel();
    controller.abort();
  }
}
