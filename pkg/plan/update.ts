import type { Cause } from '../api/index.ts';
import type { ObservedContainer } from '../state/index.ts';
import type { Action } from './action.ts';
import { causeFor } from './context.ts';
import type { Phase } from './input.ts';
import { isUp, readinessOf, type Readiness } from './readiness.ts';
import { namedEndpoints, renameSteps, unnameSteps } from './rename.ts';
import { repair, runSteps } from './repair.ts';
import { adoptSteps, finishSteps, putBackSteps, replaceSteps, resumeSteps, type Making } from './replace.ts';
import { stopAndRemove } from './stop.ts';
import { besideSteps, coverSteps, namingSteps, returnSteps, swapSteps } from './start-first.ts';
import { isAsSpecified, madeAs, secretCause, secretsId, specHashOf } from './secrets.ts';
import { failedUpdate, withAttachments, type Decision, type Subject } from './subject.ts';

/** As long two containers have the same names before one loses them, so that every host has heard of the other. */
const OVERLAP_MS = 1_000;
const PROGRESSING = 'Progressing';

/**
 * Nothing bears the object's name: what an update that was cut off has left takes it, the new one where it still may, else the old one.
 * Undefined where there is nothing.
 */
export function decideUnnamed(subject: Subject): Decision | undefined {
  const { parked, coming } = subject;
  if (coming && isUp(coming) && (!parked || !isUp(parked) || mayTakeOver(subject, coming)))
    return takeName(subject, coming, parked);
  if (parked && isUp(parked)) return takeName(subject, parked, coming);
  if (coming) return decideLeftover(coming);
  return parked && resume(subject, parked);
}

function mayTakeOver(subject: Subject, coming: ObservedContainer): boolean {
  if (!isAsSpecified(subject, coming) || failedUpdate(subject) !== undefined) return false;
  return readiness(subject, coming).state !== 'failed';
}

/** Where the engine takes an endpoint off for the rename, the other container must answer meanwhile. */
function takeName(subject: Subject, container: ObservedContainer, other?: ObservedContainer): Decision {
  const { context, object } = subject;
  const cause = unfinished(`only ${container.name}`, object.name);
  const rename = renameSteps(context, { container, to: object.name, object, cause });
  const message = 'goes on with an update that was cut off';
  if (rename.length === 1 || !other || !isUp(other))
    return { condition: PROGRESSING, message, steps: rename };
  return withAttachments(subject, (attachments) => ({
    condition: PROGRESSING,
    message,
    steps: [...namingSteps(subject, other, { attachments, cause }), ...rename],
  }));
}

function unfinished(observed: string, desired: string): Cause {
  return { reason: 'Unfinished', drift: false, field: 'container', observed, desired };
}

/** A container of an update that nothing wants any more: it may have had names, but never was the only one that had. */
export function decideLeftover(container: ObservedContainer): Decision {
  const cause = unfinished(container.name, 'absent');
  return {
    condition: PROGRESSING,
    message: `removes ${container.name}, which an update has left`,
    steps: leaveSteps(container, cause),
  };
}

function leaveSteps(container: ObservedContainer, cause: Cause): Action[] {
  const unname = container.state === 'running' ? unnameSteps(container, cause) : [];
  return [...unname, ...stopAndRemove(container, cause)];
}

function resume(subject: Subject, parked: ObservedContainer): Decision {
  const { context, object } = subject;
  const cause = unfinished(`only ${parked.name}`, object.name);
  const ref = { name: parked.name, id: parked.id };
  if (failedUpdate(subject) !== undefined) {
    const steps: Action[] = [
      { type: 'RenameContainer', container: ref, to: object.name, cause },
      { type: 'StartContainer', container: { name: object.name, id: parked.id }, cause },
    ];
    return { condition: PROGRESSING, message: 'puts the old container back', steps };
  }
  return withAttachments(subject, (attachments) => {
    const steps = resumeSteps({ context, object, attachments, cause, predecessor: parked }, parked);
    return { condition: PROGRESSING, message: 'goes on with a replacement that was cut off', ...steps };
  });
}

export function remove(
  subject: Subject,
  current: ObservedContainer,
  reason: 'NotRunning' | 'Unfinished',
): Decision {
  const { context, object } = subject;
  const difference = { field: 'state', observed: current.state, desired: 'running' };
  const cause = causeFor(context, object, reason, difference);
  return {
    condition: cause.drift ? 'Drifted' : PROGRESSING,
    message: `${cause.reason}: ${cause.field}`,
    steps: [{ type: 'RemoveContainer', container: { name: current.name, id: current.id }, cause }],
  };
}

