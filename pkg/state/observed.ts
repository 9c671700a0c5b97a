import type { ErrorCode } from '../api/index.ts';
import type { NodeFacts } from '../constraint/index.ts';

/**
 * What kind of engine answers, found by asking it.
 * - `plain`: a daemon on its own
 * - `cluster-store`: a daemon whose overlays live in a shared key-value store; names are not unique there
 * - `swarm-manager`, `swarm-worker`: Swarm mode; only a manager makes overlays, a worker does not list one it does not use
 * - `classic-swarm`: a standalone Swarm manager
 */
export type EngineKind = 'plain' | 'cluster-store' | 'swarm-manager' | 'swarm-worker' | 'classic-swarm';

export interface EngineFacts {
  readonly kind: EngineKind;
  /** In Swarm mode and not in contact with a manager: nothing can be attached to its overlays now. */
  readonly joining?: true;
  readonly node: NodeFacts;
  readonly version: string;
  /** The API version in use after negotiation. */
  readonly apiVersion: string;
  readonly cpus: number;
  readonly memoryBytes: number;
}

/** Everything the engine has, from one round of lists. Never partial: a read that fails yields an error, not a shorter list. */
export interface ObservedState {
  readonly engine: EngineFacts;
  readonly networks: readonly ObservedNetwork[];
  readonly containers: readonly ObservedContainer[];
}

export interface ObservedNetwork {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly scope: 'local' | 'global' | 'swarm';
  readonly attachable: boolean;
  readonly internal: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  readonly subnets: readonly ObservedSubnet[];
  /** Milliseconds since the epoch, by the creating daemon's clock; decides which of several of one name is the oldest. */
  readonly createdAtMs: number;
  /** In Swarm mode: addresses of the hosts that its gossip has joined, this one too. Absent: not known. */
  readonly peers?: readonly string[];
  /** Absent: none is known, which is no proof that there is none. */
  readonly unjoined?: readonly UnjoinedHost[];
}

/** A host that is up and has containers on an overlay, by the word of the Swarm's managers, and is not among its peers. */
export interface UnjoinedHost {
  readonly name: string;
  /** Empty where it is not told. */
  readonly address: string;
  /** For how long every look has shown it so. */
  readonly forMs: number;
}

/** What only an inspect of a network tells. */
export interface NetworkDetails {
  readonly endpoints: readonly NetworkEndpoint[];
  /** Addresses of the hosts that its gossip has joined; absent where there is no gossip or it is not told. */
  readonly peers?: readonly string[];
}

/** On a cluster store those of all hosts, else those of this one. */
export interface NetworkEndpoint {
  readonly id: string;
  /** The name of its container, as a rule: a rename that failed half-way leaves another. */
  readonly name: string;
  /** What on this host holds it: the ID of a container, or a word for what the engine made itself. Absent: another host's, or left over. */
  readonly holder?: string;
}

export interface ObservedSubnet {
  readonly subnet: string;
  readonly gateway?: string;
  readonly ipRange?: string;
}

export type ContainerState = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

export interface ObservedContainer {
  readonly id: string;
  /** Without the leading slash. */
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: ContainerState;
  readonly createdAtMs: number;
  /** `none` without a healthcheck. */
  readonly health: 'none' | 'starting' | 'healthy' | 'unhealthy';
  readonly endpoints: readonly ObservedEndpoint[];
  /** Only for containers that carry ownership labels, and absent for those too while the engine does not tell: then unknown. */
  readonly details?: ObservedDetails;
}

export interface ObservedEndpoint {
  /** The engine's ID of it, given once; absent while the container is not attached. */
  readonly id?: string;
  readonly networkId: string;
  readonly networkName: string;
  /** Address in use; empty while the container does not run. */
  readonly ipv4Address: string;
}

/** What only an inspect tells. */
export interface ObservedDetails {
  readonly exitCode: number;
  /** What kept the engine from starting it the last time; absent when nothing did. */
  readonly startFailure?: ErrorCode;
  /** Whether it has ever been started. */
  readonly started: boolean;
  /** Milliseconds since the epoch of the latest start, by the engine's clock; 0 before the first. */
  readonly startedAtMs: number;
  /** How often the engine has started it again because it had ended. */
  readonly restarts: number;
  readonly hostname: string;
  readonly restartPolicy: { readonly name: string; readonly maximumRetryCount: number };
  /** 0 means no limit. */
  readonly nanoCpus: number;
  readonly memoryBytes: number;
  /** By network ID or, where the record has no ID (a stopped container), by name: aliases as normaliseAliases leaves them. */
  readonly aliases: ReadonlyMap<string, readonly string[]>;
  /** Same keys: the address asked for, where one was. */
  readonly requestedIpv4: ReadonlyMap<string, string>;
}

/** A container's place in the host and on its networks, as a fresh inspect tells it. */
export interface ContainerSeat {
  /** Of its first process, as the engine counts; 0 while it does not run. */
  readonly pid: number;
  /** When it was last started, as the engine writes it: the same twice means that it ran all the time. */
  readonly startedAt: string;
  /** As ObservedDetails has them. */
  readonly aliases: ObservedDetails['aliases'];
}
