import type { CliContext } from '../context.ts';
import { outputOption, printData, type Format } from '../render/document.ts';
import { count, oneLine } from '../render/text.ts';
import { examples, type AddVerb } from '../verb.ts';

interface PruneOptions {
  readonly output: Format;
  readonly confirm?: true;
}

export const addPrune: AddVerb = (program, run) => {
  program
    .command('prune')
    .summary('Show or confirm removals that are held')
    .description(
      'Shows the removals that the agent holds because one revision would remove too much, or lets them go ahead.',
    )
    .option('--confirm', 'Let them go ahead')
    .addOption(outputOption())
    .addHelpText('after', examples('ovr prune', 'ovr prune --confirm'))
    .action(({ output, confirm }: PruneOptions) =>
      run((context) => (confirm ? confirmHeld(context, output) : showHeld(context, output))),
    );
};

async function showHeld(context: CliContext, format: Format): Promise<number> {
  const { prune } = await (await context.connect()).status();
  if (await printData(context.stdout, format, prune)) return 0;
  if (!prune.held) context.stdout.write('no removals are held\n');
  else {
    const keys = prune.keys.map((key) => `  ${key}\n`).join('');
    context.stdout.write(`${oneLine(prune.reason)}:\n${keys}ovr prune --confirm removes them\n`);
  }
  return 0;
}

async function confirmHeld(context: CliContext, format: Format): Promise<number> {
  const confirmed = await (await context.connect()).confirmPrune();
  if (await printData(context.stdout, format, { confirmed })) return 0;
  const keys = confirmed.map((key) => `  ${key}\n`).join('');
  const what =
    confirmed.length === 0 ? 'no removals were held' : `${count(confirmed.length, 'removal')} confirmed:`;
  context.stdout.write(`${what}\n${keys}`);
  return 0;
}
