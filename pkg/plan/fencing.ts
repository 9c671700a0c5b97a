import type { Cause } from '../api/index.ts';
import type { ContainerObject } from '../manifest/index.ts';
import type { Action } from './action.ts';
import { ownedContainer, type PlanContext } from './context.ts';
import { namesOf } from './names.ts';
import type { ObjectPlan, Verdict } from './result.ts';

/** What is to be done for a container that another node may be running by now, and what to say about it. */
export interface FencedOutcome {
  readonly plan?: ObjectPlan;
  readonly verdict: Verdict;
}

const STOPPED = 'stopped, because another node may run it: this node has had no session for too long';

/**
 * Stops a container that must not run here, and keeps it: it starts again once the session is back, if it is still bound here.
 * In mode `observe` nothing is stopped; placement does not move such a container either.
 */
export function planFenced(context: PlanContext, object: ContainerObject): FencedOutcome {
  const cause: Cause = {
    reason: 'Fenced',
    drift: false,
    field: 'state',
    observed: 'running',
    desired: 'stopped',
  };
  const steps = namesOf(object.name).flatMap((name) =>
    stopSteps(context, object, name).map((step) => ({ ...step, cause })),
  );
  const enforced = object.mode === 'enforce' && context.input.settings.mode === 'enforce';
  const isStopping = steps.length > 0 && enforced;
  const message = steps.length > 0 ? 'to be stopped: another node may run it' : STOPPED;
  return {
    verdict: {
      condition: {
        key: object.key,
        type: 'Fenced',
        message: enforced ? message : 'not stopped: it is only observed',
      },
      causes: steps.length > 0 ? [cause] : [],
    },
    ...(isStopping ? { plan: { key: object.key, rank: 0, steps, waitsFor: [], onlyWhile: 'fenced' } } : {}),
  };
}

type StopStep = Extract<Action, { type: 'StopContainer' | 'UnpauseContainer' }>;

function stopSteps(context: PlanContext, object: ContainerObject, name: string): Omit<StopStep, 'cause'>[] {
  const container = context.containersByName.get(name);
  if (!container || ownedContainer(context, container)?.name !== object.name) return [];
  const ref = { name: container.name, id: container.id };
  const stop = { type: 'StopContainer', container: ref, graceMs: graceMs(context, object) } as const;
  if (container.state === 'paused') return [{ type: 'UnpauseContainer', container: ref }, stop];
  return container.state === 'running' || container.state === 'restarting' ? [stop] : [];
}

const DOCKER_GRACE_MS = 10_000;

function graceMs(context: PlanContext, object: ContainerObject): number {
  return Math.min(object.spec.stopGracePeriodMs ?? DOCKER_GRACE_MS, context.input.cluster?.fenceGraceMs ?? 0);
}
