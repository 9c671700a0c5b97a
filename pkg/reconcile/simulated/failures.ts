import { type ErrorCode, type ErrorKind, OvrError } from '../../api/index.ts';

/** Which kind each failure of the simulated engine is; the same as the Docker adapter's, by the contract test. */
const KIND_OF = {
  'engine-unreachable': 'transient',
  'engine-error': 'transient',
  'not-found': 'waiting',
  'network-not-found': 'waiting',
  'already-exists': 'already-so',
  'already-connected': 'already-so',
  'not-connected': 'already-so',
  'not-modified': 'already-so',
  'name-in-use': 'waiting',
  'stale-endpoint': 'waiting',
  'ambiguous-network': 'waiting',
  'network-in-use': 'waiting',
  'address-in-use': 'waiting',
  'address-unsupported': 'invalid',
  'address-exhausted': 'waiting',
  'subnet-overlap': 'waiting',
  'port-in-use': 'waiting',
  'image-not-found': 'waiting',
  'image-pull-failed': 'transient',
  'container-start-failed': 'waiting',
  'not-attachable': 'invalid',
  'attach-timeout': 'transient',
  'not-manager': 'invalid',
  'invalid-request': 'invalid',
} as const satisfies Partial<Record<ErrorCode, ErrorKind>>;

/** The failure of that code with the kind that the engine gives it. */
export function failure(code: keyof typeof KIND_OF, message: string): OvrError {
  return new OvrError(code, KIND_OF[code], message);
}

/** What was to be removed is gone already. */
export function gone(message: string): OvrError {
  return new OvrError('not-found', 'already-so', message);
}
