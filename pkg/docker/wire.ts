import { z } from 'zod';
import type { ContainerState } from '../state/index.ts';

/**
 * What is used of the engine's answers. What Docker leaves out, sends as null or empties in one version or another is optional
 * here; what it always sends must be there, or the answer is no answer.
 */
const text = z.string().nullish();
const strings = z.array(z.string()).nullish();
const labels = z.record(z.string(), z.string()).nullish();

const endpointShape = z.object({
  NetworkID: text,
  EndpointID: text,
  IPAddress: text,
  Aliases: strings,
  IPAMConfig: z.object({ IPv4Address: text }).nullish(),
});

const networksOfContainer = z
  .object({ Networks: z.record(z.string(), endpointShape.nullable()).nullish() })
  .nullish();

const STATES = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'] as const;

/** Before API 1.23 a list tells the state only in the text for people. */
const STATE_OF_STATUS: readonly (readonly [RegExp, ContainerState])[] = [
  [/^up .*\(paused\)$/i, 'paused'],
  [/^up /i, 'running'],
  [/^exited /i, 'exited'],
  [/^created/i, 'created'],
  [/^restarting /i, 'restarting'],
  [/^removal in progress/i, 'removing'],
  [/^dead/i, 'dead'],
];

function stateOfStatus(status: string): ContainerState | undefined {
  return STATE_OF_STATUS.find(([pattern]) => pattern.test(status))?.[1];
}

const listedContainerShape = z
  .object({
    Id: z.string().min(1),
    Names: strings,
    Image: text,
    /** Seconds since the epoch. */
    Created: z.number(),
    Labels: labels,
    State: z.enum(STATES).nullish(),
    /** For people: `Up 5 minutes (healthy)`. */
    Status: text,
    NetworkSettings: networksOfContainer,
  })
  .transform((listed, context) => {
    const State = listed.State ?? stateOfStatus(listed.Status ?? '');
    if (State !== undefined) return { ...listed, State };
    context.addIssue(`the status of a container is "${listed.Status ?? ''}"`);
    return z.NEVER;
  });

export const containerListShape = z.array(listedContainerShape);
export type ListedContainer = z.infer<typeof containerListShape>[number];

export const containerShape = z.object({
  Id: z.string().min(1),
  Name: z.string(),
  RestartCount: z.number().nullish(),
  State: z.object({
    Status: z.enum(STATES),
    ExitCode: z.number(),
    StartedAt: text,
    /** What kept it from starting the last time. */
    Error: text,
    Pid: z.number().nullish(),
    Health: z.object({ Status: text }).nullish(),
  }),
  Config: z.object({
    Hostname: text,
    Image: text,
    Labels: labels,
    /** Seconds. */
    StopTimeout: z.number().nullish(),
  }),
  HostConfig: z.object({
    RestartPolicy: z.object({ Name: text, MaximumRetryCount: z.number().nullish() }).nullish(),
    NanoCpus: z.number().nullish(),
    CpuQuota: z.number().nullish(),
    CpuPeriod: z.number().nullish(),
    Memory: z.number().nullish(),
  }),
  NetworkSettings: networksOfContainer,
});
export type InspectedContainer = z.infer<typeof containerShape>;
export type WireEndpoint = z.infer<typeof endpointShape>;

export const networkListShape = z.array(
  z.object({
    Id: z.string().min(1),
    Name: z.string().min(1),
    /** Since API 1.24; RFC 3339 with nanoseconds. */
    Created: text,
    Scope: z.enum(['', 'local', 'global', 'swarm']).nullish(),
    Driver: text,
    Internal: z.boolean().nullish(),
    Attachable: z.boolean().nullish(),
    Labels: labels,
    Options: labels,
    IPAM: z
      .object({ Config: z.array(z.object({ Subnet: text, Gateway: text, IPRange: text })).nullish() })
      .nullish(),
  }),
);
export type ListedNetwork = z.infer<typeof networkListShape>[number];

export const networkShape = z.object({
  Id: z.string().min(1),
  /** By container ID, by `lb-NETWORK`, or by `ep-ENDPOINT` for what no container of this host holds. */
  Containers: z.record(z.string(), z.object({ Name: text, EndpointID: text })).nullish(),
  Peers: z.array(z.object({ IP: text })).nullish(),
});
export type InspectedNetwork = z.infer<typeof networkShape>;

export const infoShape = z.object({
  ID: text,
  Name: z.string().min(1),
  ServerVersion: text,
  OSType: text,
  Architecture: text,
  OperatingSystem: text,
  KernelVersion: text,
  Driver: text,
  NCPU: z.number().nullish(),
  MemTotal: z.number().nullish(),
  Labels: strings,
  ClusterStore: text,
  ClusterAdvertise: text,
  Swarm: z
    .object({
      NodeID: text,
      NodeAddr: text,
      LocalNodeState: text,
      ControlAvailable: z.boolean().nullish(),
    })
    .nullish(),
});
export type Info = z.infer<typeof infoShape>;

export const versionShape = z.object({ Version: z.string(), ApiVersion: z.string() });

export const nodeShape = z.object({ Spec: z.object({ Labels: labels }) });

/** As a manager lists them. */
export const swarmNodesShape = z.array(
  z.object({
    ID: z.string().min(1),
    Description: z.object({ Hostname: text }).nullish(),
    Status: z.object({ State: text, Addr: text }).nullish(),
  }),
);
export type SwarmNode = z.infer<typeof swarmNodesShape>[number];

export const swarmTasksShape = z.array(
  z.object({
    NodeID: text,
    Status: z.object({ State: text }).nullish(),
    NetworksAttachments: z.array(z.object({ Network: z.object({ ID: text }).nullish() })).nullish(),
  }),
);

/** `warnings` is what the engine left out or changed. */
export const createdShape = z.object({ Id: z.string().min(1), Warnings: strings });
export const createdNetworkShape = z.object({ Id: z.string().min(1), Warning: text });

export const eventShape = z.object({
  Type: text,
  Action: text,
  Actor: z.object({ ID: text, Attributes: labels }).nullish(),
  /** The form of classic Swarm, and of Docker before API 1.22. */
  status: text,
  id: text,
});
export type WireEvent = z.infer<typeof eventShape>;

export const pullProgressShape = z.object({
  error: text,
  errorDetail: z.object({ message: text }).nullish(),
});
