import type { Clock, Logger } from '../api/index.ts';
import type { Config } from '../config/index.ts';
import type { Metrics } from '../metrics/index.ts';
import { Checker, createProber, Healer, Routine } from '../probe/index.ts';
import type { Engine, Reconciler, Source } from '../reconcile/index.ts';
import type { SharedPart } from './coordination.ts';

export interface ChecksOptions {
  readonly engine: Engine;
  readonly source: Source;
  readonly metrics: Metrics;
  readonly reconciler: Pick<Reconciler, 'status' | 'republish' | 'tellRefused'>;
  readonly shared: Pick<SharedPart, 'questions' | 'status'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What an agent needs for checks: who does them, and what does them again and again where the configuration says so. */
export interface Checks {
  readonly checker: Checker;
  start(): void;
  stop(): void;
}

/** Wires the checks of an agent. Nothing runs before it is asked for, or started. */
export function createChecks(
  config: Pick<Config, 'probeIntervalMs' | 'probeHeal' | 'cluster'>,
  options: ChecksOptions,
): Checks {
  const { probeIntervalMs, probeHeal } = config;
  const { engine, source, shared, metrics, clock, logger } = options;
  const { questions } = shared;
  const healer = probeIntervalMs > 0 && probeHeal ? createHealer(config, options) : undefined;
  const checker: Checker = new Checker({
    engine,
    prober: createProber({ engine }),
    revision: () => source.state().revision,
    ...(questions ? { questions } : {}),
    clock,
    logger,
    explored: (findings) => {
      if (probeIntervalMs === 0) return;
      metrics.probed(findings, clock.now());
      routine.looked();
      healer?.looked();
    },
    suspected: (suspects) => void healer?.hear(suspects),
  });
  const routine = new Routine({
    intervalMs: probeIntervalMs,
    check: () => checker.check([]),
    isFirst: () => questions === undefined || shared.status().isLeader,
    clock,
    logger,
    random: Math.random,
  });
  return {
    checker,
    start: () => {
      if (probeIntervalMs > 0) routine.start();
    },
    stop: () => routine.stop(),
  };
}

function createHealer(
  { probeIntervalMs, cluster }: Pick<Config, 'probeIntervalMs' | 'cluster'>,
  { engine, reconciler, clock, logger }: ChecksOptions,
): Healer {
  return new Healer({
    intervalMs: probeIntervalMs,
    cluster,
    engine,
    status: () => reconciler.status(),
    republish: (finding) => reconciler.republish(finding),
    refused: (key, message) => reconciler.tellRefused(key, message),
    clock,
    logger,
  });
}
