import { plan as makePlan, type PlanInput } from '../plan/index.ts';
import { isConfirmedBy, type Confirmation } from './assess.ts';
import type { ReconcilerDeps, ReconcilerOptions } from './reconciler-deps.ts';
import type { Declared, Round } from './round.ts';
import type { SecretWatch } from './secret-watch.ts';
import { suspensionsOf } from './suspensions.ts';
import { switchedSelectors } from './switches.ts';

/** What one round of thinking needs besides what is declared. */
interface Thinking {
  readonly deps: ReconcilerDeps;
  readonly options: ReconcilerOptions;
  readonly memory: PlanInput['memory'];
  readonly unpublished: NonNullable<PlanInput['unpublished']>;
  /** Containers that are being changed right now, by name. */
  readonly busy: ReadonlySet<string>;
  readonly confirmed: Confirmation | undefined;
  readonly secretsNow: SecretWatch['now'];
}

/**
 * Reads the engine and plans. What is declared and whether it may lack something are of one moment, and so is what the cluster has decided:
 * all of it from before the engine was asked, so that nothing is concluded from an observation older than what it is held against.
 */
export async function think({ revision, doubt }: Declared, thinking: Thinking): Promise<Round> {
  const { deps, options, memory, unpublished, busy, confirmed, secretsNow } = thinking;
  const { engine, source, clock, coordination } = deps;
  const shared = coordination.state();
  const holds = coordination.holds.list();
  const switched = switchedSelectors(holds, clock.now());
  const suspended = suspensionsOf(holds, clock.now());
  const [observed, hostRoutes] = await Promise.all([engine.observe(busy), deps.hostRoutes()]);
  const secrets = secretsNow(revision, observed);
  const anyDoubt = doubt ?? source.state().doubt;
  const input = {
    revision,
    observed,
    memory,
    switched,
    suspended,
    settings: { ...options, hostRoutes },
    nowMs: clock.now(),
    unpublished,
    ...(secrets ? { secrets } : {}),
    ...(anyDoubt === undefined ? {} : { doubt: anyDoubt }),
    ...(shared.type === 'member' ? { cluster: shared.cluster } : {}),
  };
  const plan = makePlan({ ...input, pruneConfirmed: false });
  const isConfirmed = isConfirmedBy(confirmed, plan, revision);
  return { revision, observed, plan: isConfirmed ? makePlan({ ...input, pruneConfirmed: true }) : plan };
}
