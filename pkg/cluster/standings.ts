import type { ContainerObject, Revision } from '../manifest/index.ts';
import type { HolderFact, Standing } from '../plan/index.ts';
import type { AgentStatus, ObjectStatus } from '../reconcile/index.ts';

/** A revision never changes, and every round asks. */
const interesting = new WeakMap<Revision, ReadonlySet<string>>();

/** How those containers of this node stand that depend on others, or others on them: only who tells something hears of the other nodes. */
export function standingsOf(
  { objects }: AgentStatus,
  revision: Revision | undefined,
): readonly Omit<HolderFact, 'node'>[] {
  const names = revision ? namesOf(revision) : new Set<string>();
  if (names.size === 0) return [];
  return objects
    .filter((object) => object.kind === 'Container' && names.has(object.name) && isHere(object))
    .map(({ name, observed, condition }) => ({
      container: name,
      has: observed?.state === 'running' || condition.type === 'Completed',
      standing: standingOf(observed),
    }));
}

function isHere({ condition: { type } }: ObjectStatus): boolean {
  return type !== 'NotHere' && type !== 'Conflict';
}

function namesOf(revision: Revision): ReadonlySet<string> {
  const known = interesting.get(revision);
  if (known) return known;
  const depending = [...revision.objects.values()].filter(
    (object): object is ContainerObject => object.kind === 'Container' && object.spec.dependsOn.length > 0,
  );
  const names = new Set(
    depending.flatMap(({ name, spec }) => [name, ...spec.dependsOn.map((each) => each.name)]),
  );
  interesting.set(revision, names);
  return names;
}

function standingOf(observed: ObjectStatus['observed']): Standing {
  if (observed?.state !== 'running') return 'down';
  const { health } = observed;
  if (health === 'starting' || health === 'unhealthy') return health;
  return 'ready';
}
