import type { Mode, ObjectKey, Selector } from '../api/index.ts';

/** Where an object was declared; lines and columns are 1-based. */
export interface Origin {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** The folder of the file that declares an object: what goes or comes as a whole when something is unmounted. */
export function folderOf({ file }: Pick<Origin, 'file'>): string {
  return file.slice(0, Math.max(0, file.lastIndexOf('/')));
}

interface ObjectBase {
  readonly key: ObjectKey;
  readonly name: string;
  /** For selectors; not Docker labels. */
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly mode: Mode;
  readonly adopt: boolean;
  /** Whether it goes when its manifest does. */
  readonly prune: boolean;
  readonly origin: Origin;
  /** Digest of kind, name, labels, annotations and the whole spec: changes whenever the manifest's meaning does. */
  readonly digest: string;
  /** Digest of what Docker cannot change after create; written to the label `ovr.spec-hash`. */
  readonly specHash: string;
}

export interface NetworkObject extends ObjectBase {
  readonly kind: 'Network';
  readonly recreate: boolean;
  readonly spec: NetworkSpec;
}

export interface ContainerObject extends ObjectBase {
  readonly kind: 'Container';
  readonly spec: ContainerSpec;
  /** As `specHash`, without the encrypted texts; absent where there are none. Written to the label `ovr.plain-hash`. */
  readonly plainHash?: string;
}

export interface AliasObject extends ObjectBase {
  readonly kind: 'Alias';
  readonly spec: AliasSpec;
}

/** A validated object with every default filled in. */
export type ManifestObject = NetworkObject | ContainerObject | AliasObject;

export const NETWORK_DRIVERS = ['overlay', 'bridge', 'macvlan', 'ipvlan'] as const;
export type NetworkDriver = (typeof NETWORK_DRIVERS)[number];

export interface NetworkSpec {
  readonly driver: NetworkDriver;
  /** Defaults to true for an overlay, false for the others. */
  readonly attachable: boolean;
  readonly internal: boolean;
  readonly encrypted: boolean;
  readonly ipam?: Ipam;
  /** Bytes. */
  readonly mtu?: number;
  /** Driver options, verbatim. */
  readonly options: Readonly<Record<string, string>>;
  /** Docker labels. */
  readonly labels: Readonly<Record<string, string>>;
}

/** CIDR and address strings, already checked to be IPv4 and inside the subnet. */
export interface Ipam {
  readonly subnet: string;
  readonly gateway?: string;
  readonly ipRange?: string;
}

export const DEPENDENCY_CONDITIONS = ['Started', 'Healthy'] as const;

/** Another container, and how it must stand. */
export interface Dependency {
  readonly name: string;
  readonly condition: (typeof DEPENDENCY_CONDITIONS)[number];
}

/**
 * A container with its defaults. Optional means: the manifest does not set it, so it is left to the engine and not compared.
 * Durations are milliseconds, sizes bytes, CPUs billionths of a core (Docker's NanoCpus).
 */
export interface ContainerSpec {
  readonly image: string;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  /** Each must hold; empty means any node. Checked to parse. */
  readonly nodeConstraint: readonly string[];
  readonly reschedule: 'on-node-failure' | 'never';
  readonly updateStrategy: UpdateStrategy;
  /** What must stand before it starts, in the manifest's order. */
  readonly dependsOn: readonly Dependency[];
  /** Absent: the engine's default bridge, not compared. Empty: no network. */
  readonly networks?: readonly NetworkAttachment[];
  /** Replaces the image's entrypoint. */
  readonly command?: readonly string[];
  /** Replaces the image's command. */
  readonly args?: readonly string[];
  readonly env: readonly EnvVar[];
  readonly volumes: readonly VolumeMount[];
  readonly ports: readonly PortMapping[];
  readonly restartPolicy: RestartPolicy;
  readonly resources: Resources;
  readonly healthcheck?: Healthcheck;
  readonly user?: string;
  readonly workingDir?: string;
  readonly hostname?: string;
  readonly init?: boolean;
  readonly readOnly?: boolean;
  /** `/path` or `/path:options`. */
  readonly tmpfs?: readonly string[];
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly ulimits?: readonly Ulimit[];
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly dns?: readonly string[];
  readonly dnsSearch?: readonly string[];
  readonly dnsOptions?: readonly string[];
  /** `name:address`. */
  readonly extraHosts?: readonly string[];
  readonly stopSignal?: string;
  readonly stopGracePeriodMs?: number;
  readonly logging?: { readonly driver: string; readonly options: Readonly<Record<string, string>> };
  readonly devices?: readonly DeviceMapping[];
  readonly shmSizeBytes?: number;
  readonly securityOpt?: readonly string[];
  /** Docker labels. */
  readonly labels: Readonly<Record<string, string>>;
  /** The whole manifest, encrypted with sops: what opens the sealed values of `env`. It is no part of what the object means. */
  readonly sealedBy?: string;
}

export const READINESS = ['Running', 'Healthy'] as const;
export type Readiness = (typeof READINESS)[number];

/** One DNS name that moves between containers as a unit. */
export interface AliasSpec {
  /** Lower-case; the object's own name unless the manifest sets another. */
  readonly dnsName: string;
  readonly network: string;
  /** Each label must be on a container for it to hold the name; at least one. */
  readonly selector: Selector;
  /** What a container must be to hold the name; one without a healthcheck is healthy while it runs. */
  readonly readiness: Readiness;
  /** How long new holders have the name before old ones lose it. Absent: as long as the engine needs to tell other hosts. */
  readonly overlapMs?: number;
}

/** How a container gives way to one with another spec. */
export interface UpdateStrategy {
  /** `Recreate`: the old one stops first. `StartFirst`: the new one is made beside it and takes over once it is ready. */
  readonly type: 'Recreate' | 'StartFirst';
  /** A new container that is not ready this long after its start has failed, and the old one stays or comes back. */
  readonly readyTimeoutMs: number;
  /** StartFirst: how long the old one goes on without names before it is stopped. */
  readonly drainMs: number;
}

/** Docker's own first health check comes 30 s after a start: the time to be ready leaves room for several. */
export const DEFAULT_UPDATE_STRATEGY: UpdateStrategy = {
  type: 'Recreate',
  readyTimeoutMs: 120_000,
  drainMs: 10_000,
};

export interface NetworkAttachment {
  readonly name: string;
  /** Lower-case, sorted, without doubles. */
  readonly aliases: readonly string[];
  readonly ipv4Address?: string;
}

export interface EnvVar {
  readonly name: string;
  /** Exactly one of the three is set; `file` is an absolute path read when the container is made. */
  readonly value?: string;
  readonly file?: string;
  /** The encrypted value as the manifest has it; `ContainerSpec.sealedBy` opens it. */
  readonly sealed?: string;
}

export interface VolumeMount {
  readonly type: 'bind' | 'volume';
  /** Absolute host path of a bind, or the name of a volume. */
  readonly source: string;
  readonly target: string;
  /** Docker's mode words, for example `ro` or `rw,z`; absent: `rw`. */
  readonly mode?: string;
}

export interface PortMapping {
  readonly hostIp?: string;
  /** Absent: the engine picks one. */
  readonly hostPort?: number;
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
}

export interface RestartPolicy {
  readonly name: 'always' | 'unless-stopped' | 'on-failure' | 'no';
  /** Only with `on-failure`; 0 means no limit. */
  readonly maximumRetryCount: number;
}

export interface Resources {
  readonly limits: ResourceAmounts;
  /** What placement reserves; not sent to the engine. */
  readonly requests: ResourceAmounts;
}

export interface ResourceAmounts {
  readonly nanoCpus?: number;
  readonly memoryBytes?: number;
}

export interface Healthcheck {
  readonly test: readonly string[];
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly retries?: number;
  readonly startPeriodMs?: number;
}

export interface Ulimit {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

export interface DeviceMapping {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly permissions: string;
}
