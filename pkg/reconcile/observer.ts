import type { Kind, ObjectKey, Playbook } from '../api/index.ts';
import type { ActionRecord, AgentStatus } from './status.ts';

/** Who is told what happened, for metrics. All calls are quick and never throw. */
export interface Observer {
  roundFinished(durationMs: number, result: 'ok' | 'failed'): void;
  actionFinished(record: ActionRecord): void;
  /** A difference nobody declared was seen for the first time. `field` is the class of the field, without names. */
  driftDetected(kind: Kind, field: string): void;
  /** From the first sight of the drift to the end of its repair. */
  repaired(key: ObjectKey, durationMs: number): void;
  healed(playbook: Playbook): void;
  /** After each round: gauges are read from it. */
  statusChanged(status: AgentStatus): void;
}

/** Tells nobody. */
export const silentObserver: Observer = {
  roundFinished: () => undefined,
  actionFinished: () => undefined,
  driftDetected: () => undefined,
  repaired: () => undefined,
  healed: () => undefined,
  statusChanged: () => undefined,
};