/** Another spec than the manifest's, or another secret than is there now: replaced, unless that was tried and failed. */
export function decideChanged(subject: Subject, current: ObservedContainer): Decision {
  const { object, parked, coming } = subject;
  if (parked && isUp(parked)) return leave(subject, current, parked);
  const failure = failedUpdate(subject);
  if (failure !== undefined) return keepOld(subject, current, failure);
  if (parked && readiness(subject, current).state === 'ready') return leave(subject, current, parked);
  // With an older one parked, this one was never proven: the parked one is what to fall back on.
  if (parked) return remove(subject, current, 'Unfinished');
  if (object.spec.updateStrategy.type === 'StartFirst') return startFirst(subject, current);
  return coming ? decideLeftover(coming) : replace(subject, current, 'ManifestChanged');
}

function keepOld(subject: Subject, current: ObservedContainer, failure: string): Decision {
  const { context, object, coming } = subject;
  const orSecret = secretsId(context, object) === undefined ? '' : 'or a secret ';
  const drop = coming ? leaveSteps(coming, unfinished(coming.name, 'absent')) : [];
  return {
    condition: 'UpdateFailed',
    message: `${failure}; the old container stays until the manifest ${orSecret}changes`,
    steps: [...drop, ...runSteps(subject, current)],
  };
}

function changeCause(subject: Subject, old: ObservedContainer, reason: 'ManifestChanged' | 'Adopted'): Cause {
  const made = madeAs(subject, old);
  if (reason === 'ManifestChanged' && made.as === 'other-secrets')
    return secretCause(subject.object, made.names);
  const observed = specHashOf(old) ?? 'not made by ovr';
  return { reason, drift: false, field: 'spec', observed, desired: subject.object.specHash };
}

export function replace(
  subject: Subject,
  old: ObservedContainer,
  reason: 'ManifestChanged' | 'Adopted',
): Decision {
  const { context, object } = subject;
  const cause = changeCause(subject, old, reason);
  return withAttachments(subject, (attachments) => {
    const making: Making = { context, object, attachments, cause, predecessor: old };
    const steps = reason === 'Adopted' ? adoptSteps(making, old) : replaceSteps(making, old);
    return { condition: PROGRESSING, message: `${cause.reason}: ${cause.field}`, ...steps };
  });
}

/** Brings the new container up beside the old one, waits for it, and lets the two change places. */
function startFirst(subject: Subject, current: ObservedContainer): Decision {
  const { context, object, coming } = subject;
  if (!coming) {
    const cause = changeCause(subject, current, 'ManifestChanged');
    return withAttachments(subject, (attachments) => ({
      condition: PROGRESSING,
      message: 'makes the new container beside the old one',
      ...besideSteps({ context, object, attachments, cause }),
    }));
  }
  const wasStarted = coming.details?.started ?? coming.state !== 'created';
  if (!isAsSpecified(subject, coming) || !wasStarted) return decideLeftover(coming);
  const found = readiness(subject, coming);
  switch (found.state) {
    case 'failed':
      return giveUp(subject, found, (cause) => leaveSteps(coming, cause));
    case 'waiting':
      return {
        condition: PROGRESSING,
        message: `the old container serves until ${coming.name} is ready: ${found.message}`,
        steps: [current, coming].flatMap((each) => runSteps(subject, each)),
        againMs: found.againMs,
        phase: { id: coming.id, phase: 'proving' },
      };
    case 'ready':
      return takeOver(subject, { old: current, coming }, found.found);
  }
}

function readiness(subject: Subject, container: ObservedContainer): Readiness {
  return readinessOf(subject.object, container, ranFor(subject, container));
}

/** By the engine's word, or, where the clock was set back since it was started, since it was first seen. */
function ranFor(subject: Subject, { id, details }: ObservedContainer): number {
  const sinceStartMs = subject.context.input.nowMs - (details?.startedAtMs ?? 0);
  return sinceStartMs >= 0 ? sinceStartMs : inPhase(subject, { id, phase: 'proving' });
}

function giveUp(
  { context, object }: Subject,
  { found, message }: Extract<Readiness, { state: 'failed' }>,
  undo: (cause: Cause) => readonly Action[],
): Decision {
  const cause: Cause = {
    ...{ reason: 'NotReady', drift: false },
    ...{ field: 'readiness', observed: found, desired: 'ready' },
  };
  const failure = `the update failed: ${message}`;
  const secrets = secretsId(context, object);
  return {
    condition: 'UpdateFailed',
    message: `${failure}; goes back to the old container`,
    givesUp: { specHash: object.specHash, message: failure, ...(secrets === undefined ? {} : { secrets }) },
    steps: undo(cause),
  };
}

