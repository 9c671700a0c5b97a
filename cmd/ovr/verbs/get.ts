import type { AgentStatus, ClusterView } from '../../../pkg/reconcile/index.ts';
import { isShared, readCluster } from '../cluster.ts';
import type { CliContext } from '../context.ts';
import {
  clusterAliasColumns,
  clusterContainerColumns,
  clusterNetworkColumns,
  clusterNodeColumns,
  aliasRows,
  clusterRows,
} from '../render/cluster-columns.ts';
import { columnsFor, nodeColumns, nodeRow, renderColumns, type Column } from '../render/columns.ts';
import { outputOption, printData, type Format } from '../render/document.ts';
import { findNamed, findObject, parseSelection, plural, type Selection } from '../target.ts';
import { examples, type AddVerb } from '../verb.ts';

interface GetOptions {
  readonly output: Format;
  readonly here?: true;
}

export const addGet: AddVerb = (program, run) => {
  program
    .command('get')
    .summary('List networks, containers, aliases or nodes')
    .description(
      'Lists networks (net), containers (c), aliases (a) or nodes with their condition: of the whole cluster where there is one, else of this node.',
    )
    .argument('<KIND>', 'Networks, containers, aliases or nodes')
    .argument('[NAME]', 'Only this one')
    .option('--here', 'Only what the node that is asked knows by itself')
    .addOption(outputOption(true))
    .addHelpText(
      'after',
      examples('ovr get containers', 'ovr get c nginx_web_1 -o yaml', 'ovr get net --here -o name'),
    )
    .action((kind: string, name: string | undefined, options: GetOptions) =>
      run((context) => get(context, parseSelection(kind, name), options)),
    );
};

async function get(context: CliContext, selection: Selection, options: GetOptions): Promise<number> {
  const client = await context.connect();
  const status = await client.status();
  const query = { context, selection, format: options.output, status };
  if (options.here || !isShared(status)) {
    await getHere(query);
    return 0;
  }
  const command = `ovr get ${plural(selection.listing)} --here`;
  await getCluster({ ...query, cluster: await readCluster(client, `${command} shows this node alone`) });
  return 0;
}

interface Query {
  readonly context: CliContext;
  readonly selection: Selection;
  readonly format: Format;
  /** Of the agent that answers. */
  readonly status: AgentStatus;
}

async function getHere({ context, selection, format, status }: Query): Promise<void> {
  const { listing, name } = selection;
  const view = { now: context.clock.now(), paint: context.paint, isWide: format === 'wide' };
  const shared = { what: `${plural(listing)} here`, isSingle: name !== undefined };
  if (listing === 'Node') {
    const all = [nodeRow(status)];
    const rows = name === undefined ? all : [findNamed(all, { listing, name }, 'here')];
    await print(context, format, { ...shared, rows, columns: nodeColumns(view) });
    return;
  }
  if (listing === 'Alias') {
    const all = aliasRows(status.aliases);
    const rows = name === undefined ? all : [findNamed(all, { listing, name }, 'here')];
    const table = { ...view, here: status, nodes: [] };
    await print(context, format, { ...shared, rows, columns: clusterAliasColumns(table) });
    return;
  }
  const rows =
    name === undefined
      ? status.objects.filter(({ kind }) => kind === listing)
      : [findObject(status.objects, { kind: listing, name })];
  await print(context, format, { ...shared, rows, columns: columnsFor(listing, view) });
}

async function getCluster(query: Query & { readonly cluster: ClusterView }): Promise<void> {
  const { context, selection, format, status, cluster } = query;
  const { listing, name } = selection;
  const { paint, clock } = context;
  const table = { now: clock.now(), paint, isWide: format === 'wide', here: status, nodes: cluster.nodes };
  const all = clusterRows(cluster);
  const show = async <T extends Row>(rows: readonly T[], columns: readonly Column<T>[]): Promise<void> => {
    const chosen = name === undefined ? rows : [findNamed(rows, { listing, name }, IN_CLUSTER)];
    const what = `${plural(listing)} ${IN_CLUSTER}`;
    await print(context, format, { rows: chosen, columns, what, isSingle: name !== undefined });
  };
  if (listing === 'Node') await show(all.nodes, clusterNodeColumns(table));
  else if (listing === 'Container') await show(all.containers, clusterContainerColumns(table));
  else if (listing === 'Alias') await show(all.aliases, clusterAliasColumns(table));
  else await show(all.networks, clusterNetworkColumns(table));
}

const IN_CLUSTER = 'in the cluster';

interface Row {
  readonly key: string;
  readonly name: string;
}

interface Listed<T> {
  readonly rows: readonly T[];
  readonly columns: readonly Column<T>[];
  /** What to say there is none of. */
  readonly what: string;
  /** Whether the user named it: then it is printed alone and not as a list. */
  readonly isSingle: boolean;
}

async function print<T extends Row>(
  { stdout, stderr }: CliContext,
  format: Format,
  { rows, columns, what, isSingle }: Listed<T>,
): Promise<void> {
  if (await printData(stdout, format, isSingle ? rows[0] : { items: rows })) return;
  if (format === 'name') for (const { key } of rows) stdout.write(`${key}\n`);
  else if (rows.length === 0) stderr.write(`no ${what}\n`);
  else stdout.write(await renderColumns(columns, rows));
}
