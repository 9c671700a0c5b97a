/** Makes callers that come while a call is under way get its answer instead of starting another one. */
export function shareCalls<T>(call: () => Promise<T>): () => Promise<T> {
  let current: Promise<T> | undefined;
  return () => {
    current ??= call().finally(() => {
      current = undefined;
    });
    return current;
  };
}
