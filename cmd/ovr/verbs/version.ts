import { outputOption, printData, type Format } from '../render/document.ts';
import { examples, type AddVerb } from '../verb.ts';

export const addVersion: AddVerb = (program, run) => {
  program
    .command('version')
    .summary('Print the version')
    .description('Prints the version of ovr. The version of the agent is in ovr status.')
    .addOption(outputOption())
    .addHelpText('after', examples('ovr version -o json'))
    .action(({ output }: { output: Format }) =>
      run(async ({ stdout, version }) => {
        if (!(await printData(stdout, output, { version }))) stdout.write(`ovr ${version}\n`);
        return 0;
      }),
    );
};
