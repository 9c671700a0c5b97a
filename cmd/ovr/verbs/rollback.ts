import type { RollbackResult } from '../../../pkg/reconcile/index.ts';
import type { CliContext } from '../context.ts';
import { durationOf } from '../duration.ts';
import { outputOption, printData, type Format } from '../render/document.ts';
import { describeCommit } from '../render/status.ts';
import { shortRevision } from '../render/revision.ts';
import { formatAge, oneLine } from '../render/text.ts';
import { examples, type AddVerb } from '../verb.ts';

interface RollbackOptions {
  readonly output: Format;
  readonly to?: string;
  readonly for?: string;
  readonly note?: string;
}

export const addRollback: AddVerb = (program, run) => {
  program
    .command('rollback')
    .summary('Pin an earlier revision for the whole cluster')
    .description(
      'Pins a revision that was applied before, for all nodes of the cluster, whatever the source says, until ovr resume or for a while. ovr history shows what there is.',
    )
    .option('--to <REV>', 'The beginning of a revision; without it the one applied before the one in force')
    .option('--for <DURATION>', 'Return to the source after this while')
    .option('--note <TEXT>', 'Why; shown wherever the rollback is')
    .addOption(outputOption())
    .addHelpText('after', examples('ovr rollback', 'ovr rollback --to 3f9c2a --for 30m'))
    .action((options: RollbackOptions) => run((context) => rollback(context, options)));
};

async function rollback(context: CliContext, options: RollbackOptions): Promise<number> {
  const { to, note, for: duration } = options;
  const forMs = duration === undefined ? undefined : durationOf('--for', duration);
  const client = await context.connect();
  const result = await client.rollback({ who: context.who(), to, forMs, note });
  if (!(await printData(context.stdout, options.output, result))) {
    for (const line of describe(result, context.clock.now())) context.stdout.write(`${oneLine(line)}\n`);
  }
  return 0;
}

function describe({ hold, revision, instead, replaced }: RollbackResult, now: number): readonly string[] {
  const short = shortRevision(revision.digest);
  const isSame = instead === revision.digest;
  const until =
    hold.untilMs === undefined
      ? 'until ovr resume'
      : `for ${formatAge(hold.untilMs - hold.whenMs)}, or until ovr resume`;
  return [
    isSame
      ? `pinned to revision ${short}, which is in force already, ${until}`
      : `pinned to revision ${short}, ${until}`,
    ...(revision.commit ? [`commit ${describeCommit(revision.commit, now)}`] : []),
    ...(instead === undefined || isSame ? [] : [`in force until now: ${shortRevision(instead)}`]),
    ...(replaced
      ? [`takes the place of a rollback by ${replaced.who}, ${formatAge(now - replaced.whenMs)} ago`]
      : []),
    ...(isSame ? [] : ['ovr status --wait shows when all is as it was']),
  ];
}
