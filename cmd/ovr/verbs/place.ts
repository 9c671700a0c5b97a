import { Option } from 'commander';

import { compareStrings } from '../../../pkg/api/index.ts';
import type { Revision } from '../../../pkg/manifest/index.ts';
import type { Decision, PlacementInput, Strategy } from '../../../pkg/placement/index.ts';
import type { CliContext } from '../context.ts';
import { collect, loadManifests, recursiveOption, type ManifestOptions } from '../manifests.ts';
import { outputOption, printData, type Format } from '../render/document.ts';
import { renderTable } from '../render/table.ts';
import { examples, type AddVerb } from '../verb.ts';
import { readCurrent } from './place-current.ts';
import { readNodes } from './place-nodes.ts';

interface PlaceOptions extends ManifestOptions {
  readonly output: Format;
  readonly nodes: string;
  readonly strategy: Strategy;
  readonly current?: string;
}

interface Answer {
  readonly placements: readonly Decision[];
  readonly unplaced: readonly { readonly container: string; readonly reason: string }[];
}

const BAD_INPUT = 2;
// Not the list of pkg/placement, which is not worth loading for every run of ovr.
const STRATEGIES: readonly Strategy[] = ['spread', 'binpack'];

export const addPlace: AddVerb = (program, run) => {
  program
    .command('place')
    .summary('Try out which node would run what')
    .description(
      'Tells which node would run which container, and asks nobody: the manifests against a list of nodes. Exit code 0: all have a node, 1: some have none, 2: a mistake in the files.',
    )
    .requiredOption('-f, --filename <PATH>', 'Place the containers of these manifests (repeatable)', collect)
    .addOption(recursiveOption())
    .requiredOption('--nodes <FILE>', 'The nodes, as JSON or YAML: [{name: n1, labels: {storage: ssd}}]')
    .addOption(
      new Option('--strategy <STRATEGY>', 'Fewest containers first, or fullest node first')
        .choices(STRATEGIES)
        .default('spread'),
    )
    .option('--current <FILE>', 'What is where now, as ovr place -o json prints it; what may stay does')
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        'ovr place -f manifests/ --nodes nodes.yaml',
        'ovr place -f manifests/ --nodes fewer.yaml --current now.json',
      ),
    )
    .action((options: PlaceOptions) => run((context) => runPlace(context, options), BAD_INPUT));
};

async function runPlace(context: CliContext, options: PlaceOptions): Promise<number> {
  const nodes = await readNodes(options.nodes);
  const current =
    options.current === undefined ? new Map<string, string>() : await readCurrent(options.current);
  const revision = await loadManifests(context, options);
  const answer = await decide({ revision, nodes, current, strategy: options.strategy });
  if (!(await printData(context.stdout, options.output, answer))) {
    context.stdout.write(await renderAnswer(context, answer, options.output === 'wide'));
  }
  return answer.unplaced.length === 0 ? 0 : 1;
}

type Question = Pick<PlacementInput, 'nodes' | 'current' | 'strategy'> & { readonly revision: Revision };

async function decide({ revision, ...question }: Question): Promise<Answer> {
  const { placeExplained } = await import('../../../pkg/placement/index.ts');
  const containers = [...revision.objects.values()].filter((object) => object.kind === 'Container');
  const members = new Set(question.nodes.map(({ facts }) => facts.name));
  // Who leaves a node out of the list asks what happens without it.
  const lost = new Set([...question.current.values()].filter((name) => !members.has(name)));
  const { decisions, unplaced } = placeExplained({ ...question, containers, lost });
  return {
    placements: decisions.toSorted((a, b) => compareStrings(a.container, b.container)),
    unplaced: [...unplaced]
      .map(([container, reason]) => ({ container, reason }))
      .sort((a, b) => compareStrings(a.container, b.container)),
  };
}

async function renderAnswer({ paint }: CliContext, answer: Answer, isWide: boolean): Promise<string> {
  const { placements, unplaced } = answer;
  const head = ['CONTAINER', 'NODE', ...(isWide ? ['CANDIDATES'] : [])];
  const rows = placements.map(({ container, node, candidates }) => [
    container,
    node,
    ...(isWide ? [candidates.join(',')] : []),
  ]);
  const placed = rows.length === 0 ? '' : `${await renderTable(head, rows)}\n`;
  const reasons = unplaced.map(({ container, reason }) => [
    { text: container, painted: paint('red', container) },
    reason,
  ]);
  const left = reasons.length === 0 ? '' : `${await renderTable(['UNPLACED', 'REASON'], reasons)}\n`;
  return `${placed}${left}${placements.length} placed, ${unplaced.length} unplaced\n`;
}
