import { Gauge, type Registry } from 'prom-client';

import { HOLD_KINDS, type AgentStatus, type CoordinatorStatus } from '../reconcile/index.ts';
import { aliasHolders, countObjects, driftSeries, networkAddresses } from './series.ts';

/** What one gauge shows: series with their values. */
type Series<L extends string> = readonly { readonly labels: Record<L, string>; readonly value: number }[];

interface Described<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly L[];
  readonly series: (status: AgentStatus) => Series<L>;
}

/** All problems that a source can have, by the name of the source. */
export type ProblemCodes = Readonly<Record<string, readonly string[]>>;

/** Gauges that are computed from the newest status when somebody asks, so that nothing outlives what it describes. */
export function registerGauges(
  registry: Registry,
  newest: () => AgentStatus | undefined,
  problems: ProblemCodes,
): void {
  const add = <L extends string>({ name, help, labelNames, series }: Described<L>): void => {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        const status = newest();
        if (status === undefined) return;
        for (const { labels, value } of series(status)) this.set(labels, value);
      },
    });
  };
  addObjects(add);
  addSources(add);
  addCommits(add, problems);
  addAgent(add);
  addCoordinator(add);
}

type Add = <L extends string>(described: Described<L>) => void;

function addObjects(add: Add): void {
  add({
    name: 'ovr_objects',
    help: 'Objects by condition.',
    labelNames: ['kind', 'condition'],
    series: countObjects,
  });
  add({
    name: 'ovr_drift',
    help: '1 for each difference that nobody declared, while it lasts.',
    labelNames: ['kind', 'name', 'field'],
    series: (status) => driftSeries(status).shown,
  });
  add({
    name: 'ovr_drift_omitted',
    help: 'Differences without a series of ovr_drift, because there are too many.',
    labelNames: [],
    series: (status) => [{ labels: {}, value: driftSeries(status).omitted }],
  });
  add({
    name: 'ovr_alias_holders',
    help: 'Containers of this node that have the alias on the network.',
    labelNames: ['alias', 'network'],
    series: aliasHolders,
  });
  add({
    name: 'ovr_network_addresses',
    help: 'Addresses of a declared network: used by this node, and what containers can have over all nodes.',
    labelNames: ['network', 'scope', 'state'],
    series: networkAddresses,
  });
}

function addSources(add: Add): void {
  add({
    name: 'ovr_source_revision_info',
    help: 'The revision in force.',
    labelNames: ['revision'],
    series: ({ revision }) => (revision ? [{ labels: { revision: revision.digest }, value: 1 }] : []),
  });
  add({
    name: 'ovr_applied_revision_info',
    help: 'The revision with which everything on the node was last as declared.',
    labelNames: ['revision'],
    series: ({ applied }) => (applied ? [{ labels: { revision: applied.digest }, value: 1 }] : []),
  });
  add({
    name: 'ovr_pinned_revision_info',
    help: 'The revision that somebody has pinned.',
    labelNames: ['revision'],
    series: ({ pin }) => (pin ? [{ labels: { revision: pin.revision }, value: 1 }] : []),
  });
  add({
    name: 'ovr_source_last_sync_timestamp_seconds',
    help: 'When the source was last read completely, seconds since the epoch.',
    labelNames: ['source'],
    series: ({ sources }) =>
      sources.flatMap(({ name, lastSyncMs }) =>
        lastSyncMs === undefined ? [] : [{ labels: { source: name }, value: lastSyncMs / 1000 }],
      ),
  });
  add({
    name: 'ovr_manifest_errors',
    help: 'Errors in the manifests as they are now.',
    labelNames: [],
    series: ({ diagnostics }) => [
      { labels: {}, value: diagnostics.filter(({ severity }) => severity === 'error').length },
    ],
  });
}