function takeOver(
  subject: Subject,
  pair: { old: ObservedContainer; coming: ObservedContainer },
  found: string,
): Decision {
  const cause: Cause = {
    ...{ reason: changeCause(subject, pair.old, 'ManifestChanged').reason, drift: false },
    ...{ field: 'readiness', observed: found, desired: 'takes over' },
  };
  return withAttachments(subject, (attachments) => {
    const how = { attachments, cause };
    const naming = [...coverSteps(subject, pair, how), ...namingSteps(subject, pair.coming, how)];
    const message = `${pair.coming.name} is ready and gets the names`;
    if (naming.length > 0) return { condition: PROGRESSING, message, steps: naming };
    const phase = { id: pair.coming.id, phase: 'named' } as const;
    const waitMs = OVERLAP_MS - inPhase(subject, phase);
    if (waitMs > 0) return { condition: PROGRESSING, message, againMs: waitMs, phase };
    return { condition: PROGRESSING, message: 'names change places', steps: swapSteps(subject, pair, cause) };
  });
}

function inPhase({ context }: Subject, { id, phase }: { id: string; phase: Phase }): number {
  const known = context.input.memory.phases.get(id);
  return known?.phase === phase ? Math.max(0, context.input.nowMs - known.sinceMs) : 0;
}

/** The new one has the name and the old one is parked: waits for the proof, goes back without it, and lets the old one go with it. */
export function finish(subject: Subject, current: ObservedContainer, parked: ObservedContainer): Decision {
  const { context, object } = subject;
  if (parked.state === 'removing' || parked.state === 'dead') return leave(subject, current, parked);
  const failure = failedUpdate(subject);
  if (failure !== undefined)
    return goBack(subject, { current, parked }, { state: 'failed', found: 'failed', message: failure });
  if (current.details?.started === false) {
    const cause = unfinished(parked.name, 'absent');
    return withAttachments(subject, (attachments) => ({
      condition: PROGRESSING,
      message: 'goes on with a replacement that was cut off',
      ...finishSteps({ context, object, attachments, cause }, current, parked),
    }));
  }
  const found = readiness(subject, current);
  if (found.state === 'failed') return goBack(subject, { current, parked }, found);
  if (found.state === 'ready') return leave(subject, current, parked);
  return {
    condition: PROGRESSING,
    message: `keeps the old container until the new one is ready: ${found.message}`,
    steps: runSteps(subject, current),
    againMs: found.againMs,
    phase: { id: current.id, phase: 'proving' },
  };
}

function goBack(
  subject: Subject,
  pair: { current: ObservedContainer; parked: ObservedContainer },
  found: Extract<Readiness, { state: 'failed' }>,
): Decision {
  const { object } = subject;
  const { current, parked } = pair;
  if (isUp(parked)) {
    return withAttachments(subject, (attachments) =>
      giveUp(subject, found, (cause) => returnSteps(subject, pair, { attachments, cause })),
    );
  }
  const made = { name: current.name, id: current.id };
  return giveUp(subject, found, (cause) => putBackSteps({ object, cause }, parked, { made, restart: true }));
}

/** The old one goes: first its names, then, once what is open has had its time, the container itself. */
function leave(subject: Subject, current: ObservedContainer, parked: ObservedContainer): Decision {
  const cause: Cause = {
    ...{ reason: 'Replaced', drift: false },
    ...{ field: 'container', observed: parked.name, desired: 'absent' },
  };
  const gone = (steps: readonly Action[]): Decision => ({
    condition: PROGRESSING,
    message: `the old container leaves: ${parked.name}`,
    steps,
  });
  if (!isUp(parked)) return gone(stopAndRemove(parked, cause));
  const mend = isAsSpecified(subject, current)
    ? repair(subject, current)
    : ({ condition: PROGRESSING, message: '', steps: runSteps(subject, current) } as const);
  if (mend.steps?.length) return mend;
  const isNamed = namedEndpoints(parked).length > 0;
  const phase = { id: parked.id, phase: isNamed ? 'named' : 'nameless' } as const;
  const { drainMs } = subject.object.spec.updateStrategy;
  const waitMs = (isNamed ? OVERLAP_MS : drainMs) - inPhase(subject, phase);
  if (waitMs > 0) {
    const what = isNamed ? 'keeps its names for a moment' : `finishes what is open, for ${drainMs / 1_000} s`;
    return { condition: PROGRESSING, message: `the old container ${what}`, againMs: waitMs, phase };
  }
  return gone(isNamed ? unnameSteps(parked, cause) : stopAndRemove(parked, cause));
}
