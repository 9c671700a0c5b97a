import type { Cause } from '../api/index.ts';
import type { ContainerObject } from '../manifest/index.ts';
import type { ObservedContainer } from '../state/index.ts';
import type { Action, ContainerUpdate } from './action.ts';
import { causeFor, type PlanContext } from './context.ts';

/** Compares what Docker can change in place: restart policy, CPU and memory limits. One step for all of them. */
export function diffSettings(
  context: PlanContext,
  object: ContainerObject,
  current: ObservedContainer,
): Action[] {
  const { details } = current;
  if (!details) return [];
  const { restartPolicy, resources } = object.spec;
  const { limits } = resources;
  const causes: Cause[] = [];
  let update: ContainerUpdate = {};
  const wantedPolicy = showPolicy(restartPolicy);
  const foundPolicy = showPolicy(details.restartPolicy);
  if (wantedPolicy !== foundPolicy) {
    update = { ...update, restartPolicy };
    const difference = { field: 'restartPolicy', observed: foundPolicy, desired: wantedPolicy };
    causes.push(causeFor(context, object, 'RestartPolicyDiffers', difference));
  }
  const amounts = [
    { field: 'resources.limits.cpu', key: 'nanoCpus', wanted: limits.nanoCpus, found: details.nanoCpus },
    {
      field: 'resources.limits.memory',
      key: 'memoryBytes',
      wanted: limits.memoryBytes,
      found: details.memoryBytes,
    },
  ] as const;
  for (const { field, key, wanted, found } of amounts) {
    if (wanted === undefined || wanted === found) continue;
    update = { ...update, [key]: wanted };
    causes.push(
      causeFor(context, object, 'ResourcesDiffer', {
        field,
        observed: String(found),
        desired: String(wanted),
      }),
    );
  }
  const [cause] = causes;
  if (!cause) return [];
  return [{ type: 'UpdateContainer', container: { name: current.name, id: current.id }, update, cause }];
}

function showPolicy(policy: { name: string; maximumRetryCount: number }): string {
  const name = policy.name === '' ? 'no' : policy.name;
  return name === 'on-failure' && policy.maximumRetryCount > 0 ? `${name}:${policy.maximumRetryCount}` : name;
}
