import type { Clock } from '../../pkg/api/index.ts';

interface Entry {
  readonly dueMs: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/** When every simulation begins: 2026-01-01T00:00:00Z. */
const EPOCH_MS = 1_767_225_600_000;

/** The one time line of a simulation: what is due first runs first, and of what is due together what was asked for first. */
export class EventQueue {
  #nowMs = 0;
  #order = 0;
  /** A binary heap. */
  readonly #heap: Entry[] = [];

  /** Milliseconds since the simulation began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Calls `run` at that time, or as soon as possible; the returned function cancels it. */
  at(dueMs: number, run: () => void): () => void {
    this.#order += 1;
    const entry: Entry = { dueMs: Math.max(dueMs, this.#nowMs), order: this.#order, run };
    this.#push(entry);
    return () => {
      entry.run = undefined;
    };
  }

  /** Runs what is due next, if that is before `endMs`; else moves on to `endMs` and returns false. */
  step(endMs: number): boolean {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.dueMs > endMs) {
        this.#nowMs = Math.max(this.#nowMs, endMs);
        return false;
      }
      this.#pop();
      const { run } = next;
      if (run === undefined) continue;
      this.#nowMs = next.dueMs;
      run();
      return true;
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

/** The clock of engines and of the coordinator: exact, and never stopped. */
export function trueClock(queue: EventQueue): Clock {
  return {
    now: () => EPOCH_MS + queue.nowMs,
    monotonic: () => queue.nowMs,
    after: (delayMs, run) => queue.at(queue.nowMs + delayMs, run),
  };
}

/** The clock of one agent process: a base of its own, a wall clock that may be wrong, and it stops for a frozen process. */
export class ProcessClock implements Clock {
  readonly #queue: EventQueue;
  readonly #baseMs: number;
  /** How far the wall clock is off. */
  skewMs: number;
  #phase: 'running' | 'frozen' | 'dead' = 'running';
  readonly #timers = new Set<() => void>();
  #backlog: (() => void)[] = [];

  constructor(queue: EventQueue, off: { baseMs: number; skewMs: number }) {
    this.#queue = queue;
    this.#baseMs = off.baseMs - queue.nowMs;
    this.skewMs = off.skewMs;
  }

  get isFrozen(): boolean {
    return this.#phase === 'frozen';
  }

  now(): number {
    return Math.floor(EPOCH_MS + this.#queue.nowMs + this.skewMs);
  }

  monotonic(): number {
    return this.#queue.nowMs + this.#baseMs;
  }

  /** When something happened by the simulation's time line, of what this clock's monotonic time was. */
  trueMs(monotonicMs: number): number {
    return monotonicMs - this.#baseMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    if (this.#phase === 'dead') return () => undefined;
    let isDone = false;
    const run = (): void => {
      if (isDone || this.#phase === 'dead') return;
      isDone = true;
      this.#timers.delete(cancel);
      callback();
    };
    const drop = this.#queue.at(this.#queue.nowMs + Math.max(0, delayMs), () => {
      if (this.#phase === 'frozen') this.#backlog.push(run);
      else run();
    });
    const cancel = (): void => {
      isDone = true;
      drop();
      this.#timers.delete(cancel);
    };
    this.#timers.add(cancel);
    return cancel;
  }

  freeze(): void {
    if (this.#phase === 'running') this.#phase = 'frozen';
  }

  /** Everything that fell due meanwhile runs now, in the order it was due. */
  thaw(): void {
    if (this.#phase !== 'frozen') return;
    this.#phase = 'running';
    const backlog = this.#backlog;
    this.#backlog = [];
    for (const run of backlog) this.#queue.at(this.#queue.nowMs, run);
  }

  kill(): void {
    this.#phase = 'dead';
    for (const cancel of [...this.#timers]) cancel();
    this.#backlog = [];
  }
}
