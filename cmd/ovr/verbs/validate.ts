import { Option } from 'commander';

import { formatDiagnostic, type Diagnostic } from '../../../pkg/api/index.ts';
import type { CliContext } from '../context.ts';
import { recursiveOption } from '../manifests.ts';
import { printData } from '../render/document.ts';
import { githubCommand } from '../render/github.ts';
import { junitReport } from '../render/junit.ts';
import { count, oneLine } from '../render/text.ts';
import { examples, type AddVerb } from '../verb.ts';

const FORMATS = ['table', 'wide', 'json', 'yaml', 'github', 'junit'] as const;

interface ValidateOptions {
  readonly output: (typeof FORMATS)[number];
  readonly recursive: boolean;
  readonly strict: boolean;
  readonly policy?: string;
}

interface Summary {
  readonly objects: number;
  readonly errors: number;
  readonly warnings: number;
}

export const addValidate: AddVerb = (program, run) => {
  program
    .command('validate')
    .summary('Check manifests')
    .description(
      'Checks manifests without asking anybody: all mistakes at once, exit code 1 if there are errors.',
    )
    .argument('<PATH...>', 'Files or folders')
    .addOption(recursiveOption())
    .option('--strict', 'Warnings are errors', false)
    .option('--policy <FILE>', 'Rules that the manifests must keep to')
    .addOption(new Option('-o, --output <FORMAT>', 'How to print').choices(FORMATS).default('table'))
    .addHelpText(
      'after',
      examples(
        'ovr validate /etc/ovr.d',
        'ovr validate --strict --policy .ovr-policy.yaml prod/',
        'ovr validate -o github prod/',
      ),
    )
    .action((paths: string[], options: ValidateOptions) =>
      run((context) => validate(context, paths, options)),
    );
};

async function validate(
  context: CliContext,
  paths: readonly string[],
  options: ValidateOptions,
): Promise<number> {
  const { recursive } = options;
  const { files, revision, diagnostics: own } = await context.local.readManifests(paths, { recursive });
  const broken =
    options.policy === undefined ? [] : await context.local.checkPolicy(options.policy, revision);
  const diagnostics = options.strict ? [...own, ...broken].map(asError) : [...own, ...broken];
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
  const summary = { objects: revision.objects.size, errors, warnings: diagnostics.length - errors };
  if (options.output === 'junit') context.stdout.write(junitReport(files, diagnostics));
  else await print(context, options.output, summary, diagnostics);
  return errors === 0 ? 0 : 1;
}

function asError(diagnostic: Diagnostic): Diagnostic {
  return { ...diagnostic, severity: 'error' };
}

async function print(
  context: CliContext,
  format: Exclude<ValidateOptions['output'], 'junit'>,
  summary: Summary,
  diagnostics: readonly Diagnostic[],
): Promise<void> {
  const { stdout } = context;
  if (format === 'github') {
    for (const diagnostic of diagnostics) stdout.write(`${githubCommand(diagnostic)}\n`);
  } else if (await printData(stdout, format, { ...summary, diagnostics })) {
    return;
  } else {
    printDiagnostics(context, diagnostics);
  }
  const { objects, errors, warnings } = summary;
  const parts = [count(objects, 'object'), count(errors, 'error'), count(warnings, 'warning')];
  stdout.write(`${parts.join(', ')}\n`);
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
