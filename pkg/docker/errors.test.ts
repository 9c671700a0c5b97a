import { describe, expect, it } from 'vitest';
import type { ErrorCode, ErrorKind } from '../api/index.ts';
import { answerError, unreachable } from './errors.ts';
import { OPERATIONS, type OperationName } from './operation.ts';

type Row = readonly [
  operation: OperationName,
  status: number,
  says: string,
  code: ErrorCode,
  kind: ErrorKind,
];

const LOST_SCOPE = 'failed to get networks for scope global: zk: node does not exist';
const LOST_ENDPOINT =
  'Updating join info failed: could not find endpoint 66e1: [{global:client: etcd cluster is unavailable or misconfigured; error #0: dial tcp 10.6.18.12:2379: connect: network is unreachable}, ]';

/** What daemons said, word for word; the versions are those it was seen on or read in. */
const ROWS: readonly Row[] = [
  // The effect is there.
  ['start-container', 304, '', 'not-modified', 'already-so'],
  ['stop-container', 304, '', 'not-modified', 'already-so'],
  ['remove-container', 404, 'No such container: web', 'not-found', 'already-so'],
  ['remove-container', 409, 'removal of container web is already in progress', 'not-found', 'already-so'],
  ['remove-network', 404, 'network ovr0 not found', 'not-found', 'already-so'],
  ['remove-network', 404, 'No such network: ovr0', 'not-found', 'already-so'],
  ['unpause-container', 500, 'Container abc is not paused', 'not-modified', 'already-so'],
  [
    'rename-container',
    400,
    'Renaming a container with the same name as its current name',
    'not-modified',
    'already-so',
  ],
  [
    'start-container',
    500,
    'Could not attach to network lhznzn5gc45jjzhmqemy49tt3: context deadline exceeded',
    'attach-timeout',
    'transient',
  ],
  ['connect', 409, 'web is already attached to network ovr0', 'already-connected', 'already-so'],
  ['disconnect', 500, 'container abc is not connected to network ovr0', 'not-connected', 'already-so'],
  ['disconnect', 500, 'container abc is not connected to the network ovr0', 'not-connected', 'already-so'],
  [
    'disconnect',
    500,
    'could not find network attachment for container abc to network ovr0',
    'attachment-lost',
    'already-so',
  ],
  ['create-network', 409, 'network with name ovr0 already exists', 'already-exists', 'already-so'],

  // Only Docker's own words make a failure a success.
  ['remove-container', 404, 'page not found', 'invalid-request', 'invalid'],
  ['remove-container', 409, 'conflict', 'invalid-request', 'invalid'],
  ['remove-network', 404, 'not here', 'invalid-request', 'invalid'],
  ['create-network', 500, 'something already exists', 'engine-error', 'transient'],
  ['disconnect', 404, 'network ovr0 not found', 'network-not-found', 'waiting'],

  // The store of --cluster-store: nothing of it says that something is not there.
  [
    'create-network',
    500,
    'pool configuration failed because of zk: unknown error',
    'engine-error',
    'transient',
  ],
  ['list-networks', 500, LOST_SCOPE, 'engine-error', 'transient'],
  [
    'create-network',
    500,
    'could not get pools config from store: Key not found in store',
    'engine-error',
    'transient',
  ],
  [
    'connect',
    500,
    'failed to update store for object type *libnetwork.endpointCnt: dial tcp 10.6.18.12:2379: connect: network is unreachable',
    'engine-error',
    'transient',
  ],
  ['remove-network', 500, 'zk: node does not exist', 'engine-error', 'transient'],
  ['start-container', 500, LOST_ENDPOINT, 'engine-error', 'transient'],

  // API versions: 26, 29, 20.10, 1.10 (which gave an error code of its own before the words).
  [
    'info',
    400,
    'client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version',
    'api-version',
    'invalid',
  ],
  [
    'list-networks',
    400,
    'client version 1.52 is too new. Maximum supported API version is 1.41',
    'api-version',
    'invalid',
  ],
  [
    'info',
    400,
    'client is newer than server (client API version: 1.41, server API version: 1.22)',
    'api-version',
    'invalid',
  ],

  // Endpoints.
  ['connect', 403, 'endpoint with name web already exists in network ovr0', 'stale-endpoint', 'waiting'],
  [
    'start-container',
    403,
    'endpoint with name web already exists in network ovr0',
    'stale-endpoint',
    'waiting',
  ],
  ['start-container', 500, 'service endpoint with name web already exists', 'stale-endpoint', 'waiting'],
  [
    'connect',
    400,
    'user specified IP address is supported only when connecting to networks with user configured subnets',
    'address-unsupported',
    'invalid',
  ],
  [
    'connect',
    400,
    'user specified IP address is supported on user defined networks only',
    'address-unsupported',
    'invalid',
  ],
  [
    'create-container',
    400,
    'invalid endpoint settings:\nno configured subnet or ip-range contain the IP address 10.0.9.9',
    'address-unsupported',
    'invalid',
  ],
  [
    'connect',
    500,
    "Invalid address 10.79.0.2: It does not belong to any of this network's subnets",
    'address-unsupported',
    'invalid',
  ],
  ['connect', 403, 'Address already in use', 'address-in-use', 'waiting'],
  ['start-container', 500, 'Address already in use', 'address-in-use', 'waiting'],
  [
    'connect',
    500,
    "no available IPv4 addresses on this network's address pools: ovr0 (abc)",
    'address-exhausted',
    'waiting',
  ],
  ['start-container', 500, 'No available addresses on this pool', 'address-exhausted', 'waiting'],
  [
    'connect',
    500,
    'Could not attach to network n: rpc error: code = PermissionDenied desc = network n not manually attachable',
    'not-attachable',
    'invalid',
  ],
  [
    'connect',
    500,
    'attaching to network failed, make sure your network options are correct and check manager logs: context deadline exceeded',
    'attach-timeout',
    'transient',
  ],
  [
    'start-container',
    500,
    'could not find network ovr0 after successful attachment',
    'attach-timeout',
    'transient',
  ],
  ['connect', 404, 'network nx not found', 'network-not-found', 'waiting'],
  [
    'connect',
    500,
    'Could not attach to network nx: rpc error: code = NotFound desc = network nx not found',
    'network-not-found',
    'waiting',
  ],
  ['start-container', 404, 'network 2aa0e9943131 not found', 'network-not-found', 'waiting'],
  [
    'start-container',
    500,
    'failed to get network from store during join: network adf5 not found',
    'network-not-found',
    'waiting',
  ],
  ['connect', 400, 'network race is ambiguous (2 matches found on name)', 'ambiguous-network', 'waiting'],
  [
    'start-container',
    400,
    '2 matches found based on name: network race is ambiguous',
    'ambiguous-network',
    'waiting',
  ],
  [
    'connect',
    400,
    'container sharing network namespace with another container or host cannot be connected to any other network',
    'invalid-request',
    'invalid',
  ],
  [
    'connect',
    400,
    'container cannot be connected to multiple networks with one of the networks in private (none) mode',
    'invalid-request',
    'invalid',
  ],
  [
    'connect',
    409,
    'Container web is marked for removal and cannot be connected or disconnected to the network',
    'not-found',
    'waiting',
  ],

  // Networks.
  [
    'remove-network',
    403,
    'error while removing network: network n1 id 9a4e has active endpoints',
    'network-in-use',
    'waiting',
  ],
  [
    'remove-network',
    400,
    'rpc error: code = FailedPrecondition desc = network ir38 is in use by task hfjq',
    'network-in-use',
    'waiting',
  ],
  [
    'remove-network',
    403,
    'bridge is a pre-defined network and cannot be removed',
    'invalid-request',
    'invalid',
  ],
  ['create-network', 403, 'Pool overlaps with other one on this address space', 'subnet-overlap', 'waiting'],
  [
    'create-network',
    403,
    'cannot create network abc (br-abc): conflicts with network def (br-def): networks have overlapping IPv4',
    'subnet-overlap',
    'waiting',
  ],
  [
    'create-network',
    500,
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
    'not-manager',
    'invalid',
  ],
  [
    'create-network',
    403,
    'Cannot create a multi-host network from a worker node. Please create the network from a manager node.',
    'not-manager',
    'invalid',
  ],
  [
    'remove-network',
    503,
    "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state.",
    'not-manager',
    'invalid',
  ],
  ['create-network', 500, 'datastore for scope "global" is not initialized', 'not-manager', 'invalid'],

  // Containers.
  [
    'create-container',
    409,
    'Conflict. The container name "/w1" is already in use by container "cad8". You have to remove (or rename) that container to be able to reuse that name.',
    'name-in-use',
    'waiting',
  ],
  ['create-container', 409, 'Conflict: The name w1 is already assigned', 'name-in-use', 'waiting'],
  [
    'rename-container',
    409,
    'Conflict. The container name "/w1" is already in use by container "cad8".',
    'name-in-use',
    'waiting',
  ],
  ['create-container', 404, 'No such image: nope:1', 'image-not-found', 'waiting'],
  ['create-container', 400, 'invalid reference format', 'invalid-request', 'invalid'],
  ['start-container', 404, 'No such container: web', 'not-found', 'waiting'],
  ['inspect-container', 404, 'No such container: web', 'not-found', 'waiting'],
  ['start-container', 409, 'container is marked for removal and cannot be started', 'not-found', 'waiting'],
  [
    'start-container',
    500,
    'driver failed programming external connectivity on endpoint web (abc): Bind for 0.0.0.0:80 failed: port is already allocated',
    'port-in-use',
    'waiting',
  ],
  [
    'start-container',
    500,
    'driver failed programming external connectivity on endpoint web (abc): Error starting userland proxy: listen tcp4 0.0.0.0:80: bind: address already in use',
    'port-in-use',
    'waiting',
  ],
  [
    'start-container',
    500,
    'failed to set up container networking: failed to bind host port 0.0.0.0:80/tcp: address already in use',
    'port-in-use',
    'waiting',
  ],
  [
    'start-container',
    400,
    'OCI runtime create failed: exec: "nope": executable file not found in $PATH: unknown',
    'container-start-failed',
    'waiting',
  ],
  ['start-container', 500, 'error while mounting volume', 'container-start-failed', 'waiting'],
  ['start-container', 503, 'no healthy upstream', 'engine-error', 'transient'],
  [
    'update-container',
    409,
    'Container abc is restarting, wait until the container is running',
    'not-running',
    'waiting',
  ],
  ['update-container', 400, 'Minimum memory limit allowed is 6MB', 'invalid-request', 'invalid'],

  // Images.
  ['inspect-image', 404, 'no such image: nope:1: No such image: nope:1', 'image-not-found', 'waiting'],
  [
    'pull-image',
    500,
    'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host',
    'image-pull-failed',
    'transient',
  ],
  ['pull-image', 404, 'manifest for nginx:none not found: manifest unknown', 'image-not-found', 'waiting'],
  [
    'pull-image',
    404,
    "pull access denied for nope, repository does not exist or may require 'docker login'",
    'image-not-found',
    'waiting',
  ],
  [
    'pull-image',
    500,
    'toomanyrequests: You have reached your pull rate limit',
    'image-pull-failed',
    'transient',
  ],
  ['pull-image', 400, 'invalid reference format', 'invalid-request', 'invalid'],

  // What is in no other row.
  ['list-containers', 500, 'boom', 'engine-error', 'transient'],
  ['list-containers', 503, '', 'engine-error', 'transient'],
  ['create-container', 429, 'slow down', 'engine-error', 'transient'],
  ['connect', 408, '', 'engine-error', 'transient'],
  ['info', 403, 'authorization denied by plugin', 'invalid-request', 'invalid'],
  ['info', 302, '', 'engine-error', 'transient'],
  ['list-containers', 304, '', 'engine-error', 'transient'],
];

