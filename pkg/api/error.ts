/**
 * What a failure asks for; the executor's retry table is keyed by it.
 * - `transient`: try again with back-off (engine unreachable, time-out, 5xx)
 * - `waiting`: something else must happen first; try again after a known delay
 * - `invalid`: the engine refuses the input; do not try again until the input changes
 * - `already-so`: the wanted state holds already; counts as success
 */
export type ErrorKind = 'transient' | 'waiting' | 'invalid' | 'already-so';

/** Failures by name: metric-safe, shown in events and the API. Adapters translate what they get into one of these. */
export const ERROR_CODES = [
  'engine-unreachable',
  'engine-timeout',
  'engine-garbled',
  'engine-error',
  'api-version',
  'not-found',
  'network-not-found',
  'already-exists',
  'already-connected',
  'not-connected',
  'attachment-lost',
  'not-running',
  'not-modified',
  'name-in-use',
  'stale-endpoint',
  'heal-stalled',
  'ambiguous-network',
  'network-in-use',
  'address-in-use',
  'address-unsupported',
  'address-exhausted',
  'subnet-overlap',
  'port-in-use',
  'image-not-found',
  'image-pull-failed',
  'container-start-failed',
  'container-exited',
  'not-attachable',
  'not-manager',
  'attach-timeout',
  'invalid-request',
  'secret-unreadable',
  'dependency-failed',
  'state-unwritable',
  'coordinator-unreachable',
  'coordinator-timeout',
  'coordinator-conflict',
  'coordinator-refused',
  'coordinator-error',
  'lease-lost',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** The one error class that crosses folders. The message says what failed and what to do next. */
export class OvrError extends Error {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;

  constructor(code: ErrorCode, kind: ErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'OvrError';
    this.code = code;
    this.kind = kind;
  }
}

/** Message of anything thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
