import { ownerLabels, type Cause } from '../api/index.ts';
import type { ContainerObject } from '../manifest/index.ts';
import type { ObservedContainer } from '../state/index.ts';
import type { Action, ContainerRef } from './action.ts';
import type { PlanContext } from './context.ts';
import { endpointRequest, type Attachments } from './endpoints.ts';
import { parkedName } from './names.ts';
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
  const { object, cause } = making;
  return [
    { type: 'EnsureImage', image: object.spec.image, policy: object.spec.imagePullPolicy, cause },
    ...createSteps(making),
  ];
}

function createSteps(making: Making): Action[] {
  const { context, object, attachments, cause, predecessor } = making;
  const owner = {
    cluster: context.input.settings.cluster,
    kind: 'Container',
    name: object.name,
    specHash: object.specHash,
  };
  const container: ContainerRef = { name: object.name };
  const [first, ...others] = attachments.wanted.map((wanted) =>
    endpointRequest(context, object, wanted, predecessor),
  );
  const labels = { ...object.spec.labels, ...ownerLabels(owner) };
  return [
    {
      type: 'CreateContainer',
      container: { name: object.name, spec: object.spec, labels, ...(first ? { endpoint: first } : {}) },
      cause,
    },
    ...others.map((endpoint): Action => ({ type: 'ConnectEndpoint', container, endpoint, cause })),
    { type: 'StartContainer', container, cause },
  ];
}

/**
 * Replaces `old`, which bears the object's name: pull, stop it, park it under another name, make the new one, see it run,
 * and only then remove the old one. Any failure on the way puts the old one back as it was.
 */
export function replaceSteps(making: Making, old: ObservedContainer): Pick<ObjectPlan, 'steps' | 'fallback'> {
  const { object, cause } = making;
  const oldRef = { name: old.name, id: old.id };
  const grace = object.spec.stopGracePeriodMs;
  const before: Action[] = [
    { type: 'EnsureImage', image: object.spec.image, policy: object.spec.imagePullPolicy, cause },
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

/** Goes on with a replacement that was cut off: `parked` is the old container, nothing bears the object's name. */
export function resumeSteps(
  making: Making,
  parked: ObservedContainer,
): Pick<ObjectPlan, 'steps' | 'fallback'> {
  const { object, cause } = making;
  const before: Action[] = [
    { type: 'EnsureImage', image: object.spec.image, policy: object.spec.imagePullPolicy, cause },
  ];
  const stop: Action[] = isUp(parked)
    ? [{ type: 'StopContainer', container: { name: parked.name, id: parked.id }, cause }]
    : [];
  return proveSteps(making, { before, change: stop, old: parked, restart: true });
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
    { type: 'RemoveContainer', container: { name: parked.name, id: parked.id }, cause },
  ];
  return {
    steps,
    fallback: { from: 0, until: 2, steps: putBack(making, parked, { made: ref, restart: true }) },
  };
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
  const until = [
    ...proof.before,
    ...proof.change,
    ...createSteps(making),
    { type: 'VerifyRunning', container: made, mayEnd: mayEnd(object), cause } as const,
  ];
  const remove: Action = {
    type: 'RemoveContainer',
    container: { name: parkedName(object.name), id: proof.old.id },
    cause,
  };
  return {
    steps: [...until, remove],
    fallback: {
      from: proof.before.length,
      until: until.length,
      steps: putBack(making, proof.old, { made, restart: proof.restart }),
    },
  };
}

function putBack(
  making: Making,
  old: ObservedContainer,
  how: { made: ContainerRef; restart: boolean },
): Action[] {
  const { object, cause } = making;
  const back = { name: object.name, id: old.id };
  return [
    { type: 'RemoveContainer', container: how.made, cause },
    { type: 'RenameContainer', container: back, to: object.name, cause },
    ...(how.restart ? [{ type: 'StartContainer', container: back, cause } as const] : []),
  ];
}

function isUp(container: ObservedContainer): boolean {
  return container.state === 'running' || container.state === 'restarting' || container.state === 'paused';
}

/** Whether a container of this policy may end by itself without that being a fault. */
export function mayEnd(object: ContainerObject): boolean {
  return object.spec.restartPolicy.name === 'no' || object.spec.restartPolicy.name === 'on-failure';
}
