import { readOwnership, type Cause, type ConditionType } from '../api/index.ts';
import type { ContainerObject } from '../manifest/index.ts';
import type { ObservedContainer } from '../state/index.ts';
import type { Action } from './action.ts';
import { diffSettings } from './container-settings.ts';
import { absenceReason, causeFor, ownedContainer, type PlanContext } from './context.ts';
import { diffEndpoints, presentEndpoints, resolveAttachments, type Attachments } from './endpoints.ts';
import { parkedName } from './names.ts';
import type { NetworkOutlook } from './networks.ts';
import { finishSteps, makeSteps, mayEnd, replaceSteps, resumeSteps, type Making } from './replace.ts';
import type { ObjectPlan, Verdict } from './result.ts';

/** What is to be done for one container, and what to say about it. */
export interface ContainerOutcome {
  readonly plan?: ObjectPlan;
  readonly verdict: Verdict;
}

type Decision = Partial<Pick<ObjectPlan, 'steps' | 'fallback' | 'waitsFor'>> & {
  readonly condition: ConditionType;
  readonly message: string;
  /** Differences about which no step does anything. */
  readonly stuck?: readonly Cause[];
};

interface Subject {
  readonly context: PlanContext;
  readonly object: ContainerObject;
  readonly outlooks: ReadonlyMap<string, NetworkOutlook>;
  /** What bears the object's name. */
  readonly current?: ObservedContainer;
  /** The old one of a replacement under way. */
  readonly parked?: ObservedContainer;
  /** Ours under a name somebody else gave it. */
  readonly renamed?: ObservedContainer;
}

/** Plans one container that belongs on this node. The rows of `decide` are tried in order; the first that fits rules. */
export function planContainer(
  context: PlanContext,
  object: ContainerObject,
  outlooks: ReadonlyMap<string, NetworkOutlook>,
): ContainerOutcome {
  const decision = withMode(context, object, decide(findSubject(context, object, outlooks)));
  const steps = decision.steps ?? [];
  const verdict = {
    condition: { key: object.key, type: decision.condition, message: decision.message },
    causes: [...distinctCauses(steps), ...(decision.stuck ?? [])],
  };
  const isObserved = decision.condition === 'Drifted' && !enforces(context, object);
  if (steps.length === 0 || isObserved) return { verdict };
  const { fallback, waitsFor = [] } = decision;
  return { verdict, plan: { key: object.key, rank: 1, steps, waitsFor, ...(fallback ? { fallback } : {}) } };
}

function enforces(context: PlanContext, object: ContainerObject): boolean {
  return object.mode === 'enforce' && context.input.settings.mode === 'enforce';
}

function withMode(context: PlanContext, object: ContainerObject, decision: Decision): Decision {
  if (object.mode === 'ignore') return { condition: 'Ignored', message: 'annotation ovr/mode: ignore' };
  if (enforces(context, object) || !decision.steps?.length) return decision;
  const { steps, stuck = [] } = decision;
  return { condition: 'Drifted', message: 'differs and is only observed', steps, stuck };
}

/** Steps of one object share causes; each is told once. */
function distinctCauses(steps: readonly Action[]): Cause[] {
  return [...new Set(steps.map(({ cause }) => cause))];
}

function findSubject(
  context: PlanContext,
  object: ContainerObject,
  outlooks: ReadonlyMap<string, NetworkOutlook>,
): Subject {
  const current = context.containersByName.get(object.name);
  const parked = context.containersByName.get(parkedName(object.name));
  const renamed = context.renamed.get(object.name);
  return {
    context,
    object,
    outlooks,
    ...(current ? { current } : {}),
    ...(parked && ownedContainer(context, parked)?.name === object.name ? { parked } : {}),
    ...(renamed ? { renamed } : {}),
  };
}

function decide(subject: Subject): Decision {
  const { context, object, current, parked } = subject;
  if (current && ownedContainer(context, current)?.name !== object.name)
    return decideForeign(subject, current);
  if (!current) return decideAbsent(subject);
  if (current.state === 'removing') return { condition: 'Progressing', message: 'the engine is removing it' };
  if (current.state === 'dead') return remove(subject, current, 'NotRunning');
  if (specHashOf(current) !== object.specHash) return decideChanged(subject, current);
  if (parked) return finish(subject, current, parked);
  return repair(subject, current);
}

function decideAbsent(subject: Subject): Decision {
  if (subject.renamed) return renameBack(subject, subject.renamed);
  if (subject.parked) return resume(subject, subject.parked);
  return make(subject);
}

