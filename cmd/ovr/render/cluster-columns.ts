import { CONDITIONS, splitKey, type ConditionType, type Kind } from '../../../pkg/api/index.ts';
import type {
  AgentStatus,
  ClusterAlias,
  ClusterContainer,
  ClusterNetwork,
  ClusterView,
  NodeStatus,
} from '../../../pkg/reconcile/index.ts';
import { SHORT_ID, aliasColumns, conditionCell, type Column, type View } from './columns.ts';
import { paintNodeState, type Paint } from './paint.ts';
import type { Cell } from './table.ts';
import { formatCpus, formatMemory } from './text.ts';

/** Something of the cluster as `ovr get -o json` prints it: with the names that items have everywhere. */
type Named<T> = T & { readonly kind: Kind; readonly name: string };
type ContainerRow = Named<ClusterContainer>;
type NetworkRow = Named<ClusterNetwork>;
type AliasRow = Named<ClusterAlias>;
type NodeRow = NodeStatus & { readonly key: string };

interface Rows {
  readonly nodes: readonly NodeRow[];
  readonly containers: readonly ContainerRow[];
  readonly networks: readonly NetworkRow[];
  readonly aliases: readonly AliasRow[];
}

/** What is in the cluster, each with its names. */
export function clusterRows({ nodes, containers, networks, aliases }: ClusterView): Rows {
  return {
    nodes: nodes.map(clusterNode),
    containers: containers.map((row) => ({ ...splitKey(row.key), ...row })),
    networks: networks.map((row) => ({ ...splitKey(row.key), ...row })),
    aliases: aliasRows(aliases),
  };
}

/** Aliases, each with its names. */
export function aliasRows(aliases: readonly ClusterAlias[]): readonly AliasRow[] {
  return aliases.map((row) => ({ ...splitKey(row.key), ...row }));
}

function clusterNode(node: NodeStatus): NodeRow {
  return { key: `Node/${node.name}`, ...node };
}

/** What the answering agent knows besides: it may have an object itself, and it has a revision of its own. */
interface ClusterTable extends View {
  readonly here: AgentStatus;
  readonly nodes: readonly NodeStatus[];
}

/** The columns of `ovr get nodes` over all nodes. */
export function clusterNodeColumns(table: ClusterTable): readonly Column<NodeRow>[] {
  const { paint, here } = table;
  const columns: Column<NodeRow>[] = [
    { head: 'NAME', cell: ({ name }) => name },
    { head: 'STATE', cell: ({ state }) => ({ text: state, painted: paintNodeState(paint, state) }) },
    { head: 'LEADER', cell: ({ isLeader }) => (isLeader ? 'yes' : '') },
    { head: 'ENGINE', cell: (node) => engineCell(paint, node) },
    { head: 'VERSION', cell: ({ version }) => version ?? '' },
    { head: 'CONTAINERS', cell: ({ requested }) => String(requested.containers) },
    { head: 'REVISION', cell: (node) => revisionCell(paint, node, here) },
    { head: 'CONDITIONS', cell: ({ conditions }) => conditionCounts(conditions) },
  ];
  return table.isWide ? [...columns, ...wideNodeColumns] : columns;
}

const wideNodeColumns: readonly Column<NodeRow>[] = [
  { head: 'DOCKER', cell: ({ engine }) => (engine ? `${engine.version} (${engine.kind})` : '') },
  { head: 'ADDRESS', cell: ({ host }) => host?.address ?? '' },
  { head: 'CPUS', cell: ({ host, requested }) => share(requested.nanoCpus, host?.nanoCpus, formatCpus) },
  {
    head: 'MEMORY',
    cell: ({ host, requested }) => share(requested.memoryBytes, host?.memoryBytes, formatMemory),
  },
  { head: 'APPLIED', cell: ({ applied }) => (applied ?? '').slice(0, SHORT_ID) },
  { head: 'CONVERGED', cell: ({ converged }) => yesOrNo(converged) },
  { head: 'SWARM', cell: ({ inSwarmDiscovery }) => (inSwarmDiscovery ? 'registered' : '') },
  { head: 'LABELS', cell: ({ host }) => formatLabels(host?.labels ?? {}) },
];

