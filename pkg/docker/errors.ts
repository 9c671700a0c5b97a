import { type ErrorCode, type ErrorKind, OvrError, errorMessage } from '../api/index.ts';
import type { Operation, OperationName } from './operation.ts';

/** One row: when all that is named fits, the failure is `code`. */
interface Rule {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  /** Absent: any operation. */
  readonly operations?: readonly OperationName[];
  /** Absent: any failure status. */
  readonly status?: readonly number[];
  /** Absent: whatever the engine says. */
  readonly says?: RegExp;
  /** What to do next, where it is not plain. */
  readonly mend?: string;
}

const ATTACH = ['connect', 'start-container', 'create-container'] as const;
const REMOVALS = ['remove-container', 'remove-network'] as const;

const SEE_STORE =
  'See that the store of dockerd’s own --cluster-store answers; if it does and this comes back, restart Docker on this host when that suits.';

/**
 * What the answers of Docker 1.10 to 29 and of classic Swarm mean. The first row that fits counts. A row that makes a failure a
 * success (`already-so`) asks for Docker's own words, so that a broken proxy's answer is never taken for one.
 */
const RULES: readonly Rule[] = [
  // The effect is there.
  {
    code: 'not-modified',
    kind: 'already-so',
    operations: ['start-container', 'stop-container'],
    status: [304],
  },
  {
    code: 'not-found',
    kind: 'already-so',
    operations: REMOVALS,
    status: [404],
    says: /no such (container|network)|network .* not found/i,
  },
  {
    code: 'not-found',
    kind: 'already-so',
    operations: ['remove-container'],
    says: /removal of container .* is already in progress/i,
  },
  { code: 'not-modified', kind: 'already-so', operations: ['unpause-container'], says: /is not paused/i },
  {
    code: 'not-modified',
    kind: 'already-so',
    operations: ['rename-container'],
    says: /same name as its current name/i,
  },
  {
    code: 'already-connected',
    kind: 'already-so',
    operations: ['connect'],
    says: /is already attached to network/i,
  },
  {
    code: 'not-connected',
    kind: 'already-so',
    operations: ['disconnect'],
    says: /is not connected to/i,
  },
  {
    code: 'attachment-lost',
    kind: 'already-so',
    operations: ['disconnect'],
    says: /could not find network attachment|could not find attacher/i,
  },
  { code: 'not-found', kind: 'already-so', operations: ['disconnect'], says: /endpoint .* not found/i },
  {
    code: 'already-exists',
    kind: 'already-so',
    operations: ['create-network'],
    status: [409],
    says: /already exists/i,
  },

  // The API version.
  {
    code: 'api-version',
    kind: 'invalid',
    says: /client (version .* )?is too (old|new)|client is newer than server|client and server don't have same version/i,
    mend: 'Set --docker-api-version to one that the engine speaks, or leave it out to have it found.',
  },

  // Ports come before addresses: both say "address already in use".
  {
    code: 'port-in-use',
    kind: 'waiting',
    says: /port is already allocated|bind: address already in use|ports are not available|failed to bind (host )?port/i,
    mend: 'Free the host port or publish another.',
  },

  // Endpoints and addresses.
  {
    code: 'stale-endpoint',
    kind: 'waiting',
    operations: ATTACH,
    says: /endpoint with name .* already exists/i,
  },
  {
    code: 'address-in-use',
    kind: 'waiting',
    says: /address already in use/i,
    mend: 'Another endpoint holds it.',
  },
  {
    code: 'address-unsupported',
    kind: 'invalid',
    says: /user specified IP address is supported|no configured subnet.* contains? (the )?IP address|does not belong to any of this network's subnets/i,
    mend: 'Give the network an ipam.subnet that holds the address.',
  },
  {
    code: 'address-exhausted',
    kind: 'waiting',
    says: /no available (IPv[46] )?addresses|could not find an available IP|ip addresses may be exhausted/i,
    mend: 'Remove endpoints or give the network a bigger subnet.',
  },
  {
    code: 'not-attachable',
    kind: 'invalid',
    says: /not manually attachable/i,
    mend: 'Make the network with attachable: true.',
  },
  {
    code: 'attach-timeout',
    kind: 'transient',
    says: /attaching to network failed|could not attach to network .*deadline exceeded|after successful attachment|could not find (network attachment|attacher)/i,
    mend: 'The Swarm managers gave no address in time: check the address, the subnet and the managers.',
  },
  {
    code: 'ambiguous-network',
    kind: 'waiting',
    says: /network .* is ambiguous|\d+ matches found/i,
    mend: 'Several networks have this name: remove the ones that nothing uses.',
  },
  {
    code: 'network-in-use',
    kind: 'waiting',
    operations: ['remove-network'],
    says: /has active endpoints|is in use by/i,
  },
  {
    code: 'subnet-overlap',
    // The other network may be another agent's of this very name, which a shared store shows a moment later, without an event.
    kind: 'waiting',
    operations: ['create-network'],
    says: /overlap/i,
    mend: 'Choose another ipam.subnet.',
  },
  {
    code: 'not-manager',
    kind: 'invalid',
    says: /not a swarm manager|from a worker node|datastore for scope .* is not initialized/i,
    mend: 'Only a Swarm manager, or a daemon with a cluster store, makes overlays.',
  },

  // Images.
  {
    code: 'image-not-found',
    kind: 'waiting',
    operations: ['create-container', 'inspect-image'],
    status: [404],
    says: /no such image|image .* not found/i,
  },
  {
    code: 'image-not-found',
    kind: 'waiting',
    operations: ['pull-image'],
    says: /manifest unknown|manifest for .* not found|repository .*not found|repository does not exist|no matching manifest|name unknown/i,
    mend: 'Check the image name and tag, and whether the engine is logged in to its registry.',
  },
  { code: 'invalid-request', kind: 'invalid', operations: ['pull-image'], status: [400] },
  { code: 'image-pull-failed', kind: 'transient', operations: ['pull-image'] },

  // Things that are not there, and names that are taken.
  {
    code: 'network-not-found',
    kind: 'waiting',
    says: /network from store during join/i,
    mend: `The network may well be there. ${SEE_STORE}`,
  },
  { code: 'network-not-found', kind: 'waiting', says: /network .*not found|no such network/i },
  {
    code: 'not-found',
    kind: 'waiting',
    says: /no such container|is marked for removal|removal .* in progress|is dead/i,
  },
  {
    code: 'name-in-use',
    kind: 'waiting',
    operations: ['create-container', 'rename-container'],
    says: /is already in use by|name .* is already (in use|assigned)/i,
  },
  { code: 'not-running', kind: 'waiting', says: /is not running|is restarting, wait/i },

  // The store that daemons share: these are transient, and what they are about may well be there.
  {
    code: 'engine-error',
    kind: 'transient',
    says: /\bzk: /,
    mend: 'That is the ZooKeeper of dockerd’s own --cluster-store: give it as zk://HOST:2181/PATH without a trailing slash, and not to Docker 18.09 to 20.10.',
  },
  {
    code: 'engine-error',
    kind: 'transient',
    says: /(from|update) store|not found in store|networks for scope|\{global:/i,
    mend: SEE_STORE,
  },

  // What is left of a start is the container's own fault: its command, its mounts, its limits.
  { code: 'engine-error', kind: 'transient', status: [408, 425, 429, 502, 503, 504] },
  { code: 'container-start-failed', kind: 'waiting', operations: ['start-container'] },
  { code: 'invalid-request', kind: 'invalid', status: range(400, 499) },
  { code: 'engine-error', kind: 'transient' },
];

const SERVER_ERROR = 500;

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** The failure that an answer means. `text` is what the engine says, without its JSON wrapping. */
export function answerError(operation: Operation, status: number, text: string): OvrError {
  const rule = RULES.find((candidate) => fits(candidate, operation, status, text));
  const { code, kind, mend } = rule ?? { code: 'engine-error', kind: 'transient', mend: undefined };
  const said = text.trim() === '' ? `HTTP ${status}` : `${sentence(text.trim())} (HTTP ${status})`;
  return new OvrError(
    code,
    kind,
    `Cannot ${operation.what}: ${said}.${mend === undefined ? '' : ` ${mend}`}`,
  );
}

/** What it means that a container's state says this of its last start. */
export function startFailure(text: string): ErrorCode {
  return answerError({ name: 'start-container', what: 'start it' }, SERVER_ERROR, text).code;
}

function fits(rule: Rule, operation: Operation, status: number, text: string): boolean {
  return (
    (rule.operations?.includes(operation.name) ?? true) &&
    (rule.status?.includes(status) ?? true) &&
    (rule.says?.test(text) ?? true)
  );
}

function sentence(text: string): string {
  return text.replace(/\.$/, '');
}

/** The answer is not what Docker's API promises: cut, not JSON, or of another shape. */
export function garbled(operation: Operation, detail: string, cause?: unknown): OvrError {
  const message = `Cannot ${operation.what}: the engine's answer cannot be read: ${detail}.`;
  return new OvrError('engine-garbled', 'transient', message, { cause });
}

/** No answer within `timeoutMs`; what was asked for may or may not have happened. */
export function timedOut(operation: Operation, timeoutMs: number): OvrError {
  const message = `Cannot ${operation.what}: the engine did not answer within ${timeoutMs / 1000} s.`;
  return new OvrError('engine-timeout', 'transient', message);
}

const MENDS: Readonly<Record<string, string>> = {
  ENOENT: ' Is Docker running, and is this its socket?',
  ECONNREFUSED: ' Is Docker running?',
  EACCES: ' Run ovrd as root or as a member of the group that owns the socket.',
};

/** The engine could not be reached, or hung up before it answered. */
export function unreachable(operation: Operation, error: unknown): OvrError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code.startsWith('HPE_') || /max redirects/i.test(errorMessage(error))) {
    return garbled(operation, errorMessage(error), error);
  }
  const message = `Cannot ${operation.what}: the engine cannot be reached: ${errorMessage(error)}.`;
  return new OvrError('engine-unreachable', 'transient', message + (MENDS[code] ?? ''), { cause: error });
}
