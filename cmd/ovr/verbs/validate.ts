import { formatDiagnostic, type Diagnostic } from '../../../pkg/api/index.ts';
import type { CliContext } from '../context.ts';
import { outputOption, printData, type Format } from '../render/document.ts';
import { count, oneLine } from '../render/text.ts';
import { examples, type AddVerb } from '../verb.ts';

export const addValidate: AddVerb = (program, run) => {
  program
    .command('validate')
    .summary('Check manifests')
    .description(
      'Checks manifests without asking anybody: all mistakes at once, exit code 1 if there are errors.',
    )
    .argument('<PATH...>', 'Files or folders')
    .addOption(outputOption())
    .addHelpText('after', examples('ovr validate /etc/ovr.d', 'ovr validate -o json web.yaml network.yaml'))
    .action((paths: string[], options: { output: Format }) =>
      run((context) => validate(context, paths, options.output)),
    );
};

async function validate(context: CliContext, paths: readonly string[], format: Format): Promise<number> {
  const { revision, diagnostics } = await context.local.readManifests(paths);
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
  const summary = { objects: revision.objects.size, errors, warnings: diagnostics.length - errors };
  if (!(await printData(context.stdout, format, { ...summary, diagnostics }))) {
    printDiagnostics(context, diagnostics);
    const { objects, warnings } = summary;
    const parts = [count(objects, 'object'), count(errors, 'error'), count(warnings, 'warning')];
    context.stdout.write(`${parts.join(', ')}\n`);
  }
  return errors === 0 ? 0 : 1;
}

/** One line each, in the usual form of compilers. */
function printDiagnostics({ stdout, paint }: CliContext, diagnostics: readonly Diagnostic[]): void {
  for (const diagnostic of diagnostics) {
    const line = oneLine(formatDiagnostic(diagnostic));
    const { severity } = diagnostic;
    const painted = paint(severity === 'error' ? 'red' : 'yellow', severity);
    stdout.write(`${line.replace(`: ${severity} `, `: ${painted} `)}\n`);
  }
}
