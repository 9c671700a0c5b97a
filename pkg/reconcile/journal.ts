import {
  formatCause,
  formatDiagnostic,
  type Clock,
  type Condition,
  type Diagnostic,
  type Logger,
  type ObjectKey,
} from '../api/index.ts';
import type { Revision } from '../manifest/index.ts';
import type { Plan, Verdict } from '../plan/index.ts';
import type { DriftTracker } from './drift-tracker.ts';
import { describeHolds } from './hold-status.ts';
import type { HoldNews } from './hold-watch.ts';
import type { EventLog } from './event-log.ts';
import type { Finding } from './heal/republisher.ts';
import type { PinState } from './ports.ts';
import { Repeats } from './repeats.ts';
import type { ActionRecord, AgentEvent, HealRecord } from './status.ts';

/** Tells logs and event listeners what happened, in the same words. */
export class Journal {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #events: EventLog;
  readonly #repeats = new Repeats();
  #problems: ReadonlySet<string> = new Set();
  #held = '';
  #pinned = '';

  constructor(clock: Clock, logger: Logger, events: EventLog) {
    this.#clock = clock;
    this.#logger = logger;
    this.#events = events;
  }

  /** Tells of each action; of one that fails in the same way again and again at times only. */
  action(record: ActionRecord): void {
    const { key, action, cause, result, durationMs, error } = record;
    const subject = `${action} ${key}`;
    const fields = { key, action, cause: formatCause(cause), result, durationMs: Math.round(durationMs) };
    const event = { timeMs: record.timeMs, type: 'Action', key, action, cause, durationMs } as const;
    if (!error) {
      this.#repeats.worked(subject);
      this.#logger.info(fields, 'action done');
      this.#events.add({ ...event, severity: 'normal', message: `${action}: ${formatCause(cause)}` });
      return;
    }
    const { code } = error;
    const news = this.#repeats.failed(subject, `${code} ${error.message}`, this.#clock.monotonic());
    if (!news) return;
    const { times, overMs } = news;
    const often = times === 1 ? '' : `, ${times} times in ${Math.round(overMs / 1_000)} s`;
    this.#logger.warn({ ...fields, code, error: error.message, times }, 'action failed');
    const message = `${action} failed${often}: ${error.message}`;
    this.#events.add({ ...event, severity: 'warning', message });
  }

  healed({ key, playbook, saw, did }: HealRecord): void {
    this.#logger.info({ key, playbook, saw, did }, 'healed');
    this.#add('Heal', 'normal', { key, playbook, message: `${playbook}: ${saw}; ${did}` });
  }

  /** An endpoint was made again and again, and its probe still fails. */
  healingStopped({ key, network, why }: Finding): void {
    const message = `republish-endpoint: ${why} on ${network}, also after five times in 300 s: not again for a while`;
    this.#logger.warn({ key, network, why }, 'healing does not help');
    this.#add('Heal', 'warning', { key, playbook: 'republish-endpoint', message });
  }

  /** An endpoint that a probe finds wrong is not to be made again. */
  healingRefused(key: ObjectKey, message: string): void {
    this.#logger.warn({ key, reason: message }, 'healing is refused');
    this.#add('Heal', 'warning', { key, playbook: 'republish-endpoint', message });
  }

