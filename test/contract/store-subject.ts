import type { CoordinationStore } from '../../pkg/cluster/index.ts';

/** A server with an empty tree, and what the contract needs done to it behind the stores' backs. */
export interface StoreSubject {
  /** One more store on the tree, with a session of its own, not started yet. All ask for the same session timeout. */
  open(): CoordinationStore;
  /** Stops the server in its tracks: connections to it stand and succeed, and nothing answers. */
  freeze(): void;
  /** It goes on as if nothing had been. */
  thaw(): void;
  /** Breaks every connection; new ones are accepted at once. */
  cut(): void;
  /** Ends the server; connections to it are refused. Its tree and its sessions stay. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** Ends that session (`connected` told it) on the server; ends when its ephemerals are gone. */
  expire(session: string): Promise<void>;
  /** The stores' monotonic clock. */
  monotonic(): number;
  /** How late a timer may be on this clock, in milliseconds: 0 where time is simulated. */
  readonly slackMs: number;
  /** Lets time pass until it holds; fails with `what` when it never does. */
  until(what: string, holds: () => boolean): Promise<void>;
  /** Stops everything; the stores are stopped already. */
  dispose(): Promise<void>;
}
