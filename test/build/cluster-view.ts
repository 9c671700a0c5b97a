import type {
  ClusterContainer,
  ClusterView,
  CoordinatorStatus,
  HostSummary,
  NodeStatus,
} from '../../pkg/reconcile/index.ts';

const GIBI = 1024 ** 3;

/** How the agent on swarm-node-1 stands; swarm-node-2 leads. */
export function sharedStatus(change: Partial<CoordinatorStatus> = {}): CoordinatorStatus {
  return { ...leaderlessStatus(), leader: 'swarm-node-2', ...change };
}

/** The same where no leader is known. */
export function leaderlessStatus(change: Partial<CoordinatorStatus> = {}): CoordinatorStatus {
  return {
    kind: 'zookeeper',
    connected: true,
    message: 'connected',
    isLeader: false,
    epoch: 4,
    members: ['swarm-node-1', 'swarm-node-2'],
    bound: 1,
    leaseHeld: true,
    sessions: { expired: 0, disconnected: 2 },
    leaderWrites: { ok: 0, refused: 0 },
    otherRevisions: [],
    ...change,
  };
}

const host: HostSummary = {
  address: '10.6.17.11',
  role: 'worker',
  os: 'linux',
  arch: 'x86_64',
  labels: { zone: 'a', disk: 'ssd' },
  engineLabels: {},
  nanoCpus: 4e9,
  memoryBytes: 16 * GIBI,
};

/** A node that is up and as declared, with whatever a test changes. */
export function clusterNode(name: string, change: Partial<NodeStatus> = {}): NodeStatus {
  return {
    name,
    state: 'up',
    isLeader: false,
    engine: { kind: 'plain', version: '20.10.24', up: true, message: 'answers' },
    version: '0.1.0',
    host,
    requested: { nanoCpus: 1.5e9, memoryBytes: 512 * 1024 ** 2, containers: 2 },
    revision: 'abcdef0123456789',
    converged: true,
    conditions: [],
    ...change,
  };
}

/** A container that runs as declared, bound to a node. */
export function clusterContainer(name: string, change: Partial<ClusterContainer> = {}): ClusterContainer {
  return {
    key: `Container/${name}`,
    node: 'swarm-node-2',
    by: 'bound',
    condition: { type: 'Ready', message: 'as declared' },
    ...change,
  };
}

/** Two nodes that are up, one that is away and one that only classic Swarm knows. */
export function clusterView(change: Partial<ClusterView> = {}): ClusterView {
  const nothing = { nanoCpus: 0, memoryBytes: 0, containers: 0 };
  const key = 'Container/db_1';
  const failed = { key, type: 'Failed', message: 'no such image' } as const;
  const none: ClusterContainer = {
    key: 'Container/cache_1',
    by: 'unplaced',
    condition: {
      type: 'Unschedulable',
      message: '3 nodes: constraint storage==ssd; 1 node: port 8001 taken',
    },
  };
  return {
    coordinator: sharedStatus(),
    nodes: [
      clusterNode('swarm-node-1'),
      clusterNode('swarm-node-2', { isLeader: true, conditions: [failed], converged: false }),
      {
        name: 'swarm-node-3',
        state: 'away',
        isLeader: false,
        requested: { ...nothing, containers: 1 },
        conditions: [],
      },
      {
        name: '10.6.17.14:2375',
        state: 'swarm',
        isLeader: false,
        requested: nothing,
        conditions: [],
        inSwarmDiscovery: true,
      },
    ],
    containers: [
      none,
      clusterContainer('db_1', { condition: failed }),
      clusterContainer('nginx_web_1', { node: 'swarm-node-1', by: 'pinned' }),
      clusterContainer('queue_1', {
        node: 'swarm-node-3',
        condition: { type: 'Waiting', message: 'node swarm-node-3 is away: its state is not known' },
      }),
    ],
    aliases: [],
    networks: [
      {
        key: 'Network/ovr0',
        nodes: ['swarm-node-1', 'swarm-node-2'],
        condition: { type: 'Ready', message: 'as declared' },
      },
    ],
    ...change,
  };
}
