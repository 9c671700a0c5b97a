/** Every kind of request that the adapter sends; nothing else can be sent. */
export const OPERATIONS = [
  'ping',
  'version',
  'info',
  'node',
  'nodes',
  'tasks',
  'list-containers',
  'list-networks',
  'inspect-container',
  'inspect-network',
  'inspect-image',
  'pull-image',
  'events',
  'create-network',
  'remove-network',
  'create-container',
  'start-container',
  'stop-container',
  'unpause-container',
  'rename-container',
  'update-container',
  'remove-container',
  'connect',
  'disconnect',
] as const;
export type OperationName = (typeof OPERATIONS)[number];

export interface Operation {
  readonly name: OperationName;
  /** What it does, for a message that begins with "Cannot": `connect container web to network ovr0`. */
  readonly what: string;
}

/** Milliseconds. */
export interface Timeouts {
  /** Ping, lists, inspects. */
  readonly readMs: number;
  /** Create, connect, disconnect, remove, rename, update. */
  readonly changeMs: number;
  readonly startMs: number;
  /** What a stop may take beyond the container's grace period. */
  readonly stopExtraMs: number;
  /** A pull that tells nothing for this long is given up. */
  readonly pullIdleMs: number;
  readonly pullTotalMs: number;
  /** How often the engine is asked whether it is alive while its event stream is quiet, and how long it has to answer. */
  readonly livenessMs: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = {
  readMs: 10_000,
  changeMs: 30_000,
  startMs: 60_000,
  stopExtraMs: 15_000,
  pullIdleMs: 60_000,
  pullTotalMs: 15 * 60_000,
  livenessMs: 5_000,
};
