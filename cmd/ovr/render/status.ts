import { CONDITIONS, formatDiagnostic, type ConditionType } from '../../../pkg/api/index.ts';
import type { AgentStatus, ObjectStatus, SourceCommit, SourceStatus } from '../../../pkg/reconcile/index.ts';
import { coordinatorProblems, coordinatorRows } from './coordinator.ts';
import { holdRows } from './holds.ts';
import { paintCondition, type Paint } from './paint.ts';
import { fields, section } from './sections.ts';
import { renderTable, type Cell } from './table.ts';
import { count, formatAge, oneLine } from './text.ts';

interface View {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly paint: Paint;
}

const DIGEST_SHOWN = 12;
/** As the agent's own messages have it. */
const COMMIT_SHOWN = 10;
const FINE: ReadonlySet<ConditionType> = new Set(['Ready', 'Completed', 'NotHere', 'Ignored', 'Kept']);

/** Whether an object is not, or not yet, as somebody wants it. */
export function needsAttention({ condition, causes }: Pick<ObjectStatus, 'condition' | 'causes'>): boolean {
  return !FINE.has(condition.type) && !(condition.type === 'Suspended' && causes.length === 0);
}

/** What `ovr status` prints. */
export async function renderStatus(agent: AgentStatus, view: View): Promise<string> {
  const parts = [overview(agent, view), await troubledObjects(agent, view), otherProblems(agent, view)];
  return parts.filter((part) => part !== '').join('\n');
}

function overview(agent: AgentStatus, { now, paint }: View): string {
  const { node, cluster, version, mode, startedMs, engine, revision, sources, converged } = agent;
  const { kind, version: docker, apiVersion } = engine;
  const what = kind ? `${kind}, Docker ${docker ?? '?'}, API ${apiVersion ?? '?'}` : 'unknown so far';
  const up = engine.up ? paint('green', 'up') : paint('red', 'down');
  const inForce = revision
    ? `${revision.digest.slice(0, DIGEST_SHOWN)}, ${count(revision.objects, 'object')}`
    : 'none yet';
  return fields([
    ['Node', `${node || 'unknown so far'}, cluster ${cluster}`],
    ['Agent', `ovrd ${version}, mode ${mode}, up ${formatAge(now - startedMs)}`],
    ['Engine', `${up}, ${what}`],
    ...coordinatorRows(agent, paint),
    ...sources.flatMap((source) => sourceRows(source, now)),
    ['Revision', `${inForce}${describePin(agent)}`],
    ...appliedRows(agent, { now, paint }),
    ...holdRows(agent.holds, { now, paint }),
    ['Objects', conditionCounts(agent, paint)],
    ['Converged', converged ? paint('green', 'yes') : paint('yellow', 'no')],
  ]);
}

/** Only where another revision than the one in force was the last to be reached. */
function appliedRows(
  { applied, revision }: AgentStatus,
  { now, paint }: View,
): [label: string, text: string][] {
  if (!applied || !revision || applied.digest === revision.digest) return [];
  const last = `${applied.digest.slice(0, DIGEST_SHOWN)}, reached ${formatAge(now - applied.sinceMs)} ago`;
  return [['Applied', paint('yellow', `${last}; the one in force is not reached yet`)]];
}

/** Who and how to end it is told by the hold. */
function describePin({ pin }: AgentStatus): string {
  if (!pin) return '';
  const source =
    pin.sourceRevision === undefined ? 'not read yet' : `at ${pin.sourceRevision.slice(0, DIGEST_SHOWN)}`;
  const state = pin.problem === undefined ? 'pinned' : 'kept since the pinned one is not here';
  return `, ${state} (source is ${source})`;
}

function sourceRows(source: SourceStatus, now: number): [label: string, text: string][] {
  const { commit, attempted, problem } = source;
  const why = problem === undefined ? '' : ` (${problem})`;
  return [
    ['Source', describeSource(source, now)],
    ...(commit ? [['Commit', describeCommit(commit, now)] satisfies [string, string]] : []),
    ...(attempted
      ? [['Attempted', `${describeCommit(attempted, now)}${why}`] satisfies [string, string]]
      : []),
  ];
}

/** One commit in a line: short hash, age, author and subject. */
export function describeCommit({ commit, author, timeMs, subject }: SourceCommit, now: number): string {
  const text = `${commit.slice(0, COMMIT_SHOWN)}, ${formatAge(now - timeMs)} ago by ${author}: ${subject}`;
  return oneLine(text);
}

function describeSource({ name, synced, lastSyncMs }: SourceStatus, now: number): string {
  if (!synced) return `${name}, not read yet`;
  return lastSyncMs === undefined ? name : `${name}, read ${formatAge(now - lastSyncMs)} ago`;
}

function conditionCounts({ objects }: AgentStatus, paint: Paint): string {
  if (objects.length === 0) return 'none';
  const counts = CONDITIONS.map((type) => ({
    type,
    number: objects.filter(({ condition }) => condition.type === type).length,
  }));
  return counts
    .filter(({ number }) => number > 0)
    .map(({ type, number }) => `${number} ${paintCondition(paint, type)}`)
    .join(', ');
}

async function troubledObjects({ objects }: AgentStatus, { now, paint }: View): Promise<string> {
  const rows = objects.filter(needsAttention).map(({ key, condition }): Cell[] => {
    const { type, sinceMs, message } = condition;
    return [key, { text: type, painted: paintCondition(paint, type) }, formatAge(now - sinceMs), message];
  });
  return rows.length === 0 ? '' : renderTable(['OBJECT', 'CONDITION', 'FOR', 'MESSAGE'], rows);
}

function otherProblems(agent: AgentStatus, { paint }: View): string {
  const { engine, sources, diagnostics, prune } = agent;
  const lines = [
    ...(engine.up ? [] : [`the engine does not answer: ${engine.message}`]),
    ...(agent.pin?.problem === undefined ? [] : [agent.pin.problem]),
    ...coordinatorProblems(agent),
    ...sources.flatMap(({ name, doubt }) =>
      doubt === undefined ? [] : [`${name}: ${doubt}: nothing is removed`],
    ),
    ...diagnostics.map(formatDiagnostic),
    ...(prune.held ? [`${prune.reason}: ovr prune shows them, ovr prune --confirm removes them`] : []),
  ];
  if (lines.length === 0) return '';
  return section('Problems', lines.map((line) => `${paint('yellow', oneLine(line))}\n`).join(''));
}
