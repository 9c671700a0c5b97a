import { pause, showSelector } from '../../../pkg/api/index.ts';
import type { ClusterAlias, SwitchResult } from '../../../pkg/reconcile/index.ts';
import type { AgentClient } from '../../../pkg/server/index.ts';
import { UsageError, type CliContext } from '../context.ts';
import { durationOf } from '../duration.ts';
import { outputOption, printData, type Format } from '../render/document.ts';
import { formatAge, formatDuration, oneLine } from '../render/text.ts';
import { examples, type AddVerb } from '../verb.ts';

interface SwitchOptions {
  readonly back?: true;
  readonly for?: string;
  readonly note?: string;
  readonly force?: true;
  readonly wait: boolean;
  readonly timeout: string;
  readonly output: Format;
}

const POLL_MS = 25;

export const addSwitch: AddVerb = (program, run) => {
  program
    .command('switch')
    .summary('Switch an alias to other containers, or back')
    .description(
      'Lets an alias lead to containers with other labels, on all nodes, until --back or for a while, whatever its manifest says. ' +
        'Labels replace those of the manifest with the same name; LABEL- takes one out. New holders have the name before old ones ' +
        'lose it. Clients that keep DNS answers may ask the old ones for up to 600 s, the time for which Docker lets them.',
    )
    .argument('<ALIAS>')
    .argument('[LABEL=VALUE...]')
    .option('--back', 'Let the alias lead where its manifest says again')
    .option('--for <DURATION>', 'Go back by itself after this while')
    .option('--note <TEXT>', 'Why; shown wherever the switch is')
    .option('--force', 'Also where no container is ready to take the name over: it moves when one is')
    .option('--no-wait', 'Do not wait until the name leads there')
    .option('--timeout <DURATION>', 'How long to wait for that', '30s')
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        'ovr switch nginx track=green',
        'ovr switch nginx track=green --for 10m',
        'ovr switch nginx --back',
      ),
    )
    .action((alias: string, labels: readonly string[], options: SwitchOptions) =>
      run((context) =>
        options.back ? back(context, alias, { labels, options }) : forth(context, alias, { labels, options }),
      ),
    );
};

interface Given {
  readonly labels: readonly string[];
  readonly options: SwitchOptions;
}

async function forth(context: CliContext, alias: string, { labels, options }: Given): Promise<number> {
  if (labels.length === 0)
    throw new UsageError(`labels are missing: write ovr switch ${alias} LABEL=VALUE, or --back`);
  const request = {
    alias,
    labels: Object.fromEntries(labels.map(parseLabel)),
    forMs: options.for === undefined ? undefined : durationOf('--for', options.for),
    note: options.note,
    force: options.force,
    who: context.who(),
  };
  const client = await context.connect();
  const beganMs = context.clock.monotonic();
  const result = await client.switchAlias(request);
  const forHow = request.forMs === undefined ? '' : `for ${formatAge(request.forMs)}, or `;
  const said = `${alias} is switched to ${showSelector(result.selector)} ${forHow}until ovr switch ${alias} --back`;
  return follow(context, { client, result, options, beganMs, said });
}

async function back(context: CliContext, alias: string, { labels, options }: Given): Promise<number> {
  if (labels.length > 0) throw new UsageError('--back takes no labels: it returns to those of the manifest');
  const client = await context.connect();
  const beganMs = context.clock.monotonic();
  const result = await client.switchBack(alias);
  if (result === undefined) {
    if (!(await printData(context.stdout, options.output, { switched: null })))
      context.stdout.write(`${alias} was not switched: it leads where its manifest says\n`);
    return 0;
  }
  if (result.chosen.length === 0 && Object.keys(result.selector).length === 0) {
    if (!(await printData(context.stdout, options.output, result)))
      context.stdout.write(`the switch of ${alias} is over; no manifest declares that alias any more\n`);
    return 0;
  }
  const said = `${alias} goes back to ${showSelector(result.selector)}, as its manifest says`;
  return follow(context, { client, result, options, beganMs, said });
}

interface Following {
  readonly client: AgentClient;
  readonly result: SwitchResult;
  readonly options: SwitchOptions;
  /** Monotonic. */
  readonly beganMs: number;
  readonly said: string;
}

async function follow(context: CliContext, following: Following): Promise<number> {
  const { options, result, said, beganMs } = following;
  const isText = options.output === 'table' || options.output === 'wide';
  if (isText) context.stdout.write(`${oneLine(said)}\n`);
  const view = options.wait ? await waitUntilSettled(context, following) : undefined;
  const tookMs = context.clock.monotonic() - beganMs;
  if (await printData(context.stdout, options.output, { ...result, ...(view && { tookMs, state: view }) }))
    return view === undefined || view.isSettled ? 0 : 1;
  if (!view) return 0;
  const { message } = view.condition;
  if (view.isSettled) context.stdout.write(`${oneLine(message)}, after ${formatDuration(tookMs)}\n`);
  else
    context.stderr.write(
      `not yet after ${formatDuration(tookMs)}: ${oneLine(message)}; it goes on by itself, see ovr explain alias ${result.alias}\n`,
    );
  return view.isSettled ? 0 : 1;
}

/** How the alias stands on all nodes once it leads to its new holders, or when the time is over. */
async function waitUntilSettled(
  context: CliContext,
  following: Following,
): Promise<ClusterAlias | undefined> {
  const { client, result, options, beganMs } = following;
  const endMs = beganMs + durationOf('--timeout', options.timeout);
  return context.untilInterrupted(async (signal) => {
    for (;;) {
      const { aliases } = await client.cluster();
      const view = aliases.find(({ name }) => name === result.alias);
      const isNew = view && showSelector(view.selector) === showSelector(result.selector);
      if ((isNew && view.isSettled) || context.clock.monotonic() >= endMs) return view;
      await pause(context.clock, POLL_MS);
      if (signal.aborted)
        throw new Error(
          `interrupted: the switch stays, and ovr explain alias ${result.alias} shows how it stands`,
        );
    }
  });
}

function parseLabel(text: string): readonly [string, string | null] {
  const [label = '', ...value] = text.split('=');
  if (label !== '' && value.length > 0) return [label, value.join('=')];
  if (text.endsWith('-') && text.length > 1) return [text.slice(0, -1), null];
  throw new UsageError(`"${text}" is no label: write LABEL=VALUE, or LABEL- to take one out`);
}
