import type { AgentEvent } from '../../../pkg/reconcile/index.ts';
import { UsageError, type CliContext } from '../context.ts';
import { outputOption, toYaml, type Format } from '../render/document.ts';
import { formatDuration, formatTime, oneLine } from '../render/text.ts';
import { examples, type AddVerb } from '../verb.ts';
import { parseDuration } from '../../../pkg/config/index.ts';

interface EventsOptions {
  readonly output: Format;
  readonly follow?: true;
  readonly since?: string;
}

export const addEvents: AddVerb = (program, run) => {
  program
    .command('events')
    .summary('Show what happened')
    .description(
      'Shows what happened, oldest first: drift, steps, conditions, sources, engine. JSON comes one object a line.',
    )
    .option('-f, --follow', 'Go on until interrupted')
    .option('--since <DURATION>', 'Only those of this last while, for example 10m')
    .addOption(outputOption())
    .addHelpText('after', examples('ovr events --since 10m', 'ovr events -f -o json | jq -r .message'))
    .action((options: EventsOptions) => run((context) => events(context, options)));
};

async function events(context: CliContext, { output, follow, since }: EventsOptions): Promise<number> {
  const fromMs = since === undefined ? 0 : context.clock.now() - readDuration(since);
  const client = await context.connect();
  const render = rendererFor(output, context);
  const print = async (event: AgentEvent): Promise<void> => {
    if (event.timeMs >= fromMs) context.stdout.write(await render(event));
  };
  if (!follow) {
    for (const event of await client.events(0)) await print(event);
    return 0;
  }
  // Printing what is known is part of the interruptible work: the user may have had enough at its first line.
  await context.untilInterrupted(async (signal) => {
    const known = await client.events(0);
    for (const event of known) await print(event);
    let printing = Promise.resolve();
    await client.follow(known.at(-1)?.id ?? 0, signal, (event) => {
      printing = printing.then(() => print(event));
    });
    await printing;
  });
  return 0;
}

function readDuration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined)
    throw new UsageError(`--since "${text}" is not a duration: write for example 30s, 10m or 2h`);
  return ms;
}

function rendererFor(format: Format, { paint }: CliContext): (event: AgentEvent) => string | Promise<string> {
  if (format === 'json') return (event) => `${JSON.stringify(event)}\n`;
  if (format === 'yaml') return async (event) => `---\n${await toYaml(event)}`;
  return ({ timeMs, type, severity, key, message, durationMs }) => {
    const took = durationMs === undefined ? '' : ` (${formatDuration(durationMs)})`;
    const kind = type.padEnd(9);
    const shown = severity === 'warning' ? paint('yellow', kind) : kind;
    return `${formatTime(timeMs)}  ${shown}  ${key ?? '-'}  ${oneLine(message)}${took}\n`;
  };
}
