import type { Kind } from '../../../pkg/api/index.ts';
import type { AgentStatus, ObjectStatus } from '../../../pkg/reconcile/index.ts';
import type { CliContext } from '../context.ts';
import {
  columnsFor,
  nodeColumns,
  nodeRow,
  renderColumns,
  type Column,
  type NodeRow,
} from '../render/columns.ts';
import { outputOption, printData, type Format } from '../render/document.ts';
import { findObject, parseSelection, plural } from '../target.ts';
import { examples, type AddVerb } from '../verb.ts';

export const addGet: AddVerb = (program, run) => {
  program
    .command('get')
    .summary('List networks, containers or nodes')
    .description('Lists objects with their condition: networks (net), containers (c) or nodes.')
    .argument('<KIND>', 'Networks, containers or nodes')
    .argument('[NAME]', 'Only this one')
    .addOption(outputOption(true))
    .addHelpText(
      'after',
      examples('ovr get containers', 'ovr get c nginx_web_1 -o yaml', 'ovr get net -o name'),
    )
    .action((kind: string, name: string | undefined, options: { output: Format }) =>
      run((context) => get(context, { kind, name, format: options.output })),
    );
};

interface Wanted {
  readonly kind: string;
  readonly name: string | undefined;
  readonly format: Format;
}

async function get(context: CliContext, wanted: Wanted): Promise<number> {
  const { listing, name } = parseSelection(wanted.kind, wanted.name);
  const status = await (await context.connect()).status();
  const single = name !== undefined;
  const view = { now: context.clock.now(), paint: context.paint, isWide: wanted.format === 'wide' };
  if (listing === 'Node') {
    const rows = nodes(status, name);
    await print(context, wanted.format, { rows, columns: nodeColumns(view), what: 'nodes', single });
    return 0;
  }
  const rows = objects(status, listing, name);
  await print(context, wanted.format, {
    rows,
    columns: columnsFor(listing, view),
    what: plural(listing),
    single,
  });
  return 0;
}

function nodes(status: AgentStatus, name: string | undefined): readonly NodeRow[] {
  const row = nodeRow(status);
  if (name === undefined || name === row.name) return [row];
  throw new Error(`there is no node "${name}" here: ovr get nodes lists what there is`);
}

function objects(status: AgentStatus, kind: Kind, name: string | undefined): readonly ObjectStatus[] {
  if (name !== undefined) return [findObject(status.objects, { kind, name })];
  return status.objects.filter((object) => object.kind === kind);
}

interface Listed<T> {
  readonly rows: readonly T[];
  readonly columns: readonly Column<T>[];
  /** What to say there is none of. */
  readonly what: string;
  /** Whether the user named it: then it is printed alone and not as a list. */
  readonly single: boolean;
}

async function print<T extends { readonly key: string }>(
  { stdout, stderr }: CliContext,
  format: Format,
  { rows, columns, what, single }: Listed<T>,
): Promise<void> {
  if (await printData(stdout, format, single ? rows[0] : { items: rows })) return;
  if (format === 'name') for (const { key } of rows) stdout.write(`${key}\n`);
  else if (rows.length === 0) stderr.write(`no ${what} here\n`);
  else stdout.write(await renderColumns(columns, rows));
}
