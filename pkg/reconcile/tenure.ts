import { OvrError } from '../api/index.ts';
import type { ObjectPlan } from '../plan/index.ts';
import { splitKey } from '../api/index.ts';
import type { CoordinationState } from './ports.ts';

/** Why nothing may be changed now. */
export function refusalOf(state: CoordinationState): string | undefined {
  return state.type === 'refused' ? state.reason : undefined;
}

/** Why a step of this plan may not run now, although it was planned; undefined when it may. Asked before each step. */
export function forbiddenBy(state: CoordinationState, plan: ObjectPlan): OvrError | undefined {
  if (state.type === 'refused') return new OvrError('lease-lost', 'waiting', state.reason);
  if (plan.onlyWhile === undefined || state.type === 'alone') return undefined;
  const { name } = splitKey(plan.key);
  if (plan.onlyWhile === 'fenced') {
    const isBack = state.cluster.leaseHeld && state.cluster.bound.has(name);
    return isBack ? new OvrError('lease-lost', 'waiting', `${name} may run here again`) : undefined;
  }
  if (!state.cluster.bound.has(name)) {
    return new OvrError('lease-lost', 'waiting', `${name} is not bound to this node any more`);
  }
  if (plan.onlyWhile === 'bound' || state.cluster.leaseHeld) return undefined;
  return new OvrError(
    'lease-lost',
    'waiting',
    `${name} may run on another node by now: no session for too long`,
  );
}
