import type { CliContext } from '../context.ts';
import { outputOption, printData, type Format } from '../render/document.ts';
import { shortRevision } from '../render/revision.ts';
import { formatAge, oneLine } from '../render/text.ts';
import { examples, type AddVerb } from '../verb.ts';

interface ResumeOptions {
  readonly output: Format;
}

export const addResume: AddVerb = (program, run) => {
  program
    .command('resume')
    .summary('Return to what the source has')
    .description('Ends a rollback: all nodes of the cluster go on with what their sources have now.')
    .addOption(outputOption())
    .addHelpText('after', examples('ovr resume', 'ovr resume && ovr status --wait'))
    .action(({ output }: ResumeOptions) => run((context) => resume(context, output)));
};

async function resume(context: CliContext, format: Format): Promise<number> {
  const result = await (await context.connect()).resume();
  if (await printData(context.stdout, format, result)) return 0;
  const { released, source } = result;
  const now =
    source === undefined ? 'the source was not read yet' : `the source has revision ${shortRevision(source)}`;
  const what = released
    ? `the rollback by ${released.who}, ${formatAge(context.clock.now() - released.whenMs)} ago, is over`
    : 'nothing is pinned';
  context.stdout.write(`${oneLine(`${what}; ${now}`)}\n`);
  return 0;
}
