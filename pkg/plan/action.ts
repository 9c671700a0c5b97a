import type { Cause, ErrorCode } from '../api/index.ts';
import type { ContainerSpec, NetworkSpec, RestartPolicy } from '../manifest/index.ts';

/** A container by name; the ID is absent for one that an earlier step of the same object makes. */
export interface ContainerRef {
  readonly name: string;
  readonly id?: string;
}

/** A network by name; the ID is absent while it does not exist yet or where the engine does not list it (Swarm worker). */
export interface NetworkRef {
  readonly name: string;
  readonly id?: string;
}

/** A complete endpoint configuration: always sent whole, since an engine keeps nothing of an endpoint that was disconnected. */
export interface EndpointRequest {
  readonly network: NetworkRef;
  readonly aliases: readonly string[];
  readonly ipv4Address?: string;
  /** `pinned`: the manifest asks for it. `kept`: it had this address before; when it cannot be had, connect without. */
  readonly addressOrigin?: 'pinned' | 'kept';
}

export interface NetworkCreate {
  readonly name: string;
  /** With the subnet filled in from the pool where the manifest has none. */
  readonly spec: NetworkSpec;
  /** Ownership labels and the manifest's own. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface ContainerCreate {
  readonly name: string;
  readonly spec: ContainerSpec;
  readonly labels: Readonly<Record<string, string>>;
  /** The first endpoint; further ones are connected by steps of their own. Absent: see `ContainerSpec.networks`. */
  readonly endpoint?: EndpointRequest;
}

export interface ContainerUpdate {
  readonly restartPolicy?: RestartPolicy;
  readonly nanoCpus?: number;
  readonly memoryBytes?: number;
}

type Step =
  | { readonly type: 'CreateNetwork'; readonly network: NetworkCreate }
  | { readonly type: 'RemoveNetwork'; readonly network: NetworkRef }
  | {
      readonly type: 'EnsureImage';
      readonly image: string;
      readonly policy: ContainerSpec['imagePullPolicy'];
    }
  | { readonly type: 'CreateContainer'; readonly container: ContainerCreate }
  | { readonly type: 'ConnectEndpoint'; readonly container: ContainerRef; readonly endpoint: EndpointRequest }
  /** `force` drops the record of an endpoint whose network is gone. */
  | {
      readonly type: 'DisconnectEndpoint';
      readonly container: ContainerRef;
      readonly network: NetworkRef;
      readonly force?: true;
    }
  /** `endpoints`: those that the container has already and that the start brings up. */
  | {
      readonly type: 'StartContainer';
      readonly container: ContainerRef;
      readonly endpoints?: readonly EndpointRequest[];
      /** What kept the engine from starting it before. */
      readonly startFailure?: ErrorCode;
    }
  /** Waits a moment and looks: still running, or done well where the restart policy lets it end. */
  | { readonly type: 'VerifyRunning'; readonly container: ContainerRef; readonly mayEnd: boolean }
  | { readonly type: 'UnpauseContainer'; readonly container: ContainerRef }
  | { readonly type: 'UpdateContainer'; readonly container: ContainerRef; readonly update: ContainerUpdate }
  | { readonly type: 'StopContainer'; readonly container: ContainerRef; readonly graceMs?: number }
  | { readonly type: 'RenameContainer'; readonly container: ContainerRef; readonly to: string }
  | { readonly type: 'RemoveContainer'; readonly container: ContainerRef };

/** One step, and why it is needed. The executor maps each to one engine call. */
export type Action = Step & { readonly cause: Cause };

export const ACTION_TYPES = [
  'CreateNetwork',
  'RemoveNetwork',
  'EnsureImage',
  'CreateContainer',
  'ConnectEndpoint',
  'DisconnectEndpoint',
  'StartContainer',
  'VerifyRunning',
  'UnpauseContainer',
  'UpdateContainer',
  'StopContainer',
  'RenameContainer',
  'RemoveContainer',
] as const satisfies readonly Action['type'][];
export type ActionType = Action['type'];
