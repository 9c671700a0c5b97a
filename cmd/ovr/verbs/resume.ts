import type {
  HoldStatus,
  ReleaseResult,
  ResumeResult,
  SuspensionTarget,
} from '../../../pkg/reconcile/index.ts';
import type { CliContext } from '../context.ts';
import { outputOption, printData, type Format } from '../render/document.ts';
import { shortRevision } from '../render/revision.ts';
import { formatAge, oneLine } from '../render/text.ts';
import { examples, type AddVerb } from '../verb.ts';
import { made, showTarget, suspensionTarget } from './suspend.ts';

interface ResumeOptions {
  readonly output: Format;
  readonly all?: true;
}

export const addResume: AddVerb = (program, run) => {
  program
    .command('resume')
    .summary('Go on with what is suspended, or end a rollback')
    .description(
      'With KIND NAME: ends the suspension of that object, and with --all every suspension. ' +
        'With neither: ends a rollback, so all nodes of the cluster go on with what their sources have now.',
    )
    .argument('[KIND]', 'Network, container or alias, or KIND/NAME')
    .argument('[NAME]')
    .option('--all', 'Everything that is suspended')
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples('ovr resume container nginx_web_1', 'ovr resume --all', 'ovr resume && ovr status --wait'),
    )
    .action((kind: string | undefined, name: string | undefined, { output, all }: ResumeOptions) =>
      run((context) =>
        kind === undefined && !all
          ? endRollback(context, output)
          : resume(context, suspensionTarget({ kind, name, all }, 'resume'), output),
      ),
    );
};

async function resume(context: CliContext, target: SuspensionTarget, format: Format): Promise<number> {
  const result = await (await context.connect()).release(target);
  if (await printData(context.stdout, format, result)) return 0;
  for (const line of released(target, result, context.clock.now()))
    context.stdout.write(`${oneLine(line)}\n`);
  return 0;
}

function released(
  target: SuspensionTarget,
  { released: holds, remaining }: ReleaseResult,
  now: number,
): readonly string[] {
  const nothing =
    target === 'all' ? 'nothing is suspended' : `${showTarget(target)} is not suspended by itself`;
  const stays =
    remaining &&
    `${showTarget(target)} stays suspended, as everything is, by ${made(remaining, now)}: ovr resume --all ends that`;
  return [
    ...(holds.length === 0 ? [nothing] : holds.map((hold) => isOver(hold, now))),
    ...(stays === undefined ? [] : [stays]),
  ];
}

function isOver(hold: HoldStatus, now: number): string {
  const [, kind, name] = hold.id.split('/');
  const what = kind === undefined ? 'everything' : `${kind} ${name ?? ''}`;
  return `the suspension of ${what} by ${made(hold, now)} is over`;
}

async function endRollback(context: CliContext, format: Format): Promise<number> {
  const client = await context.connect();
  const result = await client.resume();
  if (await printData(context.stdout, format, result)) return 0;
  context.stdout.write(`${oneLine(rollbackOver(result, context.clock.now()))}\n`);
  if (result.released) return 0;
  const { holds } = await client.status();
  const suspended = holds.filter(({ kind }) => kind === 'suspend').map(({ release }) => release);
  if (suspended.length > 0)
    context.stdout.write(`${oneLine(`to end a suspension: ${suspended.join(', ')}`)}\n`);
  return 0;
}

function rollbackOver({ released: hold, source }: ResumeResult, now: number): string {
  const where =
    source === undefined ? 'the source was not read yet' : `the source has revision ${shortRevision(source)}`;
  const what = hold
    ? `the rollback by ${hold.who}, ${formatAge(now - hold.whenMs)} ago, is over`
    : 'no rollback is in force: nothing is pinned';
  return `${what}; ${where}`;
}