function addCommits(add: Add, problems: ProblemCodes): void {
  add({
    name: 'ovr_source_commit_info',
    help: 'The commit that is applied.',
    labelNames: ['source', 'commit'],
    series: ({ sources }) =>
      sources.flatMap(({ name, commit }) =>
        commit ? [{ labels: { source: name, commit: commit.commit }, value: 1 }] : [],
      ),
  });
  add({
    name: 'ovr_source_problem',
    help: '1 while this keeps the newest commit from being applied.',
    labelNames: ['source', 'problem'],
    series: ({ sources }) =>
      sources.flatMap(({ name, problem: current }) =>
        (problems[name] ?? []).map((problem) => ({
          labels: { source: name, problem },
          value: Number(problem === current),
        })),
      ),
  });
}

function addAgent(add: Add): void {
  add({
    name: 'ovr_engine_up',
    help: '1 while the engine answers.',
    labelNames: [],
    series: ({ engine }) => [{ labels: {}, value: Number(engine.up) }],
  });
  add({
    name: 'ovr_prune_held',
    help: '1 while removals wait for ovr prune --confirm.',
    labelNames: [],
    series: ({ prune }) => [{ labels: {}, value: Number(prune.held) }],
  });
  add({
    name: 'ovr_hold_active',
    help: 'Overrides by people that are in force.',
    labelNames: ['kind'],
    series: ({ holds }) =>
      HOLD_KINDS.map((kind) => ({
        labels: { kind },
        value: holds.filter((hold) => hold.kind === kind).length,
      })),
  });
  add({
    name: 'ovr_mode',
    help: '1 for the mode the agent runs in.',
    labelNames: ['mode'],
    series: (status) =>
      (['enforce', 'observe'] as const).map((mode) => ({
        labels: { mode },
        value: Number(status.mode === mode),
      })),
  });
  add({
    name: 'ovr_build_info',
    help: 'The version that runs.',
    labelNames: ['version'],
    series: ({ version }) => [{ labels: { version }, value: 1 }],
  });
}

function addCoordinator(add: Add): void {
  add({
    name: 'ovr_coordinator_info',
    help: 'What agents share, and the cluster they are.',
    labelNames: ['kind', 'cluster'],
    series: ({ coordinator: { kind }, cluster }) => [{ labels: { kind, cluster }, value: 1 }],
  });
  for (const { name, help, value } of COORDINATOR_GAUGES) {
    add({
      name,
      help,
      labelNames: [],
      series: ({ coordinator }) => [{ labels: {}, value: Number(value(coordinator)) }],
    });
  }
}

const COORDINATOR_GAUGES: readonly {
  readonly name: string;
  readonly help: string;
  readonly value: (coordinator: CoordinatorStatus) => number | boolean;
}[] = [
  {
    name: 'ovr_coordinator_connected',
    help: '1 while the coordinator answers.',
    value: ({ connected }) => connected,
  },
  { name: 'ovr_leader', help: '1 while this agent leads the cluster.', value: ({ isLeader }) => isLeader },
  {
    name: 'ovr_leader_epoch',
    help: 'Number of the leader that this agent knows; each new one has a higher number.',
    value: ({ epoch }) => epoch,
  },
  {
    name: 'ovr_members',
    help: 'Agents in the cluster, as far as this one knows.',
    value: ({ members }) => members.length,
  },
  {
    name: 'ovr_bound_containers',
    help: 'Containers that the leader has bound to this node.',
    value: ({ bound }) => bound,
  },
  {
    name: 'ovr_unplaced_containers',
    help: 'Containers that the leader has found no node for.',
    value: ({ unplaced = 0 }) => unplaced,
  },
  {
    name: 'ovr_lease_held',
    help: '0 while on-node-failure containers are stopped here, because other nodes may run them.',
    value: ({ leaseHeld }) => leaseHeld,
  },
  {
    name: 'ovr_agents_other_revision',
    help: 'Agents with other manifests than this one.',
    value: ({ otherRevisions }) => otherRevisions.length,
  },
];