function specHashOf(container: ObservedContainer): string | undefined {
  return readOwnership(container.labels)?.specHash;
}

function decideForeign(subject: Subject, foreign: ObservedContainer): Decision {
  const { object } = subject;
  const cluster = foreign.labels['ovr.cluster'];
  const isTask = foreign.labels['com.docker.swarm.task.id'] !== undefined;
  const isOtherCluster = cluster !== undefined && cluster !== subject.context.input.settings.cluster;
  if (object.adopt && !isTask && !isOtherCluster) return replace(subject, foreign, 'Adopted');
  const whose = isTask
    ? 'is a Swarm task'
    : isOtherCluster
      ? `belongs to ovr cluster ${cluster}`
      : 'was not made by ovr';
  const mend =
    isTask || isOtherCluster
      ? 'use another name'
      : 'remove or rename it, or annotate ovr/adopt: "true" to replace it';
  return {
    condition: 'Conflict',
    message: `container ${object.name} (${foreign.id.slice(0, 12)}) ${whose}: ${mend}`,
  };
}

function renameBack(subject: Subject, renamed: ObservedContainer): Decision {
  const { context, object } = subject;
  const cause = causeFor(context, object, 'Renamed', {
    field: 'name',
    observed: renamed.name,
    desired: object.name,
  });
  return decision(cause, [
    { type: 'RenameContainer', container: { name: renamed.name, id: renamed.id }, to: object.name, cause },
  ]);
}

/** Steps to take; drift and plain changes differ in the condition they show. */
function decision(cause: Cause, steps: readonly Action[]): Decision {
  return {
    condition: cause.drift ? 'Drifted' : 'Progressing',
    message: `${cause.reason}: ${cause.field}`,
    steps,
  };
}

function withAttachments(subject: Subject, build: (attachments: Attachments) => Decision): Decision {
  const attachments = resolveAttachments(subject.context, subject.object, subject.outlooks);
  if (attachments.blocked !== undefined) return { condition: 'Waiting', message: attachments.blocked };
  const { waitsFor } = attachments;
  return { ...build(attachments), waitsFor };
}

function make(subject: Subject): Decision {
  const { context, object } = subject;
  const cause: Cause = {
    ...absenceReason(context, object),
    field: 'container',
    observed: 'absent',
    desired: 'running',
  };
  return withAttachments(subject, (attachments) =>
    decision(cause, makeSteps({ context, object, attachments, cause })),
  );
}

function resume(subject: Subject, parked: ObservedContainer): Decision {
  const { context, object } = subject;
  const failure = failedUpdate(subject);
  const difference = { field: 'container', observed: `only ${parked.name}`, desired: object.name };
  const cause: Cause = { reason: 'Unfinished', drift: false, ...difference };
  const ref = { name: parked.name, id: parked.id };
  if (failure !== undefined) {
    return decision(cause, [
      { type: 'RenameContainer', container: ref, to: object.name, cause },
      { type: 'StartContainer', container: { name: object.name, id: parked.id }, cause },
    ]);
  }
  return withAttachments(subject, (attachments) => {
    const steps = resumeSteps({ context, object, attachments, cause, predecessor: parked }, parked);
    return { condition: 'Progressing', message: 'goes on with a replacement that was cut off', ...steps };
  });
}

function failedUpdate(subject: Subject): string | undefined {
  const failure = subject.context.input.memory.failedUpdates.get(subject.object.key);
  return failure?.specHash === subject.object.specHash ? failure.message : undefined;
}

function remove(subject: Subject, current: ObservedContainer, reason: 'NotRunning' | 'Unfinished'): Decision {
  const { context, object } = subject;
  const cause = causeFor(context, object, reason, {
    field: 'state',
    observed: current.state,
    desired: 'running',
  });
  return decision(cause, [
    { type: 'RemoveContainer', container: { name: current.name, id: current.id }, cause },
  ]);
}

/** Another spec than the manifest's: replaced, unless that was tried and failed. */
function decideChanged(subject: Subject, current: ObservedContainer): Decision {
  const failure = failedUpdate(subject);
  if (failure !== undefined) return keepOld(subject, current, failure);
  // With an older one parked, this one was never proven: the parked one is what to fall back on.
  if (subject.parked) return remove(subject, current, 'Unfinished');
  return replace(subject, current, 'SpecDiffers');
}

function keepOld(subject: Subject, current: ObservedContainer, failure: string): Decision {
  const steps = runSteps(subject, current);
  return {
    condition: 'UpdateFailed',
    message: `${failure}; the old container stays until the manifest changes`,
    steps,
  };
}

