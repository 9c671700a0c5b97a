import type { CheckReport } from '../../../pkg/check/index.ts';
import type { CliContext } from '../context.ts';
import { collect } from '../manifests.ts';
import { renderMatrix } from '../render/matrix.ts';
import { outputOption, printData, type Format } from '../render/document.ts';
import { renderTable } from '../render/table.ts';
import { count, formatDuration, oneLine } from '../render/text.ts';
import { examples, type AddVerb } from '../verb.ts';

interface CheckOptions {
  readonly output: Format;
  readonly network?: readonly string[];
}

/** As diff(1): 0 all is well, 1 something is wrong, 2 trouble. */
const TROUBLE = 2;

export const addCheck: AddVerb = (program, run) => {
  program
    .command('check')
    .summary('Ask and ping from inside the containers’ networks')
    .description(
      'From inside the networks of running containers: does every name and alias resolve to who has it, and does every host reach every other with packets of the network’s whole MTU? On all nodes of the cluster; nothing of the containers’ images is used. Exit code 0: all is well, 1: something is wrong, 2: trouble.',
    )
    .option('-n, --network <NAME>', 'Only this network, by name or ID (repeatable)', collect)
    .addOption(outputOption())
    .addHelpText('after', examples('ovr check', 'ovr check --network ovr0', 'ovr check -o json'))
    .action((options: CheckOptions) => run((context) => check(context, options), TROUBLE));
};

async function check(context: CliContext, { output, network = [] }: CheckOptions): Promise<number> {
  const report = await (await context.connect()).check(network);
  if (!(await printData(context.stdout, output, report))) {
    context.stdout.write(await describe(context, report, output === 'wide'));
  }
  return report.ok ? 0 : 1;
}

async function describe(context: CliContext, report: CheckReport, isWide: boolean): Promise<string> {
  const { paint } = context;
  const parts: string[] = [];
  for (const network of report.networks) parts.push(await renderMatrix(network, { paint, isWide }));
  if (report.mismatches.length > 0) parts.push(await describeMismatches(report));
  const problems = problemsOf(report).map((problem) => `  ${oneLine(problem)}\n`);
  if (problems.length > 0) parts.push(`Problems:\n${problems.join('')}`);
  for (const note of report.notes) parts.push(`Note: ${oneLine(note)}\n`);
  return [...parts, `${summarise(context, report)}\n`].join('\n');
}

async function describeMismatches({ mismatches }: CheckReport): Promise<string> {
  const table = await renderTable(
    ['NETWORK', 'NAME', 'VERDICT', 'EXPECTED', 'ANSWERED', 'ON'],
    mismatches.map(({ network, name, verdict, expected, answered, nodes }) => [
      ...[network, name, verdict, expected.join(','), answered.join(','), nodes.join(',')],
    ]),
  );
  const mends = mismatches.map(({ name, message }) => `  ${oneLine(`${name}: ${message}`)}\n`);
  return `Names:\n${table}${[...new Set(mends)].join('')}`;
}

/** What is wrong with hosts and nodes, each once: many cells say the same. */
function problemsOf({ networks, nodes, failures, unreached }: CheckReport): string[] {
  const silent = nodes
    .filter(({ state }) => state !== 'answered')
    .map(({ name, state, message }) => `${name} (${state}): ${message}`);
  const failed = failures.map(({ node, network, message }) =>
    network === '' ? message : `${network} on ${node}: ${message}`,
  );
  const closed = networks.flatMap(({ name, cells }) =>
    cells
      .filter(({ reach }) => reach === 'mtu' || reach === 'unreachable' || reach === 'untried')
      .map(({ from, to, message }) => `${name}, ${from} to ${to}: ${message}`),
  );
  const lost = unreached.map(
    ({ network, container, node, from, message }) =>
      `${network}, ${from.join(', ')} to ${container} on ${node}: ${message}`,
  );
  return [...new Set([...silent, ...failed, ...closed, ...lost])];
}

function summarise({ paint }: CliContext, report: CheckReport): string {
  const { ok, networks, mismatches, nodes, durationMs, scope } = report;
  const cells = networks.flatMap((network) => network.cells);
  const bad = cells.filter(({ reach }) => reach !== 'ok').length;
  const where = scope === 'cluster' ? count(nodes.length, 'node') : 'this node alone';
  const names = networks.reduce((sum, network) => sum + network.names, 0);
  const looked = `${count(networks.length, 'network')}, ${count(names, 'name')}, ${count(cells.length, 'way')} between hosts, ${where}, ${formatDuration(durationMs)}`;
  if (ok) return `${paint('green', 'all is well')}: ${looked}`;
  return `${paint('red', 'something is wrong')}: ${count(mismatches.length, 'mismatch').replace('mismatchs', 'mismatches')}, ${count(bad, 'way')} not open; ${looked}`;
}
