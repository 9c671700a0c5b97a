import { checkConstraints, literalNode } from '../constraint/index.ts';
import type { ConditionType, ObjectKey } from '../api/index.ts';
import type { ContainerObject } from '../manifest/index.ts';
import type { ClusterInput, PlanInput } from './input.ts';

/** Whether a container of the manifests is this node's to run. */
export type Assignment =
  | { readonly type: 'here' }
  /** It is, but another node may run it too by now: it must not run here. */
  | { readonly type: 'fenced' }
  /** It is known to belong elsewhere: a copy here goes. */
  | { readonly type: 'elsewhere'; readonly reason: 'ConstraintUnmet' | 'Moved'; readonly message: string }
  /** Not known: whatever is here stays as it is. */
  | { readonly type: 'undecided'; readonly condition: ConditionType; readonly message: string };

export type Elsewhere = Extract<Assignment, { type: 'elsewhere' }>;

/** Containers of the revision by whose they are. */
export interface Assignments {
  readonly here: readonly ContainerObject[];
  readonly fenced: readonly ContainerObject[];
  readonly elsewhere: ReadonlyMap<ObjectKey, Elsewhere>;
  readonly undecided: ReadonlyMap<ObjectKey, Extract<Assignment, { type: 'undecided' }>>;
}

/** Divides the containers of the revision. Only what is positively known to belong elsewhere is called so. */
export function assignContainers(input: PlanInput): Assignments {
  const here: ContainerObject[] = [];
  const fenced: ContainerObject[] = [];
  const elsewhere = new Map<ObjectKey, Elsewhere>();
  const undecided = new Map<ObjectKey, Extract<Assignment, { type: 'undecided' }>>();
  for (const object of input.revision.objects.values()) {
    if (object.kind !== 'Container') continue;
    const assignment = assign(object, input);
    if (assignment.type === 'here') here.push(object);
    else if (assignment.type === 'fenced') fenced.push(object);
    else if (assignment.type === 'elsewhere') elsewhere.set(object.key, assignment);
    else undecided.set(object.key, assignment);
  }
  return { here, fenced, elsewhere, undecided };
}

function assign(object: ContainerObject, input: PlanInput): Assignment {
  const unmet = unmetConstraints(object, input);
  if (!input.cluster || literalNode(object.spec.nodeConstraint) !== undefined) {
    return unmet === undefined ? { type: 'here' } : notFor(unmet);
  }
  return input.cluster.bound.has(object.name)
    ? assignBound(object, input.cluster, unmet)
    : assignUnbound(object, input, { cluster: input.cluster, unmet });
}

function notFor(unmet: string): Assignment {
  return { type: 'elsewhere', reason: 'ConstraintUnmet', message: unmet };
}

function unmetConstraints(object: ContainerObject, input: PlanInput): string | undefined {
  if (object.spec.nodeConstraint.length === 0) return undefined;
  const { matches, unmet } = checkConstraints(object.spec.nodeConstraint, input.observed.engine.node);
  return matches ? undefined : unmet.join('; ');
}

function mayMove({ spec }: ContainerObject): boolean {
  return spec.reschedule === 'on-node-failure';
}

function assignBound(object: ContainerObject, cluster: ClusterInput, unmet: string | undefined): Assignment {
  // First of all: once this node counts as lost, the leader takes it for stopped, whether it fits here or not.
  if (mayMove(object) && !cluster.leaseHeld) return { type: 'fenced' };
  if (unmet !== undefined) {
    const message = `bound to this node, which does not fit any more (${unmet}): the leader moves it`;
    return { type: 'undecided', condition: 'Waiting', message };
  }
  return { type: 'here' };
}

/** Not bound here: elsewhere only where the leader decided on these very manifests and left nothing out. */
function assignUnbound(
  object: ContainerObject,
  input: PlanInput,
  { cluster, unmet }: { cluster: ClusterInput; unmet: string | undefined },
): Assignment {
  // Whoever lost the memory of what is bound to it may have a copy all the same, and another node may have been given it.
  if (mayMove(object) && !cluster.leaseHeld) return { type: 'fenced' };
  if (cluster.decidedOn === undefined) {
    return { type: 'undecided', condition: 'Waiting', message: 'waits for the leader to place it' };
  }
  if (cluster.decidedOn !== input.revision.digest) {
    const message = `waits for the leader, which has decided on other manifests (revision ${cluster.decidedOn.slice(0, 12)})`;
    return { type: 'undecided', condition: 'Waiting', message };
  }
  const reason = cluster.unplaced.get(object.name);
  if (reason === undefined && cluster.unplacedOmitted === 0) {
    return { type: 'elsewhere', reason: 'Moved', message: 'bound to another node' };
  }
  if (unmet !== undefined) return notFor(unmet);
  const message = reason ?? 'one of many containers without a node; ask the leader with ovr explain';
  return { type: 'undecided', condition: 'Unschedulable', message };
}
