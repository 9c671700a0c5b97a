import type { Clock, Logger } from '../api/index.ts';
import type { Revision } from '../manifest/index.ts';
import type { PlanSettings } from '../plan/index.ts';
import type { Observer } from './observer.ts';
import type {
  Coordination,
  Engine,
  SecretKeeper,
  Secrets,
  Source,
  SourceState,
  StateStore,
} from './ports.ts';

export interface ReconcilerDeps {
  readonly engine: Engine;
  readonly source: Source;
  readonly secrets: Secrets;
  /** Absent: secrets are not compared, and containers get no hashes of them. */
  readonly secretKeeper?: SecretKeeper;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer: Observer;
  /** A number in [0, 1), for jitter. */
  readonly random: () => number;
  /** CIDRs the host routes now. */
  readonly hostRoutes: () => Promise<readonly string[]>;
  readonly coordination: Coordination;
  /** Told of each revision that has come into force, and of what the source said with it. */
  readonly applied?: (revision: Revision, state: SourceState) => void;
}

export interface ReconcilerOptions extends Omit<PlanSettings, 'hostRoutes'> {
  readonly version: string;
  readonly resyncMs: number;
  readonly concurrency: number;
}
