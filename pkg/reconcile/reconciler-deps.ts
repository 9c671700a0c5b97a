import type { Clock, Logger } from '../api/index.ts';
import type { PlanSettings } from '../plan/index.ts';
import type { Observer } from './observer.ts';
import type { Coordination, Engine, SecretFiles, Source, StateStore } from './ports.ts';

export interface ReconcilerDeps {
  readonly engine: Engine;
  readonly source: Source;
  readonly secrets: SecretFiles;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer: Observer;
  /** A number in [0, 1), for jitter. */
  readonly random: () => number;
  /** CIDRs the host routes now. */
  readonly hostRoutes: () => Promise<readonly string[]>;
  readonly coordination: Coordination;
}

export interface ReconcilerOptions extends Omit<PlanSettings, 'hostRoutes'> {
  readonly version: string;
  readonly resyncMs: number;
  readonly concurrency: number;
}
