import { objectKey, type Cause } from '../api/index.ts';
import type { ObservedContainer } from '../state/index.ts';
import type { Action } from './action.ts';
import { diffEndpoints, type Attachments } from './endpoints.ts';
import { comingName, parkedName } from './names.ts';
import { isUp, mayEnd } from './readiness.ts';
import { hasNames, renameSteps } from './rename.ts';
import { createSteps, pullStep, type Making } from './replace.ts';
import type { ObjectPlan } from './result.ts';
import type { Subject } from './subject.ts';

/**
 * Makes the new container beside the old one: on the same networks, but with no name that anybody asks for and with an address of its own, so
 * that nothing comes to it before it is ready. The old one is not touched; a failure removes the new one.
 */
export function besideSteps(making: Making): Pick<ObjectPlan, 'steps' | 'fallback'> {
  const { object, cause } = making;
  const name = comingName(object.name);
  const endpoints = making.attachments.wanted.map(({ network }) => ({ network, aliases: [] }));
  const steps: Action[] = [
    pullStep(making),
    ...createSteps(making, { name, endpoints }),
    { type: 'VerifyRunning', container: { name }, mayEnd: mayEnd(object), cause },
  ];
  const remove: Action = { type: 'RemoveContainer', container: { name }, cause };
  return { steps, fallback: { from: 1, until: steps.length, steps: [remove] } };
}

/** What a container under another name lacks to answer to all of the object's names, its own included; nothing when it does. */
export function namingSteps(
  subject: Subject,
  container: ObservedContainer,
  how: { attachments: Attachments; cause: Cause },
): Action[] {
  const { context, object } = subject;
  // Under a key of its own: the addresses remembered for the object are those of the one that has its name.
  const under = { ...object, name: container.name, key: objectKey('Container', container.name) };
  const wanted = how.attachments.wanted.map(({ attachment, network }) => ({
    network,
    attachment: hasNames(attachment)
      ? { ...attachment, aliases: [...attachment.aliases, object.name] }
      : attachment,
  }));
  const { attach } = diffEndpoints(context, under, container, { ...how.attachments, wanted });
  return attach.map((step) => ({ ...step, cause: how.cause }));
}

/**
 * The networks that the old one lacks, where the engine takes the new one's endpoint off for its rename: an update that was cut off may have
 * left the old one without, and then nobody would answer meanwhile.
 */
export function coverSteps(
  subject: Subject,
  pair: { old: ObservedContainer; coming: ObservedContainer },
  how: { attachments: Attachments; cause: Cause },
): Action[] {
  const { context, object } = subject;
  const { old, coming } = pair;
  const { cause } = how;
  const isLive = renameSteps(context, { container: coming, to: object.name, object, cause }).length === 1;
  if (isLive || !isUp(old)) return [];
  const lacking = how.attachments.wanted.filter(
    ({ attachment }) => !old.endpoints.some(({ networkName }) => networkName === attachment.name),
  );
  const { attach } = diffEndpoints(context, object, old, { ...how.attachments, wanted: lacking });
  return attach.map((step) => ({ ...step, cause }));
}

/**
 * The names change places. Both containers answer to the object's names, so that where the engine takes an endpoint off for the rename the
 * other one serves meanwhile.
 */
export function swapSteps(
  subject: Subject,
  pair: { old: ObservedContainer; coming: ObservedContainer },
  cause: Cause,
): Action[] {
  const { context, object } = subject;
  const { old, coming } = pair;
  return [
    ...renameSteps(context, {
      ...{ container: old, to: parkedName(object.name), object, cause },
      extraNames: [object.name],
    }),
    ...renameSteps(context, { container: coming, to: object.name, object, cause }),
  ];
}

/** The way back, while the old one still runs: its names first, then the names change places again and the new one goes. */
export function returnSteps(
  subject: Subject,
  pair: { current: ObservedContainer; parked: ObservedContainer },
  how: { attachments: Attachments; cause: Cause },
): Action[] {
  const { context, object } = subject;
  const { current, parked } = pair;
  const { cause } = how;
  return [
    ...namingSteps(subject, parked, how),
    ...renameSteps(context, { container: current, to: comingName(object.name), object, cause }),
    ...renameSteps(context, { container: parked, to: object.name, object, cause }),
    { type: 'RemoveContainer', container: { name: comingName(object.name), id: current.id }, cause },
  ];
}
