import { Argument } from 'commander';

import type { ProgramShape } from '../completion/shape.ts';
import { LISTING_WORDS } from '../target.ts';
import { examples, type AddVerb } from '../verb.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

/** What the first argument of a verb can be, where it is not a path. */
const WORDS = new Map<string, readonly string[]>([
  ['get', LISTING_WORDS],
  ['describe', LISTING_WORDS.filter((word) => word !== 'nodes')],
  ['explain', LISTING_WORDS.filter((word) => word !== 'nodes')],
  ['completion', SHELLS],
]);

export const addCompletion: AddVerb = (program, run) => {
  program
    .command('completion')
    .summary('Print a completion script')
    .description('Prints a script that makes a shell complete verbs, flags and the names of objects.')
    .addArgument(new Argument('<SHELL>', 'Which shell').choices(SHELLS))
    .addHelpText(
      'after',
      examples('source <(ovr completion bash)', 'ovr completion fish > ~/.config/fish/completions/ovr.fish'),
    )
    .action((shell: Shell) =>
      run(async ({ stdout }) => {
        const { shapeOf } = await import('../completion/shape.ts');
        const write = await writerFor(shell);
        stdout.write(write(shapeOf(program, WORDS)));
        return 0;
      }),
    );
};

async function writerFor(shell: Shell): Promise<(shape: ProgramShape) => string> {
  if (shell === 'bash') return (await import('../completion/bash.ts')).bashScript;
  if (shell === 'zsh') return (await import('../completion/zsh.ts')).zshScript;
  return (await import('../completion/fish.ts')).fishScript;
}
