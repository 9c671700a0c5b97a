import type { Diagnostic } from '../api/index.ts';
import type { Revision } from '../manifest/index.ts';
import type {
  ClusterInput,
  ContainerCreate,
  ContainerUpdate,
  EndpointRequest,
  NetworkCreate,
  NetworkRef,
} from '../plan/index.ts';
import type { ContainerSpec } from '../manifest/index.ts';
import type { HoldStore } from './holds.ts';
import type { AgentStatus, ClusterView, CoordinatorStatus } from './status.ts';
import type {
  ContainerSeat,
  ContainerState,
  EngineFacts,
  NetworkDetails,
  ObservedState,
} from '../state/index.ts';

/**
 * One Docker engine. Every call has a deadline of its own, every failure is an OvrError, and a call whose effect is there
 * already fails with kind `already-so`.
 */
export interface Engine {
  /** Asks the engine what it is; also negotiates the API version on first use. */
  facts(): Promise<EngineFacts>;
  /**
   * The whole state, or an error; never part of it. Only `details` of a container may be missing: of those named in `busy`,
   * which are being changed right now, and of one that the engine is slow to tell about; a `changed` event follows then.
   */
  observe(busy?: ReadonlySet<string>): Promise<ObservedState>;
  /** Rings for every change until stopped; survives engine restarts by itself. */
  watch(listener: (event: EngineEvent) => void): Stoppable;

  /** Returns the new network's ID. */
  createNetwork(network: NetworkCreate): Promise<string>;
  removeNetwork(id: string): Promise<void>;
  /** A fresh look at one network that the engine lists. */
  inspectNetwork(network: NetworkRef): Promise<NetworkDetails>;
  /** Makes the image be there as the policy says. */
  ensureImage(image: string, policy: ContainerSpec['imagePullPolicy']): Promise<void>;
  /** `env` holds `NAME=value` lines with files already read. Returns the new container's ID. */
  createContainer(container: ContainerCreate, env: readonly string[]): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** Absent grace: the container's own. */
  stopContainer(id: string, graceMs?: number): Promise<void>;
  unpauseContainer(id: string): Promise<void>;
  renameContainer(id: string, name: string): Promise<void>;
  updateContainer(id: string, update: ContainerUpdate): Promise<void>;
  /** Removes a stopped or running container, never its volumes. */
  removeContainer(id: string): Promise<void>;
  /** A fresh look at one container, past any cache. */
  containerState(id: string): Promise<{ state: ContainerState; exitCode: number }>;
  /** A fresh look at where a container is, owned or not; fails with `not-found`. */
  containerSeat(id: string): Promise<ContainerSeat>;
  connect(containerId: string, endpoint: EndpointRequest): Promise<void>;
  /** `force` drops the record of an endpoint whose network is gone. */
  disconnect(containerId: string, network: NetworkRef, force?: boolean): Promise<void>;
  /**
   * Drops the endpoint of that name, also the living one of a container on another host: only for one that is proven to be nobody's. No
   * container here may bear the name. Fails with `not-found`.
   */
  dropEndpoint(name: string, network: NetworkRef): Promise<void>;
}

/** Something to look at again. It says where, never what to do. */
export type EngineEvent =
  | { readonly type: 'changed'; readonly containerName?: string; readonly networkName?: string }
  | { readonly type: 'up' }
  | { readonly type: 'down'; readonly message: string };

export interface Stoppable {
  stop(): void;
}

/** Where manifests come from. */
export interface Source {
  readonly name: string;
  /** Reads once, then watches; `changed` rings after each new state. */
  start(changed: () => void): Promise<void>;
  stop(): Promise<void>;
  /** The newest state; cheap, never reads. */
  state(): SourceState;
}

export interface SourceState {
  /** Absent until the first complete read. */
  readonly revision?: Revision;
  /** Everything wrong with what is there now, also where the last good version stays in force. */
  readonly diagnostics: readonly Diagnostic[];
  /** Present while something makes absence doubtful (folder gone, file unreadable or invalid since the start): nothing may be removed. */
  readonly doubt?: string;
  /** Milliseconds since the epoch of the last complete read. */
  readonly lastSyncMs?: number;
  /** The commit in force, where the source has commits. */
  readonly commit?: SourceCommit;
  /** The commit tried last; another one than `commit` as long as it is refused. */
  readonly attempted?: SourceCommit;
  /** Code of the diagnostic that says why the newest state is unknown or not in force. A closed set: it is a metric label. */
  readonly problem?: string;
  /** What this state is made of, where several sources make one. */
  readonly parts?: readonly SourcePart[];
  /** Present while somebody has pinned a revision: `revision` is that one, or, where it is not there, what was in force before. */
  readonly pin?: PinState;
}

