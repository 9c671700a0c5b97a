import type { ContainerObject, ManifestObject, NetworkObject } from '../objects.ts';

type ContainerSpec = ContainerObject['spec'];
type NetworkSpec = NetworkObject['spec'];

const CONTAINER = {
  'Container.args': ({ args }) => args,
  'Container.capAdd': ({ capAdd }) => capAdd,
  'Container.capDrop': ({ capDrop }) => capDrop,
  'Container.command': ({ command }) => command,
  'Container.devices': ({ devices }) => devices,
  'Container.dns': ({ dns }) => dns,
  'Container.env': ({ env }) => env,
  'Container.extraHosts': ({ extraHosts }) => extraHosts,
  'Container.healthcheck': ({ healthcheck }) => healthcheck,
  'Container.hostname': ({ hostname }) => hostname,
  'Container.init': ({ init }) => init,
  'Container.labels': ({ labels }) => labels,
  'Container.logging': ({ logging }) => logging,
  'Container.networks': ({ networks }) => networks,
  'Container.nodeConstraint': ({ nodeConstraint }) => nodeConstraint,
  'Container.ports': ({ ports }) => ports,
  'Container.readOnly': ({ readOnly }) => readOnly,
  'Container.resources.limits.cpu': ({ resources }) => resources.limits.nanoCpus,
  'Container.resources.limits.memory': ({ resources }) => resources.limits.memoryBytes,
  'Container.resources.requests.cpu': ({ resources }) => resources.requests.nanoCpus,
  'Container.resources.requests.memory': ({ resources }) => resources.requests.memoryBytes,
  'Container.securityOpt': ({ securityOpt }) => securityOpt,
  'Container.stopGracePeriod': ({ stopGracePeriodMs }) => stopGracePeriodMs,
  'Container.sysctls': ({ sysctls }) => sysctls,
  'Container.tmpfs': ({ tmpfs }) => tmpfs,
  'Container.ulimits': ({ ulimits }) => ulimits,
  'Container.user': ({ user }) => user,
  'Container.volumes': ({ volumes }) => volumes,
} as const satisfies Record<`Container.${string}`, (spec: ContainerSpec) => unknown>;

const NETWORK = {
  'Network.encrypted': ({ encrypted }) => encrypted,
  'Network.internal': ({ internal }) => internal,
  'Network.ipam.gateway': ({ ipam }) => ipam?.gateway,
  'Network.ipam.ipRange': ({ ipam }) => ipam?.ipRange,
  'Network.ipam.subnet': ({ ipam }) => ipam?.subnet,
  'Network.labels': ({ labels }) => labels,
  'Network.mtu': ({ mtu }) => mtu,
  'Network.options': ({ options }) => options,
} as const satisfies Record<`Network.${string}`, (spec: NetworkSpec) => unknown>;

/** A field that a policy can ask for or forbid, with its kind. */
export type PolicyField = keyof typeof CONTAINER | keyof typeof NETWORK;

export const POLICY_FIELDS: readonly PolicyField[] = [...keysOf(CONTAINER), ...keysOf(NETWORK)];

/** Whether an object sets a field: neither absent, nor empty, nor `false`. Undefined where its kind has no such field. */
export function setsField(object: ManifestObject, field: PolicyField): boolean | undefined {
  if (object.kind === 'Container' && isContainerField(field)) return isSet(CONTAINER[field](object.spec));
  if (object.kind === 'Network' && !isContainerField(field)) return isSet(NETWORK[field](object.spec));
  return undefined;
}

function isContainerField(field: PolicyField): field is keyof typeof CONTAINER {
  return Object.hasOwn(CONTAINER, field);
}

function isSet(value: unknown): boolean {
  if (value === undefined || value === false) return false;
  return typeof value !== 'object' || value === null || Object.keys(value).length > 0;
}

function keysOf<K extends string>(record: Readonly<Record<K, unknown>>): K[] {
  return Object.keys(record) as K[]; // literals of this file
}
