import type { CliContext } from '../context.ts';
import { toYaml } from '../render/document.ts';
import { examples, type AddVerb } from '../verb.ts';
import { Option } from 'commander';

export const addSchema: AddVerb = (program, run) => {
  program
    .command('schema')
    .summary('Print the JSON Schema of manifests')
    .description('Prints the JSON Schema of manifests, for editors.')
    .addOption(new Option('-o, --output <FORMAT>', 'How to print').choices(['json', 'yaml']).default('json'))
    .addHelpText('after', examples('ovr schema > ovr.schema.json'))
    .action(({ output }: { output: 'json' | 'yaml' }) => run((context) => schema(context, output)));
};

async function schema({ local, stdout }: CliContext, format: 'json' | 'yaml'): Promise<number> {
  const content = await local.jsonSchema();
  stdout.write(format === 'json' ? `${JSON.stringify(content, null, 2)}\n` : await toYaml(content));
  return 0;
}
