import { formatCause } from '../../../pkg/api/index.ts';
import type { ObjectStatus } from '../../../pkg/reconcile/index.ts';
import { readCluster, tryCluster, type ClusterRead } from '../cluster.ts';
import type { CliContext } from '../context.ts';
import { placementLine, placementOf } from '../placement.ts';
import { nodeDetails, renderNode } from '../render/node.ts';
import { describeSuspension } from '../render/holds.ts';
import { historyTable } from '../render/history.ts';
import { outputOption, printData, type Format } from '../render/document.ts';
import { paintCondition } from '../render/paint.ts';
import { fields, section } from '../render/sections.ts';
import { renderTable } from '../render/table.ts';
import { formatAge, formatTime, oneLine } from '../render/text.ts';
import { findNamed, findObject, parseNamed, type Target } from '../target.ts';
import { examples, type AddVerb } from '../verb.ts';

export const addDescribe: AddVerb = (program, run) => {
  program
    .command('describe')
    .summary('Show everything about one object or node')
    .description('Shows everything the agent knows about one object, or about a node of the cluster.')
    .argument('<KIND>', 'Network, container, alias or node, or KIND/NAME')
    .argument('[NAME]')
    .addOption(outputOption())
    .addHelpText('after', examples('ovr describe container nginx_web_1', 'ovr describe node swarm-node-1'))
    .action((kind: string, name: string | undefined, { output }: { output: Format }) =>
      run(async (context) => {
        const { listing, name: wanted } = parseNamed(kind, name, 'describe');
        if (listing === 'Node') await describeNode(context, wanted, output);
        else await describeObject(context, { kind: listing, name: wanted }, output);
        return 0;
      }),
    );
};

async function describeNode(context: CliContext, name: string, format: Format): Promise<void> {
  const client = await context.connect();
  const here = await client.status();
  const view = await readCluster(client, 'ovr status shows how the node that was asked is');
  const node = nodeDetails(view, findNamed(view.nodes, { listing: 'Node', name }, 'in the cluster'));
  if (await printData(context.stdout, format, node)) return;
  context.stdout.write(await renderNode(node, { paint: context.paint, here }));
}

async function describeObject(context: CliContext, target: Target, format: Format): Promise<void> {
  const client = await context.connect();
  const status = await client.status();
  const object = findObject(status.objects, target);
  const cluster = await tryCluster(client, status);
  const placement = placementOf(cluster, object.key);
  if (await printData(context.stdout, format, { ...object, ...(placement && { placement }) })) return;
  const parts = [overview(context, object, cluster), engineState(object), ...(await tables(context, object))];
  context.stdout.write(parts.filter((part) => part !== '').join('\n'));
}

function overview({ clock, paint }: CliContext, object: ObjectStatus, cluster: ClusterRead): string {
  const { condition, origin, mode, nextTryMs } = object;
  const now = clock.now();
  const node = placementLine(cluster, object);
  return fields([
    ['Name', object.name],
    ['Kind', object.kind],
    ['Declared', origin ? `${origin.file}:${origin.line}` : 'by no manifest'],
    ...(node === undefined ? [] : [['Node', node] as const]),
    ['Mode', mode],
    ['Condition', `${paintCondition(paint, condition.type)} for ${formatAge(now - condition.sinceMs)}`],
    ['Message', oneLine(condition.message)],
    ...(object.suspended ? [['Suspended', describeSuspension(object.suspended, now)] as const] : []),
    ...(nextTryMs === undefined ? [] : [['Next try', `in ${formatAge(nextTryMs - now)}`] as const]),
  ]);
}

function engineState({ observed }: ObjectStatus): string {
  if (!observed) return section('In the engine', 'nothing\n');
  const { id, createdAtMs, driver, scope, subnets, image, state, health } = observed;
  const rows: (readonly [string, string | undefined])[] = [
    ['ID', id],
    ['Created', formatTime(createdAtMs)],
    ['Driver', driver],
    ['Scope', scope],
    ['Subnets', subnets?.join(', ')],
    ['Image', image],
    ['State', state],
    ['Health', health],
  ];
  const known = rows.flatMap(([name, value]) => (value ? [[name, oneLine(value)] as const] : []));
  return section('In the engine', fields(known));
}

async function tables(context: CliContext, { observed, causes, history }: ObjectStatus): Promise<string[]> {
  const endpoints = (observed?.endpoints ?? []).map(({ network, ipv4Address, aliases }) => [
    network,
    ipv4Address,
    aliases.join(','),
  ]);
  const endpointTable = await renderTable(['NETWORK', 'ADDRESS', 'ALIASES'], endpoints);
  const differences = causes.map((cause) => `${oneLine(formatCause(cause))}\n`).join('');
  return [
    endpoints.length > 0 ? section('Endpoints', endpointTable) : '',
    section('Differences', differences || 'none\n'),
    section('Last steps', await historyTable(context, history)),
  ];
}
