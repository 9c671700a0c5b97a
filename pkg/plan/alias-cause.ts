import type { Cause } from '../api/index.ts';
import type { ContainerObject } from '../manifest/index.ts';
import { nameKey } from './aliases.ts';
import { isUnchanged, showList, type PlanContext } from './context.ts';

/** Why the names of one endpoint are to change: somebody else changed them, an alias moves, or the manifest changed. */
export function namesCause(
  context: PlanContext,
  object: ContainerObject,
  network: string,
  { observed, desired }: { observed: readonly string[]; desired: readonly string[] },
): Cause {
  const difference = {
    field: `networks[${network}].aliases`,
    observed: showList(observed),
    desired: showList(desired),
  };
  const isKnown = isUnchanged(context, object);
  if (isKnown && hasSameGiven(context, object, network))
    return { reason: 'AliasesDiffer', drift: true, ...difference };
  const changed = [
    ...desired.filter((name) => !observed.includes(name)),
    ...observed.filter((name) => !desired.includes(name)),
  ];
  const reasons = changed.flatMap((name) => {
    const reason = context.aliases?.reasons.get(nameKey(object.name, network, name));
    return reason === undefined ? [] : [reason];
  });
  return { reason: reasons[0] ?? (isKnown ? 'AliasMoved' : 'AliasesDiffer'), drift: false, ...difference };
}

/** Whether aliases give the endpoint the names that they gave when it was last found right. */
function hasSameGiven({ input, aliases }: PlanContext, { key }: ContainerObject, network: string): boolean {
  const before = input.memory.applied.get(key)?.given?.[network] ?? [];
  const now = aliases?.given.get(key)?.[network] ?? [];
  return before.length === now.length && before.every((name, index) => name === now[index]);
}
