import type { ContainerObject } from '../objects.ts';
import { find, type Candidate, type Finding } from './candidate.ts';

/** Docker's own, always there. */
const DEFAULT_BRIDGE = 'bridge';

/** Networks that containers use and no manifest declares, each reported once: they may be there already. */
export function undeclaredNetworks(
  containers: readonly Candidate<ContainerObject>[],
  declared: ReadonlySet<string>,
): Finding[] {
  const uses = new Map<string, { candidate: Candidate; index: number; count: number }>();
  for (const candidate of containers) {
    const attachments = candidate.object.spec.networks ?? [];
    for (let index = 0; index < attachments.length; index++) {
      const name = attachments[index]?.name ?? DEFAULT_BRIDGE;
      if (name === DEFAULT_BRIDGE || declared.has(name)) continue;
      const use = uses.get(name);
      if (use) use.count += 1;
      else uses.set(name, { candidate, index, count: 1 });
    }
  }
  return [...uses].map(([name, { candidate, index, count }]) => {
    const others = count > 1 ? ` (used by ${count} containers)` : '';
    const message = `spec.networks[${index}]: no manifest declares Network ${name}${others}; declare it, or see that it exists`;
    return find(candidate, 'network-undeclared', message, candidate.places?.networks?.[index]);
  });
}
