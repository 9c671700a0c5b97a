import type { Bindings } from './bindings.ts';
import type { StoreWrite } from './store.ts';

/** A change of one node's bindings. */
export interface Change {
  readonly node: string;
  readonly bindings: Bindings;
}

/** Writes that are done together, and what is true after them. */
export interface Batch {
  readonly writes: readonly StoreWrite[];
  readonly changes: readonly Change[];
}

/** ZooKeeper takes 1 MiB in one request, checks and paths included. */
const MAX_BYTES = 900_000;
const MAX_WRITES = 1_000;
/** About what a write costs beside its path and data. */
const OVERHEAD_BYTES = 64;

/** Packs changes into as few batches as the coordinator takes, in order; one node's writes stay together where they fit. */
export function pack(
  changes: readonly Change[],
  writesOf: (change: Change) => readonly StoreWrite[],
): Batch[] {
  const batches: { writes: StoreWrite[]; changes: Change[] }[] = [];
  let last: (typeof batches)[number] | undefined;
  let bytes = 0;
  const begin = (): { writes: StoreWrite[]; changes: Change[] } => {
    last = { writes: [], changes: [] };
    batches.push(last);
    bytes = 0;
    return last;
  };
  for (const change of changes) {
    const writes = writesOf(change);
    const size = sizeOf(writes);
    let batch = last ?? begin();
    if (batch.writes.length > 0 && !fits(bytes + size, batch.writes.length + writes.length)) batch = begin();
    for (const write of writes) {
      const more = sizeOf([write]);
      if (batch.writes.length > 0 && !fits(bytes + more, batch.writes.length + 1)) batch = begin();
      batch.writes.push(write);
      bytes += more;
    }
    batch.changes.push(change);
  }
  return batches;
}

/** Whether these can go in one request with a few checks. */
export function fitTogether(writes: readonly StoreWrite[]): boolean {
  return fits(sizeOf(writes), writes.length);
}

function fits(bytes: number, count: number): boolean {
  return bytes <= MAX_BYTES && count <= MAX_WRITES;
}

function sizeOf(writes: readonly StoreWrite[]): number {
  let bytes = 0;
  for (const write of writes) {
    bytes += OVERHEAD_BYTES + write.path.length;
    if ('data' in write) bytes += Buffer.byteLength(write.data);
  }
  return bytes;
}
