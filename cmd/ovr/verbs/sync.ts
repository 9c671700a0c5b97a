import { formatDiagnostic } from '../../../pkg/api/index.ts';
import type { CliContext } from '../context.ts';
import { outputOption, printData, type Format } from '../render/document.ts';
import { describeCommit } from '../render/status.ts';
import { oneLine } from '../render/text.ts';
import { examples, type AddVerb } from '../verb.ts';

interface SyncOptions {
  readonly output: Format;
}

export const addSync: AddVerb = (program, run) => {
  program
    .command('sync')
    .summary('Ask the Git remote now')
    .description(
      'Makes the agent look for a new commit at once, and shows which one is applied then. Exit code 1 if the newest one is not; see ovr status --wait for when its containers are as declared.',
    )
    .addOption(outputOption())
    .addHelpText('after', examples('ovr sync', 'git push && ovr sync && ovr status --wait'))
    .action(({ output }: SyncOptions) => run((context) => sync(context, output)));
};

async function sync(context: CliContext, format: Format): Promise<number> {
  const result = await (await context.connect()).sync();
  const { source, diagnostics } = result;
  const isNewest = source.problem === undefined && source.commit !== undefined;
  if (await printData(context.stdout, format, result)) return isNewest ? 0 : 1;
  const now = context.clock.now();
  const applied = source.commit ? describeCommit(source.commit, now) : 'none';
  context.stdout.write(`Applied: ${applied}\n`);
  if (source.attempted) context.stdout.write(`Tried:   ${describeCommit(source.attempted, now)}\n`);
  if (isNewest) return 0;
  for (const diagnostic of diagnostics) context.stderr.write(`${oneLine(formatDiagnostic(diagnostic))}\n`);
  const why = source.problem ?? source.doubt ?? 'another source was not read yet';
  context.stderr.write(`ovr: the newest commit is not applied (${why}): see ovr status\n`);
  return 1;
}
