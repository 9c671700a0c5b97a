import { OvrError } from '../api/index.ts';

/** ZooKeeper's numbers for what went wrong. */
export const NO_NODE = -101;
export const NODE_EXISTS = -110;
const CONNECTION_LOSS = -4;
const NO_AUTH = -102;
const BAD_VERSION = -103;
const NOT_EMPTY = -111;
const SESSION_EXPIRED = -112;
const INVALID_ACL = -114;
const AUTH_FAILED = -115;
const SESSION_MOVED = -118;

/** Of one request, or of the first write of a commit that was against it. */
export interface Failure {
  readonly code: number;
  /** Absolute. */
  readonly path: string;
}

const MEANINGS = new Map<number, string>([
  [NO_NODE, 'is not there'],
  [NODE_EXISTS, 'is there already'],
  [BAD_VERSION, 'has another version'],
  [NOT_EMPTY, 'has something in it'],
  [-5, 'could not be written down'],
  [-8, 'is no path that ZooKeeper takes'],
  [-108, 'would be in an ephemeral znode, which has no room'],
  [-119, 'was sent to a server that only reads, for it has lost the others'],
  [-125, 'is over the quota that ZooKeeper has for it'],
]);

const CONFLICTS = new Set([NO_NODE, NODE_EXISTS, BAD_VERSION, NOT_EMPTY]);
const REFUSALS = new Set([NO_AUTH, INVALID_ACL, AUTH_FAILED]);
const ENDS = new Set([CONNECTION_LOSS, SESSION_EXPIRED, SESSION_MOVED]);

/** What a server's number means to the caller. */
export function failureError({ code, path }: Failure): OvrError {
  const meaning = `${path} ${MEANINGS.get(code) ?? `failed with ZooKeeper's error ${code}`}`;
  if (CONFLICTS.has(code)) return new OvrError('coordinator-conflict', 'waiting', `${meaning}.`);
  if (REFUSALS.has(code)) return refused(refusedMessage(path));
  return ENDS.has(code) ? unreachable('the session has ended') : serverError(meaning);
}

function refusedMessage(path: string): string {
  return `ZooKeeper's ACL forbids this at ${path}: let the agents of one cluster have the same user:password, and that identity everything (cdrwa) there.`;
}

export function serverError(what: string): OvrError {
  return new OvrError('coordinator-error', 'transient', `${what}.`);
}

/** Nothing was sent. */
export function unreachable(why: string): OvrError {
  return new OvrError('coordinator-unreachable', 'transient', `No connection to ZooKeeper: ${why}.`);
}

export function refused(message: string): OvrError {
  return new OvrError('coordinator-refused', 'invalid', message);
}

/** Sent, but no answer came. */
export function unanswered(what: string, why: string): OvrError {
  return new OvrError('coordinator-timeout', 'transient', `ZooKeeper did not answer ${what}: ${why}.`);
}

/** More than a server takes in one request. */
export function tooBig(what: string, bytes: number, limit: number): OvrError {
  const [size, most] = [bytes, limit].map((count) => `${(count / 1e6).toFixed(1)} MB`);
  const message = `${what} makes a request of ${size ?? ''}, and ZooKeeper takes ${most ?? ''}: make it smaller or split it.`;
  return new OvrError('coordinator-error', 'invalid', message);
}

/** The number in an error of the library; undefined where it is no such error. */
export function codeOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const code: unknown = Reflect.get(error, 'code');
  return typeof code === 'number' ? code : undefined;
}
