import type { ZooKeeperAddress } from '../api/index.ts';
import type { Strategy } from '../placement/index.ts';
import type { ListenAddress } from './values.ts';

export const RUN_MODES = ['enforce', 'observe'] as const;
export const ENGINES = ['docker', 'memory'] as const;
// Not placement's own list: loading that folder for two words would slow down every run of ovr.
export const PLACEMENT_STRATEGIES = ['spread', 'binpack'] as const satisfies readonly Strategy[];
export const LOG_FORMATS = ['json', 'pretty'] as const;
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** The value behind each option of the table. */
export interface Settings {
  readonly config: string;
  readonly manifests: readonly string[];
  readonly recursive: boolean;
  readonly variables: readonly (readonly [name: string, value: string])[];
  readonly variableFiles: readonly string[];
  readonly sopsAgeKeyFile: string | undefined;
  readonly gitUrl: string | undefined;
  readonly gitRef: string | undefined;
  readonly gitPath: string | undefined;
  readonly gitIntervalMs: number;
  readonly gitSshKey: string | undefined;
  readonly gitKnownHosts: string | undefined;
  readonly gitTokenFile: string | undefined;
  readonly gitVerifySignatures: string | undefined;
  readonly gitWebhookSecretFile: string | undefined;
  readonly dockerHost: string;
  readonly dockerApiVersion: string | undefined;
  readonly coordinator: 'local' | ZooKeeperAddress;
  readonly zkAuthFile: string | undefined;
  readonly sessionTimeoutMs: number;
  readonly nodeLostAfterMs: number;
  readonly strategy: Strategy;
  readonly swarmDiscovery: ZooKeeperAddress | undefined;
  readonly swarmAdvertise: string | undefined;
  readonly cluster: string;
  readonly nodeName: string | undefined;
  readonly nodeLabels: readonly (readonly [key: string, value: string])[];
  readonly listen: ListenAddress | undefined;
  readonly socket: string;
  readonly stateDir: string;
  readonly mode: (typeof RUN_MODES)[number];
  readonly subnetPool: string;
  readonly resyncMs: number;
  readonly probeIntervalMs: number;
  readonly probeHeal: boolean;
  readonly concurrency: number;
  readonly once: boolean;
  readonly engine: (typeof ENGINES)[number];
  readonly logFormat: (typeof LOG_FORMATS)[number];
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly server: string | undefined;
}

/** Name of one setting, as the program calls it. */
export type Field = keyof Settings;

/** What the agents of a cluster share. */
export type CoordinatorConfig =
  | { readonly kind: 'local' }
  | (ZooKeeperAddress & {
      readonly kind: 'zookeeper';
      /** Holds `user:password`; read by the store adapter, so that no password is ever part of a configuration. */
      readonly authFile?: string;
      /** What is asked for; the server may grant another. */
      readonly sessionTimeoutMs: number;
    });

/** A repository with manifests. What files hold is read by the source itself, so that no secret is ever part of a configuration. */
export interface GitConfig {
  readonly url: string;
  /** Absent: the remote's HEAD. */
  readonly ref?: string;
  /** Absent: the root of the repository. */
  readonly path?: string;
  readonly intervalMs: number;
  readonly sshKeyFile?: string;
  readonly knownHostsFile?: string;
  readonly tokenFile?: string;
  /** Absent: commits need no signature. */
  readonly verifyKeyring?: string;
  /** Absent: no webhook is accepted. */
  readonly webhookSecretFile?: string;
}

/** Variables of manifests. What the files hold is read by the source itself. */
export interface VariablesConfig {
  /** These win over those of the files. */
  readonly values: Readonly<Record<string, string>>;
  /** Of one name, the last file counts. */
  readonly files: readonly string[];
}

/** How to reach the Docker daemon. */
export interface DockerAddress {
  /** `unix:///path` or `tcp://host:port`. */
  readonly host: string;
  /** Absent: negotiated. */
  readonly apiVersion?: string;
  /** Present only for tcp with TLS. */
  readonly tls?: DockerTls;
}

/** Files in PEM form; their contents are read by the engine adapter, so that no key is ever part of a configuration. */
export interface DockerTls {
  /** Absent: the system's own authorities. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** False: any certificate of the daemon is taken. */
  readonly verify: boolean;
}

/** What both programs need to work on an engine. */
export interface EngineConfig {
  readonly docker: DockerAddress;
  readonly engine: Settings['engine'];
  readonly cluster: string;
  /** Absent: the daemon's own name. */
  readonly nodeName?: string;
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly subnetPool: string;
  readonly concurrency: number;
  /** Read by sops itself, so that no key is ever part of a configuration. */
  readonly sopsAgeKeyFile?: string;
}

/** The configuration of ovrd: complete, checked and frozen. */
export interface Config extends EngineConfig {
  /** Folders; none where Git is the only source. */
  readonly manifests: readonly string[];
  readonly git?: GitConfig;
  /** Whether folders below count too, those of Git as well. */
  readonly recursive: boolean;
  readonly variables: VariablesConfig;
  readonly coordinator: CoordinatorConfig;
  /** How long a node is away before its `reschedule: on-node-failure` containers go elsewhere. */
  readonly nodeLostAfterMs: number;
  readonly strategy: Strategy;
  /** Where to register the daemon for a classic Swarm manager, and the address it has there. Absent: nowhere. */
  readonly swarmDiscovery?: ZooKeeperAddress & { readonly address: string };
  /** Absent: no HTTP. */
  readonly listen?: ListenAddress;
  readonly socket: string;
  readonly stateDir: string;
  readonly mode: Settings['mode'];
  readonly resyncMs: number;
  /** 0: never. */
  readonly probeIntervalMs: number;
  /** Whether endpoints are made again that checks find wrong. */
  readonly probeHeal: boolean;
  readonly once: boolean;
  readonly logFormat: Settings['logFormat'];
  readonly logLevel: Settings['logLevel'];
}

/** The configuration of ovr. */
export interface ClientConfig extends EngineConfig {
  readonly socket: string;
  /** Asks this instead of the socket. */
  readonly server?: string;
}
