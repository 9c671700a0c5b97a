import type { AgentStatus } from '../../../pkg/reconcile/index.ts';
import { UsageError, type CliContext } from '../context.ts';
import { parseDuration } from '../../../pkg/config/index.ts';
import { outputOption, printData, type Format } from '../render/document.ts';
import { renderStatus } from '../render/status.ts';
import { formatDuration } from '../render/text.ts';
import { examples, type AddVerb } from '../verb.ts';
import { waitUntilConverged } from '../wait.ts';

interface StatusOptions {
  readonly output: Format;
  readonly wait?: true;
  readonly timeout: string;
}

export const addStatus: AddVerb = (program, run) => {
  program
    .command('status')
    .summary('Show how the node is')
    .description(
      'Shows the agent, its engine and sources, objects by condition, and every problem. With --wait, looks again and returns when all is as declared: exit code 1 if that takes too long.',
    )
    .option('--wait', 'Wait until all is as declared')
    .option('--timeout <DURATION>', 'How long to wait', '60s')
    .addOption(outputOption())
    .addHelpText('after', examples('ovr status', 'ovr status --wait --timeout 5m'))
    .action((options: StatusOptions) => run((context) => status(context, options)));
};

async function status(context: CliContext, { output, wait, timeout }: StatusOptions): Promise<number> {
  const timeoutMs = parseDuration(timeout);
  if (timeoutMs === undefined) {
    throw new UsageError(`--timeout "${timeout}" is not a duration: write for example 30s, 5m or 1h`);
  }
  const client = await context.connect();
  const endMs = context.clock.monotonic() + timeoutMs;
  const { agent, isLate } = wait
    ? await context.untilInterrupted((signal) => waitUntilConverged({ context, client, signal, endMs }))
    : { agent: await client.status(), isLate: false };
  await print(context, agent, output);
  if (isLate) {
    context.stderr.write(
      `ovr: not converged after ${formatDuration(timeoutMs)}: see the problems above, and ovr explain KIND NAME\n`,
    );
  }
  return isLate ? 1 : 0;
}

async function print(context: CliContext, agent: AgentStatus, format: Format): Promise<void> {
  if (await printData(context.stdout, format, agent)) return;
  context.stdout.write(await renderStatus(agent, { now: context.clock.now(), paint: context.paint }));
}
