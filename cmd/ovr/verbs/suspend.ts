import { objectKey } from '../../../pkg/api/index.ts';
import type { HoldStatus, SuspendResult, SuspensionTarget } from '../../../pkg/reconcile/index.ts';
import { UsageError, type CliContext } from '../context.ts';
import { durationOf } from '../duration.ts';
import { outputOption, printData, type Format } from '../render/document.ts';
import { formatAge, oneLine } from '../render/text.ts';
import { parseTarget } from '../target.ts';
import { examples, type AddVerb } from '../verb.ts';

interface SuspendOptions {
  readonly output: Format;
  readonly all?: true;
  readonly for?: string;
  readonly note?: string;
}

export const addSuspend: AddVerb = (program, run) => {
  program
    .command('suspend')
    .summary('Leave an object, or everything, as it is')
    .description(
      'Leaves an object as it is, on all nodes, until ovr resume or for a while: what differs is told, and nothing of it is changed, ' +
        'made or removed, whatever its manifest says. --all does so with everything there is.',
    )
    .argument('[KIND]', 'Network, container or alias, or KIND/NAME')
    .argument('[NAME]')
    .option('--all', 'Everything')
    .option('--for <DURATION>', 'Go on by itself after this while')
    .option('--note <TEXT>', 'Why; shown wherever the suspension is')
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        'ovr suspend container nginx_web_1 --note "disk is being changed"',
        'ovr suspend --all --for 1h',
      ),
    )
    .action((kind: string | undefined, name: string | undefined, options: SuspendOptions) =>
      run((context) =>
        suspend(context, suspensionTarget({ kind, name, all: options.all }, 'suspend'), options),
      ),
    );
};

/** What a command line names. */
interface Named {
  readonly kind: string | undefined;
  readonly name: string | undefined;
  readonly all: true | undefined;
}

/** What a suspension is about: one object, or everything. Fails with a UsageError. */
export function suspensionTarget({ kind, name, all }: Named, verb: 'suspend' | 'resume'): SuspensionTarget {
  if (kind === undefined) {
    if (all) return 'all';
    throw new UsageError(`write ovr ${verb} KIND NAME, or ovr ${verb} --all`);
  }
  if (all)
    throw new UsageError(
      `--all is for everything: write ovr ${verb} --all, or without it ovr ${verb} KIND NAME`,
    );
  const target = parseTarget(kind, name, verb);
  return objectKey(target.kind, target.name);
}

/** `Container web`, or `everything`. */
export function showTarget(target: SuspensionTarget): string {
  return target === 'all' ? 'everything' : target.replace('/', ' ');
}

async function suspend(
  context: CliContext,
  target: SuspensionTarget,
  { output, for: duration, note }: SuspendOptions,
): Promise<number> {
  const forMs = duration === undefined ? undefined : durationOf('--for', duration);
  const result = await (await context.connect()).suspend({ target, forMs, note, who: context.who() });
  if (!(await printData(context.stdout, output, result)))
    context.stdout.write(`${oneLine(describe(target, result, context.clock.now()))}\n`);
  return 0;
}

function describe(target: SuspensionTarget, { hold, before }: SuspendResult, now: number): string {
  const what = showTarget(target);
  const { untilMs, whenMs, release } = hold;
  const until =
    untilMs === undefined ? `until ${release}` : `for ${formatAge(untilMs - whenMs)}, or until ${release}`;
  if (before && isSame(before, hold))
    return `${what} is suspended already, by ${made(before, now)}: ${until}`;
  const instead = before ? `; takes the place of a suspension by ${made(before, now)}` : '';
  return `${what} is suspended ${until}${instead}`;
}

function isSame(before: HoldStatus, hold: HoldStatus): boolean {
  return before.who === hold.who && before.whenMs === hold.whenMs;
}

/** `ann@web1 5m ago (why)`. */
export function made({ who, whenMs, note }: HoldStatus, now: number): string {
  return `${who} ${formatAge(now - whenMs)} ago${note === undefined ? '' : ` (${note})`}`;
}