describe('the answer', () => {
  it.each(ROWS)('to %s, %i "%s" means %s', (...row) => {
    const [name, status, says, code, kind] = row;
    const error = answerError({ name, what: 'do it' }, status, says);
    expect({ code: error.code, kind: error.kind }).toEqual({ code, kind });
    expect(error.message).toMatch(/^Cannot do it: /);
    expect(error.message).toContain(says.replace(/\.$/, ''));
  });

  it('tells what failed, what Docker said, and the mend', () => {
    const operation = { name: 'connect', what: 'connect container web to network ovr0' } as const;
    expect(answerError(operation, 403, 'Address already in use').message).toBe(
      'Cannot connect container web to network ovr0: Address already in use (HTTP 403). Another endpoint holds it.',
    );
    expect(answerError(operation, 503, '').message).toBe(
      'Cannot connect container web to network ovr0: HTTP 503.',
    );
  });

  it.each(OPERATIONS)('to %s is never taken for a success by its status alone', (name) => {
    for (const status of [400, 401, 403, 404, 409, 410, 429, 500, 502, 503]) {
      expect(answerError({ name, what: 'do it' }, status, 'not what Docker says').kind).not.toBe(
        'already-so',
      );
    }
  });
});

describe('no answer', () => {
  const operation = { name: 'info', what: 'read what the engine is' } as const;

  it.each([
    ['ENOENT', /Is Docker running, and is this its socket\?$/],
    ['ECONNREFUSED', /Is Docker running\?$/],
    ['EACCES', /member of the group that owns the socket\.$/],
    ['ECONNRESET', /cannot be reached: broken\.$/],
  ])('because of %s has its mend', (code, message) => {
    const error = unreachable(operation, Object.assign(new Error('broken'), { code }));
    expect(error).toMatchObject({ code: 'engine-unreachable', kind: 'transient' });
    expect(error.message).toMatch(message);
  });

  it('that is HTTP is garbled', () => {
    const error = unreachable(
      operation,
      Object.assign(new Error('Parse Error'), { code: 'HPE_INVALID_CONSTANT' }),
    );
    expect(error).toMatchObject({ code: 'engine-garbled', kind: 'transient' });
  });
});