/** A revision that is pinned, and what the source has meanwhile. */
export interface PinState {
  /** Digest of what is pinned. */
  readonly revision: string;
  readonly who: string;
  readonly sinceMs: number;
  readonly untilMs?: number;
  readonly note?: string;
  /** Digest of what the source has, once it was read. */
  readonly sourceRevision?: string;
  /** Why the pinned revision is not in force here, and the mend. */
  readonly problem?: string;
}

/** One commit, as its author wrote it. */
export interface SourceCommit {
  /** The whole hash. */
  readonly commit: string;
  /** `Name <address>`. */
  readonly author: string;
  /** Milliseconds since the epoch, by the committer's clock. */
  readonly timeMs: number;
  /** First line of the message. */
  readonly subject: string;
}

/** One of several sources. */
export interface SourcePart {
  readonly name: string;
  readonly state: SourceState;
}

/** Values that no manifest shows. Fails with `secret-unreadable`; no message of it has any part of a value. */
export interface Secrets {
  /** The file behind `valueFrom.file`. */
  read(path: string): Promise<string>;
  /** The texts in the environment of an encrypted manifest, by name. */
  open(sealed: string): Promise<ReadonlyMap<string, string>>;
}

/** The key of this host: hashes with it say nothing about their input to anybody without it. */
export interface HostKey {
  /** Tells it from other keys, and nothing of it. */
  readonly id: string;
  hash(text: string): string;
}

/** What lets secrets be compared without keeping them. */
export interface SecretKeeper {
  /**
   * The key of this host. Undefined: there is none and `make` is false. Fails with `secret-unreadable`, with nothing of the key in the message,
   * where there is one that cannot be used or none can be made.
   */
  key(make: boolean): Promise<HostKey | undefined>;
  /** What changes whenever a file does, without reading it. Fails with `secret-unreadable`. */
  stamp(path: string): Promise<FileStamp>;
  /** Rings from now on when something may have happened to these files, and for no others. Rings can get lost. */
  watch(paths: Iterable<string>, ring: () => void): void;
}

export interface FileStamp {
  readonly stamp: string;
  /** Milliseconds since the epoch of its last change, by the clock of the machine that has it. */
  readonly changedMs: number;
}

/** What the agent must remember over a restart. Writes are atomic; losing it loses no safety, only explanations. */
export interface StateStore {
  load(): Promise<unknown>;
  save(state: unknown): Promise<void>;
}

/** What this node shares with the others of its cluster. */
export interface Coordination {
  /** What holds now; cheap, never waits, and never throws. */
  state(): CoordinationState;
  /** What people override for a while, in the whole cluster. */
  readonly holds: HoldStore;
  status(): CoordinatorStatus;
  /** The whole cluster, read now; `here` is what this agent knows by itself. */
  view(here: AgentStatus): Promise<ClusterView>;
  /** Asks every node that shares the cluster store; absent where there is nobody to ask. Fails where the coordinator does not answer. */
  inquire?(question: EndpointQuestion): Promise<Inquiry>;
}

/** An endpoint that nobody seems to hold. */
export interface EndpointQuestion {
  readonly network: Required<NetworkRef>;
  readonly endpointId: string;
  /** The name it bears. */
  readonly name: string;
}

/** What the other nodes have said, each after it was asked. */
export type Inquiry =
  /** All that are known have been heard, and no engine has the endpoint or a container of that name. */
  | { readonly type: 'held-by-nobody'; readonly nodes: readonly string[] }
  | { readonly type: 'held'; readonly node: string; readonly holder: string }
  /** Some cannot say: away, or with an engine that does not answer. */
  | { readonly type: 'unknown'; readonly message: string };

export type CoordinationState =
  /** Nothing may be changed on this engine now: another agent has this node's name, say. The reason is for people. */
  | { readonly type: 'refused'; readonly reason: string }
  /** This node is the whole cluster. */
  | { readonly type: 'alone' }
  | { readonly type: 'member'; readonly cluster: ClusterInput };