function replace(subject: Subject, old: ObservedContainer, reason: 'SpecDiffers' | 'Adopted'): Decision {
  const { context, object } = subject;
  const difference = {
    field: 'spec',
    observed: specHashOf(old) ?? 'not made by ovr',
    desired: object.specHash,
  };
  const cause: Cause = {
    reason: reason === 'Adopted' ? 'Adopted' : 'ManifestChanged',
    drift: false,
    ...difference,
  };
  return withAttachments(subject, (attachments) => {
    const making: Making = { context, object, attachments, cause, predecessor: old };
    return { condition: 'Progressing', message: `${cause.reason}: spec`, ...replaceSteps(making, old) };
  });
}

function finish(subject: Subject, current: ObservedContainer, parked: ObservedContainer): Decision {
  const { context, object } = subject;
  const cause: Cause = {
    reason: 'Unfinished',
    drift: false,
    field: 'container',
    observed: parked.name,
    desired: 'absent',
  };
  const message = 'ends a replacement that was cut off';
  if (current.state === 'running') {
    return {
      condition: 'Progressing',
      message,
      steps: [{ type: 'RemoveContainer', container: { name: parked.name, id: parked.id }, cause }],
    };
  }
  return withAttachments(subject, (attachments) => ({
    condition: 'Progressing',
    message,
    ...finishSteps({ context, object, attachments, cause }, current, parked),
  }));
}

/** The right container is there: bring its running state, endpoints and settings to what the manifest says. */
function repair(subject: Subject, current: ObservedContainer): Decision {
  const { context, object } = subject;
  if (!current.details) return { condition: 'Waiting', message: 'the engine has not told yet how it stands' };
  const ending = endedWell(object, current);
  if (ending) return ending;
  return withAttachments(subject, (attachments) => {
    const endpoints = diffEndpoints(context, object, current, attachments);
    const run = runSteps(subject, current);
    const steps = [...diffSettings(context, object, current), ...order(current, endpoints, run)];
    const [first] = steps;
    const { stuck } = endpoints;
    if (first)
      return { ...decision(steps.find(({ cause }) => cause.drift)?.cause ?? first.cause, steps), stuck };
    if (current.state === 'restarting')
      return { condition: 'Progressing', message: 'the engine is restarting it' };
    const waiting = stuck.find(({ reason }) => reason === 'AddressDiffers');
    if (waiting) return { condition: 'Waiting', message: waiting.note ?? waiting.field, stuck };
    return { condition: 'Ready', message: current.state, stuck };
  });
}

/** New names come before old ones go; a container that does not run takes its endpoints along when it starts. */
function order(
  current: ObservedContainer,
  endpoints: { attach: readonly Action[]; detach: readonly Action[] },
  run: readonly Action[],
): Action[] {
  if (current.state === 'running') return [...endpoints.attach, ...endpoints.detach];
  if (current.state === 'paused') return [...run, ...endpoints.attach, ...endpoints.detach];
  return [...endpoints.attach, ...endpoints.detach, ...run];
}

function endedWell(object: ContainerObject, current: ObservedContainer): Decision | undefined {
  if (current.state !== 'exited' || !current.details?.started || !mayEnd(object)) return undefined;
  const { exitCode } = current.details;
  if (exitCode === 0) return { condition: 'Completed', message: 'ended with exit code 0' };
  if (object.spec.restartPolicy.name === 'on-failure') return undefined;
  return {
    condition: 'Failed',
    message: `ended with exit code ${exitCode} and restartPolicy is no: see \`docker logs ${object.name}\``,
  };
}

function runSteps(subject: Subject, current: ObservedContainer): Action[] {
  const { context, object } = subject;
  const container = { name: current.name, id: current.id };
  const difference = { field: 'state', observed: current.state, desired: 'running' };
  const endpoints = presentEndpoints(object, current);
  const start = (cause: Cause): Action => ({
    type: 'StartContainer',
    container,
    cause,
    ...(endpoints.length ? { endpoints } : {}),
    ...(current.details?.startFailure ? { startFailure: current.details.startFailure } : {}),
  });
  switch (current.state) {
    case 'created': {
      const reason = current.details?.started === false ? 'Unfinished' : 'NotRunning';
      return [start(causeFor(context, object, reason, difference))];
    }
    case 'exited':
      return [start(causeFor(context, object, 'NotRunning', difference))];
    case 'paused':
      return [
        { type: 'UnpauseContainer', container, cause: causeFor(context, object, 'Paused', difference) },
      ];
    default:
      return [];
  }
}
