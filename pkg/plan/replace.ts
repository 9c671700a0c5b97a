import { ownerLabels, PLAIN_HASH_LABEL, type Cause } from '../api/index.ts';
import type { ContainerObject } from '../manifest/index.ts';
import type { ObservedContainer } from '../state/index.ts';
import type { Action, ContainerRef, EndpointRequest } from './action.ts';
import type { PlanContext } from './context.ts';
import { madeEndpoint, type Attachments } from './endpoints.ts';
import { parkedName } from './names.ts';
import { isUp, mayEnd } from './readiness.ts';
import type { ObjectPlan } from './result.ts';

/** What every way of making a container needs. */
export interface Making {
  readonly context: PlanContext;
  readonly object: ContainerObject;
  readonly attachments: Attachments;
  readonly cause: Cause;
  /** The one whose addresses are kept. */
  readonly predecessor?: ObservedContainer;
}

/** Pull, create, connect, start: everything but the place it takes. */
export function makeSteps(making: Making): Action[] {
  return [pullStep(making), ...createSteps(making, takePlace(making))];
}

/** Where a new container goes. */
export interface Place {
  readonly name: string;
  readonly endpoints: readonly EndpointRequest[];
}

/** The object's own name, its aliases, and the addresses that its predecessor had. */
function takePlace({ context, object, attachments, predecessor }: Making): Place {
  const endpoints = attachments.wanted.map((wanted) => madeEndpoint(context, object, wanted, predecessor));
  return { name: object.name, endpoints };
}

export function pullStep({ object, cause }: Making): Action {
  return { type: 'EnsureImage', image: object.spec.image, policy: object.spec.imagePullPolicy, cause };
}

export function createSteps({ context, object, cause }: Making, place: Place): Action[] {
  const owner = {
    cluster: context.input.settings.cluster,
    kind: 'Container',
    name: object.name,
    specHash: object.specHash,
  };
  const { name } = place;
  const container: ContainerRef = { name };
  const [first, ...others] = place.endpoints;
  const labels = {
    ...object.spec.labels,
    ...ownerLabels(owner, object.prune),
    ...(object.plainHash === undefined ? {} : { [PLAIN_HASH_LABEL]: object.plainHash }),
  };
  return [
    {
      type: 'CreateContainer',
      container: { name, spec: object.spec, labels, ...(first ? { endpoint: first } : {}) },
      cause,
    },
    ...others.map((endpoint): Action => ({ type: 'ConnectEndpoint', container, endpoint, cause })),
    { type: 'StartContainer', container, cause },
  ];
}

/**
 * Replaces `old`, which bears the object's name: pull, stop it, park it under another name, make the new one, see it run. Any failure on the
 * way puts the old one back as it was. What is parked goes once the new one is ready, which a later plan sees.
 */
export function replaceSteps(making: Making, old: ObservedContainer): Pick<ObjectPlan, 'steps' | 'fallback'> {
  const { object, cause } = making;
  const oldRef = { name: old.name, id: old.id };
  const grace = object.spec.stopGracePeriodMs;
  const before: Action[] = [
    pullStep(making),
    ...(old.state === 'paused' ? [{ type: 'UnpauseContainer', container: oldRef, cause } as const] : []),
  ];
  const stop: Action[] = isUp(old)
    ? [
        {
          type: 'StopContainer',
          container: oldRef,
          cause,
          ...(grace === undefined ? {} : { graceMs: grace }),
        },
      ]
    : [];
  const park: Action = { type: 'RenameContainer', container: oldRef, to: parkedName(object.name), cause };
  return proveSteps(making, { before, change: [...stop, park], old, restart: isUp(old) });
}

/** As `replaceSteps`, for a container that is not ours: nothing tells later whose the parked one is, so it goes at once. */
export function adoptSteps(making: Making, old: ObservedContainer): Pick<ObjectPlan, 'steps' | 'fallback'> {
  const { steps, ...rest } = replaceSteps(making, old);
  const parked = { name: parkedName(making.object.name), id: old.id };
  return { ...rest, steps: [...steps, { type: 'RemoveContainer', container: parked, cause: making.cause }] };
}

/** Goes on with a replacement that was cut off: `parked` is the old container, nothing bears the object's name. */
export function resumeSteps(
  making: Making,
  parked: ObservedContainer,
): Pick<ObjectPlan, 'steps' | 'fallback'> {
  return proveSteps(making, { before: [pullStep(making)], change: [], old: parked, restart: true });
}

/** Starts a new container that is there already, with the parked old one to fall back on. */
export function finishSteps(
  making: Making,
  current: ObservedContainer,
  parked: ObservedContainer,
): Pick<ObjectPlan, 'steps' | 'fallback'> {
  const { cause } = making;
  const ref = { name: current.name, id: current.id };
  const steps: Action[] = [
    { type: 'StartContainer', container: ref, cause },
    { type: 'VerifyRunning', container: ref, mayEnd: mayEnd(making.object), cause },
  ];
  const back = putBackSteps(making, parked, { made: ref, restart: true });
  return { steps, fallback: { from: 0, until: steps.length, steps: back } };
}

interface Proof {
  readonly before: readonly Action[];
  readonly change: readonly Action[];
  readonly old: ObservedContainer;
  /** Whether the old one ran, and so must run again after a failure. */
  readonly restart: boolean;
}

function proveSteps(making: Making, proof: Proof): Pick<ObjectPlan, 'steps' | 'fallback'> {
  const { object, cause } = making;
  const made: ContainerRef = { name: object.name };
  const steps: Action[] = [
    ...proof.before,
    ...proof.change,
    ...createSteps(making, takePlace(making)),
    { type: 'VerifyRunning', container: made, mayEnd: mayEnd(object), cause },
  ];
  const back = putBackSteps(making, proof.old, { made, restart: proof.restart });
  return { steps, fallback: { from: proof.before.length, until: steps.length, steps: back } };
}

/** Removes what was made, and gives the old one its name back. */
export function putBackSteps(
  { object, cause }: Pick<Making, 'object' | 'cause'>,
  old: ObservedContainer,
  how: { made: ContainerRef; restart: boolean },
): Action[] {
  const back = { name: object.name, id: old.id };
  return [
    { type: 'RemoveContainer', container: how.made, cause },
    { type: 'RenameContainer', container: back, to: object.name, cause },
    ...(how.restart ? [{ type: 'StartContainer', container: back, cause } as const] : []),
  ];
}
