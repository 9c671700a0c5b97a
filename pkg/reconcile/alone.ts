import { noHolds } from './holds.ts';
import type { Coordination } from './ports.ts';
import type { AgentStatus, ClusterView, CoordinatorStatus, NodeStatus } from './status.ts';

/** How an agent stands that shares nothing with others. */
export const ALONE_STATUS: CoordinatorStatus = {
  kind: 'local',
  connected: true,
  message: 'this node is the whole cluster',
  isLeader: false,
  epoch: 0,
  members: [],
  bound: 0,
  leaseHeld: true,
  sessions: { expired: 0, disconnected: 0 },
  leaderWrites: { ok: 0, refused: 0 },
  otherRevisions: [],
};

/** `--coordinator local`: this node is the whole cluster; nothing outlives the process. */
export const alone: Coordination = {
  state: () => ({ type: 'alone' }),
  holds: noHolds,
  status: () => ALONE_STATUS,
  view: (here) => Promise.resolve(viewAlone(here)),
};

function viewAlone(here: AgentStatus): ClusterView {
  const containers = here.objects.filter(({ kind }) => kind === 'Container');
  const networks = here.objects.filter(({ kind }) => kind === 'Network');
  return {
    coordinator: here.coordinator,
    nodes: [nodeHere(here, containers.length)],
    containers: containers.map(({ key, condition }) => ({
      key,
      by: 'pinned',
      ...(condition.type === 'NotHere' ? {} : { node: here.node }),
      condition,
    })),
    networks: networks.map(({ key, condition }) => ({ key, nodes: [here.node], condition })),
    aliases: here.aliases,
  };
}

function nodeHere(here: AgentStatus, containers: number): NodeStatus {
  const { kind, version } = here.engine;
  const { up, message } = here.engine;
  return {
    name: here.node,
    state: 'up',
    isLeader: false,
    version: here.version,
    ...(kind && version !== undefined ? { engine: { kind, version, up, message } } : {}),
    ...(here.host ? { host: here.host } : {}),
    requested: { nanoCpus: 0, memoryBytes: 0, containers },
    ...(here.revision ? { revision: here.revision.digest } : {}),
    converged: here.converged,
    conditions: here.objects
      .filter(({ condition }) => condition.type !== 'Ready' && condition.type !== 'NotHere')
      .map(({ key, condition: { type, message: text } }) => ({ key, type, message: text })),
  };
}
