/**
 * Why an agent could not be asked.
 * - `unreachable`: nobody listens there
 * - `denied`: somebody may, but not for this user
 * - `timeout`, `broken`: it was reached and did not answer, or not to the end
 * - `refused`: it answered with an error
 */
type ClientFailure = 'unreachable' | 'denied' | 'timeout' | 'broken' | 'refused';

/** A failed question to an agent; the message is for the user and tells what to do next. */
export class ClientError extends Error {
  readonly failure: ClientFailure;

  constructor(failure: ClientFailure, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'ClientError';
    this.failure = failure;
  }
}

/** Turns what node reports about a connection to `target` into a ClientError. */
export function connectionError(target: string, error: unknown): ClientError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const isPath = target.startsWith('/');
  const next = isPath
    ? 'systemctl start ovrd, or name its socket with --socket'
    : 'check the address and its --listen';
  if (code === 'EACCES' || code === 'EPERM') {
    return new ClientError('denied', `may not open ${target}: run ovr as the user of ovrd, usually root`);
  }
  if (UNREACHABLE.has(code)) {
    const why = REASONS[code] ?? code;
    return new ClientError('unreachable', `cannot reach ovrd at ${target}: ${why}. Is it running? ${next}`, {
      cause: error,
    });
  }
  const what = error instanceof Error ? error.message : String(error);
  return new ClientError('broken', `the answer of ovrd at ${target} broke off: ${what}: try again`, {
    cause: error,
  });
}

const UNREACHABLE = new Set([
  'ENOENT',
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'ENOTSOCK',
]);

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'the socket is not there',
  ECONNREFUSED: 'nobody listens there',
  ENOTFOUND: 'the name is unknown',
  EAI_AGAIN: 'the name cannot be looked up',
  EHOSTUNREACH: 'no way to that host',
  ENETUNREACH: 'no way to that network',
  ETIMEDOUT: 'no answer',
  ENOTSOCK: 'this is not a socket',
};
