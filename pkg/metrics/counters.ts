import { Counter, Histogram, type Registry } from 'prom-client';

import { KINDS, PLAYBOOKS, splitKey } from '../api/index.ts';
import { ACTION_TYPES } from '../plan/index.ts';
import { RESULTS, type Observer } from '../reconcile/index.ts';
import { DRIFT_FIELDS, USUAL_CAUSES } from './known.ts';

const MS_PER_S = 1000;
/** From a round that finds nothing on a small host to one that pulls an image; seconds. */
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Counts what happens as it happens. */
export function countEvents(registry: Registry): Omit<Observer, 'statusChanged'> {
  const registers = [registry];
  const actions = new Counter({
    name: 'ovr_actions_total',
    help: 'Steps executed on the engine.',
    labelNames: ['action', 'cause', 'result'] as const,
    registers,
  });
  const drift = new Counter({
    name: 'ovr_drift_detected_total',
    help: 'Differences that nobody declared, each counted when it is first seen.',
    labelNames: ['kind', 'field'] as const,
    registers,
  });
  const rounds = new Histogram({
    name: 'ovr_reconcile_duration_seconds',
    help: 'Duration of rounds: look, plan, execute.',
    labelNames: ['result'] as const,
    buckets: DURATION_BUCKETS,
    registers,
  });
  const repairs = new Histogram({
    name: 'ovr_repair_duration_seconds',
    help: 'From the first sight of a drift to the end of its repair.',
    labelNames: ['kind'] as const,
    buckets: DURATION_BUCKETS,
    registers,
  });
  const heals = new Counter({
    name: 'ovr_heal_total',
    help: 'What overlays broke and ovr healed, by playbook.',
    labelNames: ['playbook'] as const,
    registers,
  });
  startAtZero(actions, drift);
  for (const playbook of PLAYBOOKS) heals.inc({ playbook }, 0);
  for (const result of ['ok', 'failed']) rounds.zero({ result });
  for (const kind of KINDS) if (DRIFT_FIELDS[kind].length > 0) repairs.zero({ kind });
  return {
    roundFinished: (durationMs, result) => rounds.observe({ result }, durationMs / MS_PER_S),
    actionFinished: ({ action, cause, result }) => actions.inc({ action, cause: cause.reason, result }),
    driftDetected: (kind, field) => drift.inc({ kind, field }),
    healed: (playbook) => heals.inc({ playbook }),
    repaired: (key, durationMs) => repairs.observe({ kind: splitKey(key).kind }, durationMs / MS_PER_S),
  };
}

function startAtZero(
  actions: Counter<'action' | 'cause' | 'result'>,
  drift: Counter<'kind' | 'field'>,
): void {
  for (const action of ACTION_TYPES) {
    for (const cause of USUAL_CAUSES[action]) {
      for (const result of RESULTS) actions.inc({ action, cause, result }, 0);
    }
  }
  for (const kind of KINDS) {
    for (const field of DRIFT_FIELDS[kind]) drift.inc({ kind, field }, 0);
  }
}
