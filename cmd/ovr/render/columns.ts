import { showSelector, type Kind } from '../../../pkg/api/index.ts';
import type { AgentStatus, ClusterAlias, ObjectStatus } from '../../../pkg/reconcile/index.ts';
import { paintCondition, type Paint } from './paint.ts';
import { renderTable, type Cell } from './table.ts';
import { formatAge } from './text.ts';

/** One column of a table. */
export interface Column<T> {
  readonly head: string;
  readonly cell: (row: T) => Cell;
}

export interface View {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly paint: Paint;
  readonly isWide: boolean;
}

/** How much of a digest or an ID tells it apart. */
export const SHORT_ID = 12;

/** The rows as a table of these columns. */
export function renderColumns<T>(columns: readonly Column<T>[], rows: readonly T[]): Promise<string> {
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  return renderTable(
    columns.map(({ head }) => head),
    cells,
  );
}

/** The columns of `ovr get` for a kind of object. */
export function columnsFor(kind: Exclude<Kind, 'Alias'>, view: View): readonly Column<ObjectStatus>[] {
  const special = kind === 'Network' ? networkColumns : containerColumns;
  const wide = kind === 'Network' ? [] : wideContainerColumns;
  return [
    { head: 'NAME', cell: ({ name }) => name },
    { head: 'CONDITION', cell: ({ condition }) => conditionCell(view.paint, condition.type) },
    ...special,
    { head: 'AGE', cell: ({ observed }) => (observed ? formatAge(view.now - observed.createdAtMs) : '') },
    ...(view.isWide ? [...wide, ...wideColumns] : []),
  ];
}

/** A condition in its colour. */
export function conditionCell(paint: Paint, type: ObjectStatus['condition']['type']): Cell {
  return { text: type, painted: paintCondition(paint, type) };
}

/** What is special about an alias. */
export const aliasColumns: readonly Column<ClusterAlias>[] = [
  { head: 'DNS-NAME', cell: ({ dnsName }) => dnsName },
  { head: 'NETWORK', cell: ({ network }) => network },
  {
    head: 'SELECTOR',
    cell: ({ selector, isSwitched }) => `${showSelector(selector)}${isSwitched ? ' (switched)' : ''}`,
  },
  { head: 'LEADS-TO', cell: ({ holders }) => showHolders(holders, true) },
  { head: 'OTHERS', cell: ({ holders }) => showHolders(holders, false) },
];

/** `nginx-1@node-1,nginx-2@node-2 (unhealthy)`: those that have the name, or those that do not. */
function showHolders(holders: ClusterAlias['holders'], has: boolean): string {
  return holders
    .filter((holder) => holder.has === has)
    .map(({ container, node, standing }) => {
      const state = standing === 'ready' ? '' : ` (${standing})`;
      return `${container}@${node}${state}`;
    })
    .join(',');
}

const networkColumns: readonly Column<ObjectStatus>[] = [
  { head: 'DRIVER', cell: ({ observed }) => observed?.driver ?? '' },
  { head: 'SCOPE', cell: ({ observed }) => observed?.scope ?? '' },
  { head: 'SUBNET', cell: ({ observed }) => (observed?.subnets ?? []).join(',') },
];

const containerColumns: readonly Column<ObjectStatus>[] = [
  { head: 'STATE', cell: ({ observed }) => stateOf(observed) },
  { head: 'IMAGE', cell: ({ observed }) => observed?.image ?? '' },
  {
    head: 'NETWORKS',
    cell: ({ observed }) => (observed?.endpoints ?? []).map(({ network }) => network).join(','),
  },
];

const wideContainerColumns: readonly Column<ObjectStatus>[] = [
  {
    head: 'ADDRESSES',
    cell: ({ observed }) => (observed?.endpoints ?? []).map(({ ipv4Address }) => ipv4Address).join(','),
  },
  {
    head: 'ALIASES',
    cell: ({ observed }) => (observed?.endpoints ?? []).flatMap(({ aliases }) => aliases).join(','),
  },
];

const wideColumns: readonly Column<ObjectStatus>[] = [
  { head: 'ID', cell: ({ observed }) => observed?.id.slice(0, SHORT_ID) ?? '' },
  { head: 'MODE', cell: ({ mode }) => mode },
  { head: 'DECLARED', cell: ({ origin }) => (origin ? `${origin.file}:${origin.line}` : '') },
  { head: 'MESSAGE', cell: ({ condition }) => condition.message },
];

function stateOf(observed: ObjectStatus['observed']): string {
  const { state = '', health = 'none' } = observed ?? {};
  return health === 'none' ? state : `${state} (${health})`;
}

/** A node as `ovr get nodes -o json` prints it. */
export interface NodeRow extends Pick<AgentStatus, 'cluster' | 'mode' | 'version' | 'engine' | 'converged'> {
  readonly key: string;
  readonly name: string;
  readonly revision?: string;
  readonly objects: number;
  readonly startedMs: number;
}

/** The node that answers. */
export function nodeRow(status: AgentStatus): NodeRow {
  const { node, cluster, mode, version, engine, converged, revision, objects, startedMs } = status;
  return {
    key: `Node/${node}`,
    name: node,
    cluster,
    mode,
    version,
    engine,
    converged,
    ...(revision && { revision: revision.digest }),
    objects: objects.length,
    startedMs,
  };
}

/** The columns of `ovr get nodes`. */
export function nodeColumns({ now, paint, isWide }: View): readonly Column<NodeRow>[] {
  const columns: Column<NodeRow>[] = [
    { head: 'NAME', cell: ({ name }) => name },
    {
      head: 'ENGINE',
      cell: ({ engine }) => ({
        text: engine.up ? 'up' : 'down',
        painted: paint(engine.up ? 'green' : 'red', engine.up ? 'up' : 'down'),
      }),
    },
    { head: 'KIND', cell: ({ engine }) => engine.kind ?? '' },
    { head: 'DOCKER', cell: ({ engine }) => engine.version ?? '' },
    { head: 'MODE', cell: ({ mode }) => mode },
    { head: 'CONVERGED', cell: ({ converged }) => (converged ? 'yes' : 'no') },
    { head: 'OBJECTS', cell: ({ objects }) => String(objects) },
    { head: 'UP', cell: ({ startedMs }) => formatAge(now - startedMs) },
  ];
  const more: Column<NodeRow>[] = [
    { head: 'CLUSTER', cell: ({ cluster }) => cluster },
    { head: 'API', cell: ({ engine }) => engine.apiVersion ?? '' },
    { head: 'REVISION', cell: ({ revision }) => revision?.slice(0, SHORT_ID) ?? '' },
    { head: 'OVRD', cell: ({ version }) => version },
  ];
  return isWide ? [...columns, ...more] : columns;
}
