import type { RevisionDifference } from '../../pkg/reconcile/index.ts';
import type { CliContext } from './context.ts';
import { printData, type Format } from './render/document.ts';
import { shortRevision } from './render/revision.ts';
import { count, oneLine } from './render/text.ts';

interface Asked {
  readonly output: Format;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** Two revisions that were applied, object by object. As diff(1): 0 no difference, 1 some. */
export async function diffRevisions(context: CliContext, { output, from, to }: Asked): Promise<number> {
  const found = await (await context.connect()).compare(from, to);
  const { differences } = found;
  if (!(await printData(context.stdout, output, found))) {
    for (const difference of differences) context.stdout.write(describe(context, difference));
    const what =
      differences.length === 0
        ? 'no differences'
        : `${count(differences.length, 'object')} ${differences.length === 1 ? 'differs' : 'differ'}`;
    context.stdout.write(`${what} from ${shortRevision(found.from)} to ${shortRevision(found.to)}\n`);
  }
  return differences.length === 0 ? 0 : 1;
}

const COLOURS = { added: 'green', changed: 'yellow', removed: 'red' } as const;

function describe({ paint }: CliContext, { key, change, fields }: RevisionDifference): string {
  const head = `${paint('bold', key)}: ${paint(COLOURS[change], change)}`;
  const lines = fields.map(({ field, from, to }) => `  ${oneLine(`${field}: ${from} → ${to}`)}`);
  return `${[head, ...lines].join('\n')}\n`;
}
