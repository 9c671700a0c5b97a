import { formatCause } from '../../../pkg/api/index.ts';
import type { ObjectStatus } from '../../../pkg/reconcile/index.ts';
import type { CliContext } from '../context.ts';
import { historyTable } from '../render/history.ts';
import { outputOption, printData, type Format } from '../render/document.ts';
import { paintCondition } from '../render/paint.ts';
import { fields, section } from '../render/sections.ts';
import { renderTable } from '../render/table.ts';
import { formatAge, formatTime, oneLine } from '../render/text.ts';
import { findObject, parseTarget, type Target } from '../target.ts';
import { examples, type AddVerb } from '../verb.ts';

export const addDescribe: AddVerb = (program, run) => {
  program
    .command('describe')
    .summary('Show everything about one object')
    .description('Shows everything the agent knows about one object.')
    .argument('<KIND>', 'Network or container, or KIND/NAME')
    .argument('[NAME]')
    .addOption(outputOption())
    .addHelpText('after', examples('ovr describe container nginx_web_1', 'ovr describe net/ovr0'))
    .action((kind: string, name: string | undefined, options: { output: Format }) =>
      run((context) => describe(context, parseTarget(kind, name, 'describe'), options.output)),
    );
};

async function describe(context: CliContext, target: Target, format: Format): Promise<number> {
  const status = await (await context.connect()).status();
  const object = findObject(status.objects, target);
  if (await printData(context.stdout, format, object)) return 0;
  const parts = [overview(context, object), engineState(object), ...(await tables(context, object))];
  context.stdout.write(parts.filter((part) => part !== '').join('\n'));
  return 0;
}

function overview({ clock, paint }: CliContext, object: ObjectStatus): string {
  const { condition, origin, mode, nextTryMs } = object;
  const now = clock.now();
  return fields([
    ['Name', object.name],
    ['Kind', object.kind],
    ['Declared', origin ? `${origin.file}:${origin.line}` : 'by no manifest'],
    ['Mode', mode],
    ['Condition', `${paintCondition(paint, condition.type)} for ${formatAge(now - condition.sinceMs)}`],
    ['Message', oneLine(condition.message)],
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