function engineCell(paint: Paint, { engine }: NodeStatus): Cell {
  if (!engine) return '';
  const text = engine.up ? 'up' : 'down';
  return { text, painted: paint(engine.up ? 'green' : 'red', text) };
}

/** In colour where it is another one than that of the node that was asked. */
function revisionCell(paint: Paint, { revision }: NodeStatus, { revision: own }: AgentStatus): Cell {
  if (revision === undefined) return '';
  const text = revision.slice(0, SHORT_ID);
  return { text, painted: revision === own?.digest ? text : paint('yellow', text) };
}

/** Empty where it is not known. */
export function yesOrNo(value: boolean | undefined): string {
  if (value === undefined) return '';
  return value ? 'yes' : 'no';
}

/** Requested of what there is; nothing is said about what is not known. */
function share(requested: number, capacity: number | undefined, format: (amount: number) => string): string {
  return capacity ? `${format(requested)}/${format(capacity)}` : '';
}

/** `2 Failed, 1 Waiting`. */
function conditionCounts(conditions: readonly { readonly type: ConditionType }[]): string {
  const counts = CONDITIONS.map((type) => ({
    type,
    number: conditions.filter((condition) => condition.type === type).length,
  }));
  return counts
    .filter(({ number }) => number > 0)
    .map(({ type, number }) => `${number} ${type}`)
    .join(', ');
}

/** Labels in one cell. */
function formatLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

/** The columns of `ovr get containers` over all nodes. */
export function clusterContainerColumns(table: ClusterTable): readonly Column<ContainerRow>[] {
  const stateOf = new Map(table.nodes.map(({ name, state }) => [name, state]));
  const columns: Column<ContainerRow>[] = [
    { head: 'NAME', cell: ({ name }) => name },
    { head: 'NODE', cell: ({ node }) => node ?? '' },
    { head: 'BY', cell: ({ by }) => by },
    { head: 'CONDITION', cell: ({ condition }) => conditionCell(table.paint, condition.type) },
    { head: 'MESSAGE', cell: ({ condition }) => condition.message },
  ];
  const wide: Column<ContainerRow>[] = [
    { head: 'NODE-STATE', cell: ({ node }) => (node === undefined ? '' : (stateOf.get(node) ?? 'unknown')) },
    ...ownColumns<ContainerRow>(table),
  ];
  return table.isWide ? [...columns, ...wide] : columns;
}

/** The columns of `ovr get networks` over all nodes. */
export function clusterNetworkColumns(table: ClusterTable): readonly Column<NetworkRow>[] {
  const columns: Column<NetworkRow>[] = [
    { head: 'NAME', cell: ({ name }) => name },
    { head: 'CONDITION', cell: ({ condition }) => conditionCell(table.paint, condition.type) },
    { head: 'NODES', cell: ({ nodes }) => String(nodes.length) },
    { head: 'MESSAGE', cell: ({ condition }) => condition.message },
  ];
  const wide: Column<NetworkRow>[] = [
    { head: 'ON', cell: ({ nodes }) => nodes.join(',') },
    ...ownColumns<NetworkRow>(table),
  ];
  return table.isWide ? [...columns, ...wide] : columns;
}

/** The columns of `ovr get aliases` over all nodes. */
export function clusterAliasColumns(table: ClusterTable): readonly Column<AliasRow>[] {
  const columns: Column<AliasRow>[] = [
    { head: 'NAME', cell: ({ name }) => name },
    { head: 'CONDITION', cell: ({ condition }) => conditionCell(table.paint, condition.type) },
    ...aliasColumns,
  ];
  const wide: Column<AliasRow>[] = [
    { head: 'MESSAGE', cell: ({ condition }) => condition.message },
    ...ownColumns<AliasRow>(table),
  ];
  return table.isWide ? [...columns, ...wide] : columns;
}

/** What the manifests of the answering agent say. */
function ownColumns<T extends { readonly key: string }>({ here }: ClusterTable): readonly Column<T>[] {
  const own = new Map<string, AgentStatus['objects'][number]>(
    here.objects.map((object) => [object.key, object]),
  );
  return [
    { head: 'MODE', cell: ({ key }) => own.get(key)?.mode ?? '' },
    {
      head: 'DECLARED',
      cell: ({ key }) => {
        const origin = own.get(key)?.origin;
        return origin ? `${origin.file}:${origin.line}` : '';
      },
    },
  ];
}
