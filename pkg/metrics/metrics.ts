import { collectDefaultMetrics, Registry } from 'prom-client';

import type { AgentStatus, Observer } from '../reconcile/index.ts';
import { countEvents } from './counters.ts';
import type { Findings } from '../check/index.ts';
import { registerGauges, type ProblemCodes } from './gauges.ts';
import { registerProbes } from './probes.ts';
import { registerTotals } from './totals.ts';

/** The agent's metrics: tell `observer` what happens, show `render()` to Prometheus. */
export interface Metrics {
  readonly observer: Observer;
  /** What a check found out from this node, at that time. */
  probed(findings: Findings, nowMs: number): void;
  readonly contentType: string;
  /** The text format of Prometheus. */
  render(): Promise<string>;
}

/**
 * Builds the metrics on a registry of their own.
 * @param problems what a source can have, by its name: each has a series from the first status on
 */
export function createMetrics(problems: ProblemCodes = {}): Metrics {
  const registry = new Registry();
  let newest: AgentStatus | undefined;
  registerGauges(registry, () => newest, problems);
  registerTotals(registry, () => newest);
  const counting = countEvents(registry);
  const probed = registerProbes(registry);
  addProcessMetrics(registry);
  return {
    probed,
    observer: {
      ...counting,
      statusChanged: (status) => {
        newest = status;
      },
    },
    contentType: registry.contentType,
    render: () => registry.metrics(),
  };
}

/** An hour, so never: the sampling behind these alone would take a hundred wake-ups a second, 0.9 % of a core. */
const SAMPLING_MS = 3_600_000;
const SAMPLED = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'];

function addProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: SAMPLING_MS });
  for (const figure of SAMPLED) registry.removeSingleMetric(`nodejs_eventloop_lag_${figure}_seconds`);
}
