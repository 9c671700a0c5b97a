import { Option } from 'commander';
import { formatCause } from '../../../pkg/api/index.ts';
import type { PlannedChange } from '../../../pkg/reconcile/index.ts';
import type { CliContext } from '../context.ts';
import { collect, loadManifests, recursiveOption, type ManifestOptions } from '../manifests.ts';
import { outputOption, printData, type Format } from '../render/document.ts';
import { paintCondition } from '../render/paint.ts';
import { diffRevisions } from '../revision-diff.ts';
import { count, oneLine } from '../render/text.ts';
import { examples, type AddVerb } from '../verb.ts';

interface DiffOptions {
  readonly output: Format;
  readonly filename?: readonly string[];
  readonly recursive: boolean;
  readonly from?: string;
  readonly to?: string;
}

/** As diff(1): 0 no difference, 1 some, 2 trouble. */
const TROUBLE = 2;

export const addDiff: AddVerb = (program, run) => {
  program
    .command('diff')
    .summary('Show what differs and what would be done')
    .description(
      'Shows how the engine differs from the manifests and what would be done. Asks the agent; with -f compares manifests with the Docker daemon directly. Exit code 0: no difference, 1: some, 2: trouble.',
    )
    .option('-f, --filename <PATH>', 'Compare these manifests (repeatable)', collect)
    .addOption(recursiveOption())
    .addOption(
      new Option('--from <REV>', 'Compare two applied revisions: from this one, or the one before').conflicts(
        'filename',
      ),
    )
    .addOption(new Option('--to <REV>', 'To this one, or the one in force').conflicts('filename'))
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        'ovr diff',
        'ovr diff -f manifests/ --docker-host tcp://10.6.17.13:2375',
        'ovr diff --from 3f9c2a --to 81d0e4',
      ),
    )
    .action((options: DiffOptions) => run((context) => diff(context, options), TROUBLE));
};

async function diff(context: CliContext, options: DiffOptions): Promise<number> {
  const { output, filename, recursive, from, to } = options;
  if (from !== undefined || to !== undefined) return diffRevisions(context, { output, from, to });
  const changes = filename
    ? await diffFiles(context, { filename, recursive })
    : await (await context.connect()).diff();
  if (!(await printData(context.stdout, output, { changes }))) {
    for (const change of changes) context.stdout.write(describeChange(context, change));
    context.stdout.write(`${summarise(changes)}\n`);
  }
  return changes.length === 0 ? 0 : 1;
}

async function diffFiles(context: CliContext, manifests: ManifestOptions): Promise<readonly PlannedChange[]> {
  const config = await context.config();
  const revision = await loadManifests(context, manifests);
  return context.local.diff({ config, revision });
}

function describeChange({ paint }: CliContext, change: PlannedChange): string {
  const { key, condition, message, causes, actions } = change;
  const head = `${paint('bold', key)}: ${paintCondition(paint, condition)}: ${oneLine(message)}`;
  const differences = causes.map((cause) => `  ${oneLine(formatCause(cause))}`);
  const steps = actions.length > 0 ? [`  ${paint('cyan', `would do: ${actions.join(', ')}`)}`] : [];
  return `${[head, ...differences, ...steps].join('\n')}\n`;
}

function summarise(changes: readonly PlannedChange[]): string {
  if (changes.length === 0) return 'no differences';
  const steps = changes.reduce((sum, { actions }) => sum + actions.length, 0);
  const differ = changes.length === 1 ? 'differs' : 'differ';
  return `${count(changes.length, 'object')} ${differ}, ${count(steps, 'step')} would be done`;
}
