import type { HoldStatus } from '../../../pkg/reconcile/index.ts';
import type { Paint } from './paint.ts';
import { formatAge, oneLine } from './text.ts';

/** The rows of `ovr status` about what people override; none while nobody does. */
export function holdRows(
  holds: readonly HoldStatus[],
  { now, paint }: { readonly now: number; readonly paint: Paint },
): (readonly [name: string, value: string])[] {
  return holds.map((hold) => ['Hold', paint(hold.problem ? 'red' : 'yellow', describeHold(hold, now))]);
}

/** `rollback: revision 0123456789ab, by ann@web1 3m ago, for 7m more (slow answers): ovr resume ends it`. */
function describeHold(hold: HoldStatus, now: number): string {
  const { id, says, who, whenMs, untilMs, note, release, problem } = hold;
  const rest = untilMs === undefined ? 'until released' : `for ${formatAge(untilMs - now)} more`;
  const why = note === undefined ? '' : ` (${note})`;
  const effect = problem === undefined ? '' : `, without effect: ${problem}`;
  return oneLine(
    `${id}: ${says}, by ${who} ${formatAge(now - whenMs)} ago, ${rest}${why}${effect}: ${release} ends it`,
  );
}

/** `by ann@web1 3m ago, for 7m more (disk is being changed): ovr resume container web ends it`. */
export function describeSuspension({ who, whenMs, untilMs, note, release }: HoldStatus, now: number): string {
  const rest = untilMs === undefined ? '' : `, for ${formatAge(untilMs - now)} more`;
  const why = note === undefined ? '' : ` (${note})`;
  return oneLine(`by ${who} ${formatAge(now - whenMs)} ago${rest}${why}: ${release} ends it`);
}
