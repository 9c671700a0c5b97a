import type { Cause } from '../api/index.ts';
import type { ContainerObject } from '../manifest/index.ts';
import type { ObservedContainer } from '../state/index.ts';
import type { Action } from './action.ts';
import { absenceReason, causeFor, ownedContainer, type PlanContext } from './context.ts';
import type { NetworkOutlook } from './networks.ts';
import { renameSteps } from './rename.ts';
import { hasEndedWell, repair } from './repair.ts';
import { makeSteps } from './replace.ts';
import type { ObjectPlan, Verdict } from './result.ts';
import { isAsSpecified, madeAs, secretsId } from './secrets.ts';
import { decision, findSubject, withAttachments, type Decision, type Subject } from './subject.ts';
import { decideChanged, decideLeftover, decideUnnamed, finish, remove, replace } from './update.ts';

/** What is to be done for one container, and what to say about it. */
export interface ContainerOutcome {
  readonly plan?: ObjectPlan;
  readonly verdict: Verdict;
  readonly againMs?: number;
  readonly phase?: Decision['phase'];
}

/** Plans one container that belongs on this node. The rows of `decide` are tried in order; the first that fits rules. */
export function planContainer(
  context: PlanContext,
  object: ContainerObject,
  outlooks: ReadonlyMap<string, NetworkOutlook>,
): ContainerOutcome {
  const decided = withMode(context, object, decide(findSubject(context, object, outlooks)));
  const { steps = [], condition: type, message, againMs, phase, stuck = [] } = decided;
  const outcome = {
    verdict: { condition: { key: object.key, type, message }, causes: [...distinctCauses(steps), ...stuck] },
    ...(againMs === undefined ? {} : { againMs }),
    ...(phase ? { phase } : {}),
  };
  const isObserved = type === 'Drifted' && !enforces(context, object);
  return steps.length === 0 || isObserved ? outcome : { ...outcome, plan: planOf(context, object, decided) };
}

function planOf(context: PlanContext, object: ContainerObject, decided: Decision): ObjectPlan {
  const { steps = [], fallback, givesUp, waitsFor = [] } = decided;
  const secrets = secretsId(context, object);
  return {
    ...(secrets === undefined ? {} : { secrets }),
    ...{ key: object.key, rank: 1, steps, waitsFor },
    ...(fallback ? { fallback } : {}),
    ...(givesUp ? { givesUp } : {}),
  };
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

function decide(subject: Subject): Decision {
  const { context, object, current } = subject;
  if (subject.aside) return decideLeftover(subject.aside);
  if (current && ownedContainer(context, current)?.name !== object.name)
    return decideForeign(subject, current);
  if (!current) return decideAbsent(subject);
  if (current.state === 'removing') return { condition: 'Progressing', message: 'the engine is removing it' };
  if (current.state === 'dead') return remove(subject, current, 'NotRunning');
  return decideMade(subject, current);
}

/** Goes by what the container was made of. */
function decideMade(subject: Subject, current: ObservedContainer): Decision {
  const { object, parked } = subject;
  const made = madeAs(subject, current);
  if (made.as === 'undecided') return decideUndecided(made.problem);
  // A job that is done holds no secret any more, and a new one is no order to do it again.
  const isDone = made.as === 'other-secrets' && hasEndedWell(object, current);
  if (!isAsSpecified(subject, current) && !isDone) return decideChanged(subject, current);
  // The manifest has gone back to what runs: what was to come is not wanted any more.
  if (subject.coming) return decideLeftover(subject.coming);
  const decided = parked ? finish(subject, current, parked) : repair(subject, current);
  return made.as === 'declared' ? withDoubt(decided, made.doubt) : decided;
}

/** Whether encrypted values have changed is being looked at, or cannot be known now: until it is, the container stays as it is. */
function decideUndecided(problem: string | undefined): Decision {
  return problem === undefined
    ? { condition: 'Progressing', message: 'its values were encrypted anew; looking whether they are others' }
    : { condition: 'Waiting', message: `its values were encrypted anew, and may be others: ${problem}` };
}

function withDoubt(decided: Decision, doubt: string | undefined): Decision {
  if (doubt === undefined || (decided.condition !== 'Ready' && decided.condition !== 'Completed'))
    return decided;
  return { ...decided, message: `${decided.message}; ${doubt}` };
}

function decideAbsent(subject: Subject): Decision {
  if (subject.renamed) return renameBack(subject, subject.renamed);
  return decideUnnamed(subject) ?? make(subject);
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
  return decision(cause, renameSteps(context, { container: renamed, to: object.name, object, cause }));
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