  drift(news: ReturnType<DriftTracker['update']>): void {
    for (const { key, cause } of news.detected) {
      this.#logger.warn({ key, cause: formatCause(cause) }, 'drift found');
      this.#add('Drift', 'warning', { key, cause, message: formatCause(cause) });
    }
    for (const { key, durationMs } of news.repaired) {
      this.#logger.info({ key, durationMs: Math.round(durationMs) }, 'drift is gone');
      this.#add('Repaired', 'normal', {
        key,
        durationMs,
        message: `as declared again after ${Math.round(durationMs)} ms`,
      });
    }
  }

  condition(condition: Condition, verdict: Verdict): void {
    const { key, type, message } = condition;
    const isTrouble = TROUBLE.has(type);
    const cause = verdict.causes[0];
    const fields = { key, condition: type, reason: message };
    if (isTrouble) this.#logger.warn(fields, 'condition changed');
    else this.#logger.info(fields, 'condition changed');
    this.#add('Condition', isTrouble ? 'warning' : 'normal', {
      key,
      message: `${type}: ${message}`,
      ...(cause ? { cause } : {}),
    });
  }

  /** What happened between this agent and the others of its cluster. */
  cluster(severity: AgentEvent['severity'], message: string): void {
    if (severity === 'warning') this.#logger.warn({ part: 'cluster' }, message);
    else this.#logger.info({ part: 'cluster' }, message);
    this.#add('Cluster', severity, { message });
  }

  /** An override by a person began or ended. */
  hold({ hold, change }: HoldNews): void {
    const [shown] = describeHolds([hold]);
    if (!shown) return;
    const { id, who, note, untilMs, says, release } = shown;
    const isOver = change === 'released' || change === 'expired';
    const until = untilMs === undefined ? `until ${release}` : `until ${new Date(untilMs).toISOString()}`;
    const why = note === undefined ? '' : ` (${note})`;
    const message = `${id}: ${says}, by ${who}${why}: ${isOver ? change : `${change}, ${until}`}`;
    this.#logger.warn({ hold: id, who, says, untilMs, note }, `hold ${change}`);
    this.#add('Hold', isOver ? 'normal' : 'warning', { message });
  }

  /** Tells what is pinned once, and again when the source has something else. */
  pin(pin: PinState | undefined): void {
    const seen = pin ? describePin(pin) : '';
    if (pin && seen !== this.#pinned) {
      this.#logger.warn(
        { revision: pin.revision, source: pin.sourceRevision, who: pin.who },
        'a revision is pinned',
      );
      this.#add('Source', 'warning', { message: seen });
    }
    this.#pinned = seen;
  }

  revision(revision: Revision): void {
    this.#logger.info({ revision: revision.digest, objects: revision.objects.size }, 'new revision');
    this.#add('Source', 'normal', {
      message: `revision ${revision.digest.slice(0, 12)}: ${revision.objects.size} objects`,
    });
  }

  /** Tells of manifest problems, each once while it lasts. */
  problems(diagnostics: readonly Diagnostic[], doubt: string | undefined): void {
    const lines = [...diagnostics.map(formatDiagnostic), ...(doubt === undefined ? [] : [doubt])];
    for (const problem of lines) {
      if (this.#problems.has(problem)) continue;
      this.#logger.warn({ problem }, 'manifest problem');
      this.#add('Source', 'warning', { message: problem });
    }
    this.#problems = new Set(lines);
  }

  engine(isUp: boolean, message: string): void {
    if (isUp) this.#logger.info({ engine: message }, 'engine is up');
    else this.#logger.warn({ problem: message }, 'engine is down');
    this.#add('Engine', isUp ? 'normal' : 'warning', { message });
  }

  /** Tells of held removals once, and again when they change. */
  held(held: Plan['held']): void {
    const seen = held ? `${held.reason} (${held.keys.join(', ')})` : '';
    if (held && seen !== this.#held) {
      this.#logger.warn({ reason: held.reason, keys: held.keys }, 'removals are held');
      this.#add('Prune', 'warning', { message: seen });
    }
    this.#held = seen;
  }

  pruneConfirmed(keys: readonly ObjectKey[]): void {
    this.#logger.info({ keys }, 'removals confirmed');
    this.#add('Prune', 'normal', { message: `confirmed: ${keys.join(', ')}` });
  }

  failed(what: string, error: string): void {
    this.#logger.error({ error }, what);
  }

  #add(
    type: Parameters<EventLog['add']>[0]['type'],
    severity: 'normal' | 'warning',
    rest: Omit<Parameters<EventLog['add']>[0], 'type' | 'severity' | 'timeMs'>,
  ): void {
    this.#events.add({ timeMs: this.#clock.now(), type, severity, ...rest });
  }
}

/** `pinned to 0123456789ab by ann@web1 since 2026-01-01T00:00:00.000Z (source is at fedcba987654)`. */
function describePin({ revision, who, sinceMs, sourceRevision }: PinState): string {
  const source = sourceRevision === undefined ? 'not read yet' : `at ${sourceRevision.slice(0, 12)}`;
  return `pinned to ${revision.slice(0, 12)} by ${who} since ${new Date(sinceMs).toISOString()} (source is ${source})`;
}

const TROUBLE: ReadonlySet<Condition['type']> = new Set([
  'Conflict',
  'NeedsRecreate',
  'UpdateFailed',
  'PruneHeld',
  'Stalled',
  'Failed',
]);
