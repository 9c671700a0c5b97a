/** How many reads are under way at once: enough to fill a connection, few enough not to fill the server's queue. */
const AT_ONCE = 64;

/** Does the work for each item, a bounded number at once; fails with the first failure, after all begun ones have ended. */
export async function inParallel<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.pop(); item !== undefined && failures.length === 0; item = queue.pop()) {
      await work(item).catch((error: unknown) => failures.push(error));
    }
  };
  queue.reverse();
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, queue.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
