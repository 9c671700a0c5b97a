import { Argument } from 'commander';

import { bashScript } from '../completion/bash.ts';
import { fishScript } from '../completion/fish.ts';
import { shapeOf } from '../completion/shape.ts';
import { zshScript } from '../completion/zsh.ts';
import { LISTING_WORDS } from '../target.ts';
import { examples, type AddVerb } from '../verb.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };
type Shell = keyof typeof SCRIPTS;
const SHELLS = Object.keys(SCRIPTS);

const OBJECT_WORDS = LISTING_WORDS.filter((word) => word !== 'nodes');

/** What the first argument of a verb can be, where it is not a path. */
const WORDS = new Map<string, readonly string[]>([
  ['get', LISTING_WORDS],
  ['describe', LISTING_WORDS],
  ['explain', OBJECT_WORDS],
  ['suspend', OBJECT_WORDS],
  ['resume', OBJECT_WORDS],
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
      run(({ stdout }) => {
        stdout.write(SCRIPTS[shell](shapeOf(program, WORDS)));
        return Promise.resolve(0);
      }),
    );
};
