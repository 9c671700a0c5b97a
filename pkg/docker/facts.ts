import type { NodeFacts } from '../constraint/index.ts';
import type { EngineFacts, EngineKind } from '../state/index.ts';
import type { Info } from './wire.ts';

export interface FactsInput {
  readonly info: Info;
  readonly apiVersion: string;
  /** In place of the engine's own name. */
  readonly nodeName?: string;
  /** From `--node-label`; these win over the labels of the Swarm node. */
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly swarmLabels: Readonly<Record<string, string>>;
}

/** What an engine says it is, in ovr's words. */
export function factsOf(input: FactsInput): EngineFacts {
  const { info, apiVersion } = input;
  return {
    kind: kindOf(info),
    ...(isSettled(info) ? {} : { joining: true }),
    node: nodeOf(input),
    version: info.ServerVersion ?? '',
    apiVersion,
    cpus: info.NCPU ?? 0,
    memoryBytes: info.MemTotal ?? 0,
  };
}

function kindOf(info: Info): EngineKind {
  if (info.ServerVersion?.startsWith('swarm/')) return 'classic-swarm';
  if (isInSwarm(info)) return info.Swarm?.ControlAvailable ? 'swarm-manager' : 'swarm-worker';
  return info.ClusterStore ? 'cluster-store' : 'plain';
}

/** Also while it is joining, locked or cut off from its managers: it is no plain daemon then. */
function isInSwarm({ Swarm }: Info): boolean {
  return !['', 'inactive'].includes(Swarm?.LocalNodeState ?? '');
}

/** Whether what the engine says about Swarm mode will stay: a daemon that has just started does not know its managers yet. */
export function isSettled(info: Info): boolean {
  return !isInSwarm(info) || info.Swarm?.LocalNodeState === 'active';
}

function nodeOf({ info, nodeName, nodeLabels, swarmLabels }: FactsInput): NodeFacts {
  return {
    id: info.Swarm?.NodeID || info.ID || '',
    name: nodeName ?? info.Name,
    ip: info.Swarm?.NodeAddr || hostOf(info.ClusterAdvertise ?? ''),
    role: info.Swarm?.ControlAvailable ? 'manager' : 'worker',
    os: info.OSType ?? '',
    arch: info.Architecture ?? '',
    labels: { ...swarmLabels, ...nodeLabels },
    engineLabels: { ...daemonLabels(info), ...builtInLabels(info) },
  };
}

/** `10.6.17.13:2375` → `10.6.17.13`. */
function hostOf(advertised: string): string {
  const colon = advertised.lastIndexOf(':');
  return (colon === -1 ? advertised : advertised.slice(0, colon)).replace(/^\[|\]$/g, '');
}

function daemonLabels({ Labels }: Info): Record<string, string> {
  const pairs = (Labels ?? []).map((label): [string, string] => {
    const equals = label.indexOf('=');
    return equals === -1 ? [label, ''] : [label.slice(0, equals), label.slice(equals + 1)];
  });
  return Object.fromEntries(pairs);
}

/** What classic Swarm calls standard constraints; a daemon label of the same name does not override them. */
function builtInLabels(info: Info): Record<string, string> {
  const builtIn = {
    storagedriver: info.Driver,
    kernelversion: info.KernelVersion,
    operatingsystem: info.OperatingSystem,
    ostype: info.OSType,
  };
  const known = Object.entries(builtIn).filter((pair): pair is [string, string] => Boolean(pair[1]));
  return Object.fromEntries(known);
}
