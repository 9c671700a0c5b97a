import { compareStrings, objectKey, type ObjectKey } from '../api/index.ts';
import type { ManifestObject } from '../manifest/index.ts';
import type { ObservedContainer } from '../state/index.ts';
import { ownedContainer, type PlanContext } from './context.ts';
import type { PlanInput } from './input.ts';
import type { Verdict } from './result.ts';

/** What people have suspended, and who did. */
export interface Suspensions {
  /** Everything is. */
  readonly all?: string;
  readonly objects: ReadonlyMap<ObjectKey, string>;
}

/** Who has suspended an object; undefined: nobody. */
export function suspendedBy({ suspended }: Pick<PlanInput, 'suspended'>, key: ObjectKey): string | undefined {
  return suspended?.objects.get(key) ?? suspended?.all;
}

/** The input with its suspended objects as if their manifests asked for mode `observe`. */
export function withSuspensions(input: PlanInput): PlanInput {
  const { suspended, revision } = input;
  if (!suspended || (suspended.all === undefined && suspended.objects.size === 0)) return input;
  const objects = new Map(
    [...revision.objects].map(([key, object]) => [key, whileSuspended(input, object)] as const),
  );
  return { ...input, revision: { ...revision, objects } };
}

/** An object as it is planned: one that is suspended is only observed. */
export function whileSuspended<T extends ManifestObject>(input: PlanInput, object: T): T {
  if (object.mode !== 'enforce' || suspendedBy(input, object.key) === undefined) return object;
  return { ...object, mode: 'observe' };
}

/** Names of the containers among those that are suspended, sorted. */
export function suspendedUsers(context: PlanContext, users: readonly ObservedContainer[]): string[] {
  const names = users
    .map((container) => ownedContainer(context, container)?.name)
    .filter((name) => name !== undefined)
    .filter((name) => suspendedBy(context.input, objectKey('Container', name)) !== undefined);
  return [...new Set(names)].sort(compareStrings);
}

/** Says of each suspended object that it is: one that is as declared or differs is Suspended, any other trouble stays what it is. */
export function tellSuspended(input: PlanInput, verdicts: readonly Verdict[]): readonly Verdict[] {
  if (!input.suspended) return verdicts;
  return verdicts.map((verdict) => {
    const who = suspendedBy(input, verdict.condition.key);
    return who === undefined ? verdict : suspendedVerdict(verdict, who);
  });
}

function suspendedVerdict({ condition, causes }: Verdict, who: string): Verdict {
  const { key, type, message } = condition;
  switch (type) {
    case 'Ready':
    case 'Completed':
      return { condition: { key, type: 'Suspended', message: `by ${who}; as declared: ${message}` }, causes };
    case 'Drifted':
      return {
        condition: { key, type: 'Suspended', message: `by ${who}; differs: ${fields(causes)}` },
        causes,
      };
    case 'NotHere':
    case 'Ignored':
    case 'Suspended':
      return { condition, causes };
    default:
      return { condition: { key, type, message: `${message} (suspended by ${who})` }, causes };
  }
}

function fields(causes: Verdict['causes']): string {
  return [...new Set(causes.map(({ field }) => field))].join(', ');
}
