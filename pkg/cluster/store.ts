/**
 * The small tree that the agents of a cluster share, seen over one session: ZooKeeper, or the simulated one. Paths are relative to
 * the cluster's root and have no slash at the start: `members/n1`. Parent folders are made as needed. Data is UTF-8 text.
 *
 * Calls that do not wait for each other are done in the order in which they were made: of two reads the first never shows a later state
 * than the second.
 *
 * Every call has a deadline of its own and fails with an OvrError:
 * - `coordinator-unreachable` (transient): no connection now; nothing was sent
 * - `coordinator-timeout` (transient): sent, but no answer came; it may have been done
 * - `coordinator-conflict` (waiting): a version, a check or an existing path was against it; nothing was done
 * - `coordinator-refused` (invalid): credentials or ACLs forbid it
 * - `coordinator-error` (transient): anything else the server said; (invalid): more than 1 MB in one call, nothing was sent
 */
export interface CoordinationStore {
  /** Begins to connect and goes on for ever until stop(). */
  start(listener: (event: StoreEvent) => void): void;
  /** Ends the session, so that what is ephemeral goes at once; within 2 s, also when the server does not answer. */
  stop(): Promise<void>;
  /**
   * When the newest request that was answered in the present session had been sent, by the monotonic clock: the server cannot have let
   * the session expire before that plus the session timeout. Absent before the first answer.
   */
  lastContactMs(): number | undefined;
  /** What the server granted, in milliseconds; before the first connection what is asked for. */
  sessionTimeoutMs(): number;

  /** Undefined where there is none; the watch then waits for one to be made. */
  get(path: string, watch?: Watch): Promise<Znode | undefined>;
  /** Names in a folder, sorted; empty where there is no such folder (a watch is then not kept). */
  children(path: string, watch?: Watch): Promise<readonly string[]>;
  /** All or nothing. */
  commit(writes: readonly StoreWrite[]): Promise<void>;
  /** Makes an ephemeral znode `folder/prefix` + ten digits that count up; returns its path. */
  createSequential(folder: string, prefix: string, data: string): Promise<string>;
}

/**
 * Rings once, at the next change of what was read with it. A hint: it may ring for nothing, and after a lost connection it never rings.
 * Whoever watches reads everything again after each `connected`.
 */
export type Watch = () => void;

export interface Znode {
  readonly data: string;
  /** Counts the changes of this znode. */
  readonly version: number;
  /** Whether this very session owns it as ephemeral; false also for what is persistent. */
  readonly mine: boolean;
  readonly ephemeral: boolean;
}

export type StoreWrite =
  | { readonly type: 'create'; readonly path: string; readonly data: string; readonly ephemeral: boolean }
  /** Absent version: whatever is there. Version 0 means 0. */
  | { readonly type: 'set'; readonly path: string; readonly data: string; readonly version?: number }
  | { readonly type: 'remove'; readonly path: string; readonly version?: number }
  /** The path must exist, with this version if one is named. */
  | { readonly type: 'check'; readonly path: string; readonly version?: number };

export type StoreEvent =
  /** `sameSession`: ephemerals of before still stand. All watches are gone. */
  | { readonly type: 'connected'; readonly session: string; readonly sameSession: boolean }
  /** Also when the server has been silent for two thirds of the session timeout. */
  | { readonly type: 'disconnected'; readonly message: string }
  /** The server has let the session go, and its ephemerals with it; a new one is being made. */
  | { readonly type: 'expired' }
  /** It will not work without a person: wrong credentials, no such root. It is tried again all the same. */
  | { readonly type: 'refused'; readonly message: string };
