import type { RevisionEntry, RevisionHistory } from '../../../pkg/reconcile/index.ts';
import type { CliContext } from '../context.ts';
import { outputOption, printData, type Format } from '../render/document.ts';
import { shortRevision } from '../render/revision.ts';
import { renderTable, type Cell } from '../render/table.ts';
import { formatAge, formatTime } from '../render/text.ts';
import { examples, type AddVerb } from '../verb.ts';

interface HistoryOptions {
  readonly output: Format;
}

export const addHistory: AddVerb = (program, run) => {
  program
    .command('history')
    .summary('Show the revisions that were applied')
    .description(
      'Shows the last revisions that were in force on this node, newest first: when, from where, and what changed. One of them can be had back with ovr rollback.',
    )
    .addOption(outputOption())
    .addHelpText('after', examples('ovr history', 'ovr history -o wide'))
    .action(({ output }: HistoryOptions) => run((context) => history(context, output)));
};

async function history(context: CliContext, format: Format): Promise<number> {
  const found = await (await context.connect()).history();
  if (await printData(context.stdout, format, found)) return 0;
  context.stdout.write(await historyTable(context, found, format === 'wide'));
  return 0;
}

async function historyTable(
  { clock, paint }: CliContext,
  history: RevisionHistory,
  isWide: boolean,
): Promise<string> {
  const { revisions, pinned } = history;
  const now = clock.now();
  const rows = revisions.map((entry): Cell[] => {
    const state = stateOf(entry, history);
    return [
      shortRevision(entry.digest),
      state === ''
        ? state
        : { text: state, painted: paint(state.includes('pinned') ? 'yellow' : 'green', state) },
      `${formatAge(now - entry.lastMs)} ago`,
      String(entry.objects),
      countChanges(entry),
      isWide ? entry.sources.join(', ') : '',
      whence(entry),
      ...(isWide ? [formatTime(entry.firstMs), listChanges(entry)] : []),
    ].filter((_cell, column) => isWide || column !== SOURCE_COLUMN);
  });
  const head = ['REVISION', 'STATE', 'APPLIED', 'OBJECTS', 'CHANGED', 'COMMIT'];
  const wide = [...head.slice(0, SOURCE_COLUMN), 'SOURCE', 'COMMIT', 'FIRST', 'WHAT'];
  const table =
    rows.length === 0 ? 'no revision was applied yet\n' : await renderTable(isWide ? wide : head, rows);
  const isMissing = pinned !== undefined && revisions.every(({ digest }) => digest !== pinned);
  return isMissing ? `${table}pinned is ${shortRevision(pinned)}, which this node does not have\n` : table;
}

const SOURCE_COLUMN = 5;

function stateOf({ digest }: RevisionEntry, { current, pinned }: RevisionHistory): string {
  const words = [...(digest === current ? ['current'] : []), ...(digest === pinned ? ['pinned'] : [])];
  return words.join(', ');
}

/** `+1 ~2 -0`: objects added, changed and removed. */
function countChanges({ before, changes }: RevisionEntry): string {
  const { added, changed, removed, omitted } = changes;
  if (before === undefined) return 'first';
  const more = omitted > 0 ? ` and ${omitted} more` : '';
  return `+${added.length} ~${changed.length} -${removed.length}${more}`;
}

function listChanges({ changes: { added, changed, removed } }: RevisionEntry): string {
  return [
    ...added.map((key) => `+${key}`),
    ...changed.map(({ key, fields }) => `~${key} (${fields.join(', ')})`),
    ...removed.map((key) => `-${key}`),
  ].join(' ');
}

const COMMIT_SHOWN = 10;

function whence({ commit }: RevisionEntry): string {
  return commit ? `${commit.commit.slice(0, COMMIT_SHOWN)} ${commit.author}: ${commit.subject}` : '';
}
