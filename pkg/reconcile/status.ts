import type { ActionType, AliasView, NetworkAddresses } from '../plan/index.ts';
import type {
  Cause,
  ConditionType,
  Diagnostic,
  Healing,
  Kind,
  Mode,
  ObjectKey,
  Playbook,
} from '../api/index.ts';
import type { EngineKind } from '../state/index.ts';
import type { Finding, FindingAnswer } from './heal/republisher.ts';
import type { HoldStatus } from './hold-status.ts';
import type { ConvergedRevision } from './memory.ts';
import type { PinState, SourceCommit } from './ports.ts';

/** How a step ended. A closed set: it is a metric label. */
export const RESULTS = ['ok', 'already-so', 'failed'] as const;
export type StepResult = (typeof RESULTS)[number];

/** One executed step. */
export interface ActionRecord {
  readonly timeMs: number;
  readonly key: ObjectKey;
  readonly action: ActionType;
  readonly cause: Cause;
  readonly result: StepResult;
  readonly durationMs: number;
  /** Present when it failed: what went wrong and what to do next. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** Something about one object that was healed. */
export interface HealRecord extends Healing {
  readonly timeMs: number;
  readonly key: ObjectKey;
}

/** Everything known about one object; what `ovr get`, `describe` and `explain` show. JSON as it is. */
export interface ObjectStatus {
  readonly key: ObjectKey;
  readonly kind: Kind;
  readonly name: string;
  readonly mode: Mode;
  readonly condition: { readonly type: ConditionType; readonly message: string; readonly sinceMs: number };
  /** Differences that are there now. */
  readonly causes: readonly Cause[];
  /** The latest steps, newest last, at most 20. */
  readonly history: readonly ActionRecord[];
  /** What was healed of it, newest last, at most 20; absent when nothing was. */
  readonly heals?: readonly HealRecord[];
  /** When the next try is due, if one is being waited for. */
  readonly nextTryMs?: number;
  /** Where the manifest declares it; absent for an owned object without one. */
  readonly origin?: { readonly file: string; readonly line: number };
  /** Who has suspended it, or everything. */
  readonly suspended?: HoldStatus;
  /** What the engine has, where it has it. */
  readonly observed?: ObservedSummary;
}

export interface ObservedSummary {
  readonly id: string;
  readonly createdAtMs: number;
  /** Networks. */
  readonly driver?: string;
  readonly scope?: string;
  readonly subnets?: readonly string[];
  readonly addresses?: NetworkAddresses;
  /** Containers. */
  readonly image?: string;
  readonly state?: string;
  readonly health?: string;
  readonly endpoints?: readonly {
    readonly network: string;
    readonly ipv4Address: string;
    readonly aliases: readonly string[];
  }[];
}

/** One source. */
export interface SourceStatus {
  readonly name: string;
  readonly synced: boolean;
  readonly lastSyncMs?: number;
  readonly doubt?: string;
  /** The commit that is applied, where the source has commits. */
  readonly commit?: SourceCommit;
  /** The commit that was tried last and is not the one that is applied. */
  readonly attempted?: SourceCommit;
  /** Code of what keeps the newest state out of force. */
  readonly problem?: string;
}

/** How this agent stands with the others; `local` where it is alone. */
export interface CoordinatorStatus {
  readonly kind: 'local' | 'zookeeper';
  readonly connected: boolean;
  /** In a sentence: `connected`, or what is wrong and what is done about it. */
  readonly message: string;
  /** Node name of the leader, as far as known. */
  readonly leader?: string;
  readonly isLeader: boolean;
  /** Counts the leaders of the cluster; 0 before the first is known. */
  readonly epoch: number;
  /** Names of the members, as far as known. */
  readonly members: readonly string[];
  /** Containers bound to this node. */
  readonly bound: number;
  /** Containers that the leader has found no node for, as far as known. A node that does not fit one shows it as NotHere, so objects do not tell. */
  readonly unplaced?: number;
  /** False: containers with `reschedule: on-node-failure` are stopped here, because the leader may give them to other nodes. */
  readonly leaseHeld: boolean;
  /** Sessions lost since the start, by how. */
  readonly sessions: { readonly expired: number; readonly disconnected: number };
  /** Since the start: writes as the leader, and how many of them were refused because another leads. */
  readonly leaderWrites: { readonly ok: number; readonly refused: number };
  /** Agents whose revision is another than this one's, by name, as far as known. */
  readonly otherRevisions: readonly string[];
}

export interface HostSummary {
  readonly address: string;
  readonly role: 'manager' | 'worker';
  readonly os: string;
  readonly arch: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly engineLabels: Readonly<Record<string, string>>;
  readonly nanoCpus: number;
  readonly memoryBytes: number;
}

/** One node of the cluster as `ovr get nodes` shows it. */
export interface NodeStatus {
  readonly name: string;
  /** `up`: a member. `away`: no session, not yet given up. `lost`: its containers may go elsewhere. `swarm`: only registered in classic Swarm's discovery. */
  readonly state: 'up' | 'away' | 'lost' | 'swarm';
  readonly isLeader: boolean;
  readonly engine?: {
    readonly kind: EngineKind;
    readonly version: string;
    readonly up: boolean;
    readonly message: string;
  };
  /** Of ovr. */
  readonly version?: string;
  readonly host?: HostSummary;
  /** What the containers there request, as far as this agent's manifests tell. */
  readonly requested: {
    readonly nanoCpus: number;
    readonly memoryBytes: number;
    readonly containers: number;
  };
  readonly revision?: string;
  /** The revision with which everything there was last as declared. */
  readonly applied?: string;
  readonly converged?: boolean;
  /** Objects that are not Ready there, at most 200. */
  readonly conditions: readonly {
    readonly key: ObjectKey;
    readonly type: ConditionType;
    readonly message: string;
  }[];
  /** Registered with classic Swarm's discovery. */
  readonly inSwarmDiscovery?: boolean;
}

/** One container over all nodes. */
export interface ClusterContainer {
  readonly key: ObjectKey;
  /** Absent: no node has it. */
  readonly node?: string;
  /** Why it is there: `pinned` by a literal constraint, `bound` by the leader, or not placed. */
  readonly by: 'pinned' | 'bound' | 'unplaced';
  readonly condition: { readonly type: ConditionType; readonly message: string };
}

export interface ClusterNetwork {
  readonly key: ObjectKey;
  /** Nodes whose containers are meant to be on it. */
  readonly nodes: readonly string[];
  readonly condition: { readonly type: ConditionType; readonly message: string };
}

/** One alias and its holders: of all nodes, or as far as one agent knows by itself. */
export interface ClusterAlias extends AliasView {
  readonly key: ObjectKey;
  readonly condition: { readonly type: ConditionType; readonly message: string };
}

/** The cluster as one agent can tell it from bindings and reports, read when asked for; the body of `GET /v1/cluster`. */
export interface ClusterView {
  readonly coordinator: CoordinatorStatus;
  readonly nodes: readonly NodeStatus[];
  readonly containers: readonly ClusterContainer[];
  readonly networks: readonly ClusterNetwork[];
  readonly aliases: readonly ClusterAlias[];
}

/** The whole agent at one moment; the body of `GET /v1/status`. */
export interface AgentStatus {
  readonly version: string;
  readonly cluster: string;
  readonly node: string;
  readonly mode: 'enforce' | 'observe';
  readonly startedMs: number;
  readonly engine: {
    readonly up: boolean;
    readonly message: string;
    readonly kind?: EngineKind;
    readonly version?: string;
    readonly apiVersion?: string;
  };
  /** What constraints and placement can ask about this node; absent until the engine has answered. */
  readonly host?: HostSummary;
  readonly revision?: { readonly digest: string; readonly objects: number };
  /** With which everything on this node was last as declared, and since when; another one than `revision` until that is reached. */
  readonly applied?: ConvergedRevision;
  /** Present while somebody has pinned a revision. */
  readonly pin?: PinState;
  readonly coordinator: CoordinatorStatus;
  readonly sources: readonly SourceStatus[];
  readonly diagnostics: readonly Diagnostic[];
  readonly prune: { readonly held: boolean; readonly reason: string; readonly keys: readonly ObjectKey[] };
  /** Overrides by people that are in force now, by ID. */
  readonly holds: readonly HoldStatus[];
  /** True when the newest round, planned on the newest revision, found nothing to do and nothing is waiting or failing. */
  readonly converged: boolean;
  /** Objects whose steps run now. */
  readonly working: readonly ObjectKey[];
  readonly lastRoundMs?: number;
  readonly objects: readonly ObjectStatus[];
  /** How each declared alias stands, as far as this node knows. */
  readonly aliases: readonly ClusterAlias[];
}

export const EVENT_TYPES = [
  'Action',
  'Drift',
  'Repaired',
  'Heal',
  'Condition',
  'Source',
  'Engine',
  'Prune',
  'Cluster',
  'Hold',
] as const;
export type AgentEventType = (typeof EVENT_TYPES)[number];

/** One line of `ovr events`; kept in a bounded ring. */
export interface AgentEvent {
  /** Counts up from 1 over the life of the process. */
  readonly id: number;
  readonly timeMs: number;
  readonly type: AgentEventType;
  readonly severity: 'normal' | 'warning';
  readonly key?: ObjectKey;
  readonly message: string;
  readonly action?: ActionType;
  readonly cause?: Cause;
  readonly playbook?: Playbook;
  readonly durationMs?: number;
}

/** What the API and the dashboard may ask of a running agent. */
export interface AgentView {
  status(): AgentStatus;
  /** Events with an ID above `afterId`, oldest first. */
  events(afterId: number): readonly AgentEvent[];
  /** Rings after each new event until stopped. */
  onEvent(listener: (event: AgentEvent) => void): { stop(): void };
  /** Asks the coordinator; fails with an OvrError where it does not answer. */
  cluster(): Promise<ClusterView>;
}

/** What may be asked of it over the socket. */
export interface AgentControl {
  /** Plans now without doing anything; for `ovr diff`. */
  diff(): Promise<readonly PlannedChange[]>;
  /** Lets the removals that are held now go ahead; returns their keys. */
  confirmPrune(): Promise<readonly ObjectKey[]>;
  /** Takes that an endpoint is as declared and yet not served: it is made again, at most five times in 300 s. */
  republish(finding: Finding): FindingAnswer;
  /** Looks again at once. */
  resync(): void;
}

/** One planned or refused difference as `ovr diff` prints it. */
export interface PlannedChange {
  readonly key: ObjectKey;
  readonly condition: ConditionType;
  readonly message: string;
  readonly actions: readonly ActionType[];
  readonly causes: readonly Cause[];
}
