import type { Republished } from '../../../pkg/server/index.ts';
import { outputOption, printData, type Format } from '../render/document.ts';
import { examples, type AddVerb } from '../verb.ts';

interface RepublishOptions {
  readonly network?: string;
  readonly anotherAddress?: true;
  readonly output: Format;
}

const ANSWERS: Readonly<Record<Republished['endpoints'][number]['answer'], string>> = {
  taken: 'is made again: ovr explain tells how',
  known: 'is being made again already',
  'too-often':
    'was made again five times in 300 s, which did not help: see docs/healing.md for what else can be wrong',
};

export const addRepublish: AddVerb = (program, run) => {
  program
    .command('republish')
    .summary('Make endpoints again that are not served as they should be')
    .description(
      'Takes a container of this node off its networks and attaches it again, with all its names and the same address, so that other hosts ' +
        'hear of it anew: for names that Docker has lost, as ovr check finds them. Open connections survive where the address is kept.',
    )
    .argument('<CONTAINER>')
    .option('-n, --network <NAME>', 'Only on this network')
    .option(
      '--another-address',
      'With another address unless one is pinned: for traffic that goes to the wrong host',
    )
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples('ovr republish nginx_web_1', 'ovr republish nginx_web_1 -n ovr0 --another-address'),
    )
    .action((container: string, { network, anotherAddress, output }: RepublishOptions) =>
      run(async (context) => {
        const client = await context.connect();
        const result = await client.republish({ container, network, anotherAddress, who: context.who() });
        if (!(await printData(context.stdout, output, result))) {
          for (const each of result.endpoints)
            context.stdout.write(`${container} on ${each.network} ${ANSWERS[each.answer]}\n`);
        }
        return result.endpoints.some(({ answer }) => answer === 'too-often') ? 1 : 0;
      }),
    );
};
