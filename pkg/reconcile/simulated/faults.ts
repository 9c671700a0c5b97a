import type { Engine } from '../ports.ts';

/** What can be asked of an engine, by the name of its method. */
export type Operation = Exclude<keyof Engine, 'watch'>;

export interface EngineCall {
  readonly host: string;
  readonly operation: Operation;
  readonly args: readonly unknown[];
  /** `before`: nothing has been done yet. `after`: it has been done and the answer is on its way. */
  readonly phase: 'before' | 'after';
}

/**
 * Called twice for each engine call. What it throws is thrown to the caller: in the phase `before` nothing has been done, in
 * the phase `after` the work was done and only the answer is lost. What it returns is waited for.
 */
export type FaultHook = (call: EngineCall) => Promise<void> | undefined;

/** How long operations take, milliseconds; one that is not named takes none. */
export interface Latency {
  readonly operations: Readonly<Partial<Record<Operation, number>>>;
  /** Which part of each, 0 to 1, a host does one at a time. 0 unless told. */
  readonly serialShare?: number;
}
