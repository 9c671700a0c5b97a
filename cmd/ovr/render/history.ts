import { formatCause } from '../../../pkg/api/index.ts';
import type { ActionRecord } from '../../../pkg/reconcile/index.ts';
import type { CliContext } from '../context.ts';
import { renderTable, type Cell } from './table.ts';
import { formatAge, formatDuration } from './text.ts';

/** An object's latest steps, newest last. */
export async function historyTable(
  { clock, paint }: Pick<CliContext, 'clock' | 'paint'>,
  history: readonly ActionRecord[],
): Promise<string> {
  if (history.length === 0) return 'none since the agent started\n';
  const now = clock.now();
  const rows = history.map(({ timeMs, action, result, durationMs, cause, error }): Cell[] => [
    `${formatAge(now - timeMs)} ago`,
    action,
    { text: result, painted: paint(result === 'failed' ? 'red' : 'green', result) },
    formatDuration(durationMs),
    error ? error.message : formatCause(cause),
  ]);
  return renderTable(['WHEN', 'STEP', 'RESULT', 'TOOK', 'BECAUSE'], rows);
}
