import type { Cause, ConditionType } from '../api/index.ts';
import type { ContainerObject } from '../manifest/index.ts';
import type { ObservedContainer } from '../state/index.ts';
import type { Action } from './action.ts';
import { ownedContainer, type PlanContext } from './context.ts';
import { resolveAttachments, type Attachments } from './endpoints.ts';
import type { Phase } from './input.ts';
import { asideName, comingName, parkedName } from './names.ts';
import type { NetworkOutlook } from './networks.ts';
import type { ObjectPlan } from './result.ts';
import { secretsId } from './secrets.ts';

/** One container object and all that bears its names. */
export interface Subject {
  readonly context: PlanContext;
  readonly object: ContainerObject;
  readonly outlooks: ReadonlyMap<string, NetworkOutlook>;
  /** What bears the object's name. */
  readonly current?: ObservedContainer;
  /** The old one of a replacement under way. */
  readonly parked?: ObservedContainer;
  /** The new one of a StartFirst update under way. */
  readonly coming?: ObservedContainer;
  /** A new one that was cut off while it stepped aside. */
  readonly aside?: ObservedContainer;
  /** Ours under a name somebody else gave it. */
  readonly renamed?: ObservedContainer;
}

/** What is to be done for one container, and what it shows. */
export type Decision = Partial<Pick<ObjectPlan, 'steps' | 'fallback' | 'waitsFor' | 'givesUp'>> & {
  readonly condition: ConditionType;
  readonly message: string;
  /** Differences about which no step does anything. */
  readonly stuck?: readonly Cause[];
  /** Look again after this long. */
  readonly againMs?: number;
  /** A container of an update, and where it stands: remembered with the time it was first seen so. */
  readonly phase?: { readonly id: string; readonly phase: Phase };
};

export function findSubject(
  context: PlanContext,
  object: ContainerObject,
  outlooks: ReadonlyMap<string, NetworkOutlook>,
): Subject {
  const own = (name: string): ObservedContainer | undefined => {
    const found = context.containersByName.get(name);
    return found && ownedContainer(context, found)?.name === object.name ? found : undefined;
  };
  const current = context.containersByName.get(object.name);
  const parked = own(parkedName(object.name));
  const coming = own(comingName(object.name));
  const aside = own(asideName(comingName(object.name)));
  const renamed = context.renamed.get(object.name);
  return {
    context,
    object,
    outlooks,
    ...(current ? { current } : {}),
    ...(parked ? { parked } : {}),
    ...(coming ? { coming } : {}),
    ...(aside ? { aside } : {}),
    ...(renamed ? { renamed } : {}),
  };
}

/** Steps to take; drift and plain changes differ in the condition they show. */
export function decision(cause: Cause, steps: readonly Action[]): Decision {
  return {
    condition: cause.drift ? 'Drifted' : 'Progressing',
    message: `${cause.reason}: ${cause.field}`,
    steps,
  };
}

/** Decides with the networks that the object attaches to; waits where one cannot be attached to. */
export function withAttachments(subject: Subject, build: (attachments: Attachments) => Decision): Decision {
  const attachments = resolveAttachments(subject.context, subject.object, subject.outlooks);
  if (attachments.blocked !== undefined) return { condition: 'Waiting', message: attachments.blocked };
  const { waitsFor } = attachments;
  return { ...build(attachments), waitsFor };
}

/** Why this very spec, with these secrets, is not tried again; undefined when it may be. */
export function failedUpdate(subject: Subject): string | undefined {
  const { context, object } = subject;
  const failure = context.input.memory.failedUpdates.get(object.key);
  if (failure?.specHash !== object.specHash) return undefined;
  const now = secretsId(context, object);
  const isOther = failure.secrets !== undefined && now !== undefined && failure.secrets !== now;
  return isOther ? undefined : failure.message;
}
