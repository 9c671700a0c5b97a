import { type FakeClock, silentLogger } from '../../pkg/api/index.ts';
import type { ManifestObject, Revision } from '../../pkg/manifest/index.ts';
import {
  alone,
  Reconciler,
  silentObserver,
  type Coordination,
  type Engine,
  type Observer,
  type ReconcilerOptions,
  type SecretKeeper,
  type Secrets,
  type Source,
  type SourceState,
  type StateStore,
} from '../../pkg/reconcile/index.ts';
import { revision } from './objects.ts';

/** A source whose content the test sets. */
export class TestSource implements Source {
  readonly name = 'test';
  #state: SourceState = { diagnostics: [] };
  #changed: () => void = () => undefined;

  start(changed: () => void): Promise<void> {
    this.#changed = changed;
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  state(): SourceState {
    return this.#state;
  }

  set(state: Partial<SourceState>): void {
    this.#state = { ...this.#state, ...state };
    this.#changed();
  }

  declare(...objects: ManifestObject[]): Revision {
    const declared = revision(objects);
    this.set({ revision: declared });
    return declared;
  }
}

/** A store that survives the agents of one test. */
export class TestStore implements StateStore {
  saved: unknown;

  load(): Promise<unknown> {
    return Promise.resolve(this.saved);
  }

  save(state: unknown): Promise<void> {
    this.saved = structuredClone(state);
    return Promise.resolve();
  }
}

export interface TestAgent {
  readonly reconciler: Reconciler;
  readonly source: TestSource;
  readonly store: TestStore;
  readonly clock: FakeClock;
  /** Lets everything that is due happen, and what follows from it within `ms`. */
  run(ms?: number): Promise<void>;
}

export interface TestAgentSetup {
  readonly engine: Engine;
  readonly clock: FakeClock;
  readonly options?: Partial<ReconcilerOptions>;
  readonly observer?: Observer;
  readonly store?: TestStore;
  readonly source?: TestSource;
  readonly coordination?: Coordination;
  /** By default every file is there, and its content names it. */
  readonly secrets?: Secrets;
  /** By default secrets are not compared. */
  readonly secretKeeper?: SecretKeeper;
  /** Stands before `source`. */
  readonly pinned?: Source;
  readonly applied?: (revision: Revision, state: SourceState) => void;
}

const anySecrets: Secrets = {
  read: (path) => Promise.resolve(`content of ${path}`),
  open: (sealed) => Promise.resolve(new Map([['SEALED', `opened ${sealed}`]])),
};

/** A reconciler on the given engine, not started, with everything else in memory. */
export function createTestAgent(setup: TestAgentSetup): TestAgent {
  const { engine, clock } = setup;
  const source = setup.source ?? new TestSource();
  const store = setup.store ?? new TestStore();
  const reconciler = new Reconciler(
    {
      engine,
      source: setup.pinned ?? source,
      store,
      clock,
      secrets: setup.secrets ?? anySecrets,
      ...(setup.secretKeeper ? { secretKeeper: setup.secretKeeper } : {}),
      logger: silentLogger,
      observer: setup.observer ?? silentObserver,
      coordination: setup.coordination ?? alone,
      ...(setup.applied ? { applied: setup.applied } : {}),
      random: () => 0.5,
      hostRoutes: () => Promise.resolve([]),
    },
    {
      version: 'test',
      cluster: 'default',
      mode: 'enforce',
      subnetPool: '10.64.0.0/10',
      settleMs: 500,
      resyncMs: 60_000,
      concurrency: 8,
      ...setup.options,
    },
  );
  return { reconciler, source, store, clock, run: (ms = 5_000) => clock.advanceAsync(ms) };
}

/** As createTestAgent, and started. */
export async function startAgent(setup: TestAgentSetup): Promise<TestAgent> {
  const agent = createTestAgent(setup);
  await agent.source.start(() => agent.reconciler.sourceChanged());
  await agent.reconciler.start();
  return agent;
}
