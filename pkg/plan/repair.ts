import type { Cause } from '../api/index.ts';
import type { ContainerObject } from '../manifest/index.ts';
import type { ObservedContainer } from '../state/index.ts';
import type { Action } from './action.ts';
import { diffSettings } from './container-settings.ts';
import { causeFor } from './context.ts';
import { diffEndpoints, presentEndpoints } from './endpoints.ts';
import { mayEnd } from './readiness.ts';
import { decision, withAttachments, type Decision, type Subject } from './subject.ts';

/** The right container is there: bring its running state, endpoints and settings to what the manifest says. */
export function repair(subject: Subject, current: ObservedContainer): Decision {
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

/** Whether it has done what it was made for. */
export function hasEndedWell(object: ContainerObject, { state, details }: ObservedContainer): boolean {
  return state === 'exited' && details?.started === true && details.exitCode === 0 && mayEnd(object);
}

function endedWell(object: ContainerObject, current: ObservedContainer): Decision | undefined {
  if (current.state !== 'exited' || !current.details?.started || !mayEnd(object)) return undefined;
  const { exitCode } = current.details;
  if (hasEndedWell(object, current)) return { condition: 'Completed', message: 'ended with exit code 0' };
  if (object.spec.restartPolicy.name === 'on-failure') return undefined;
  return {
    condition: 'Failed',
    message: `ended with exit code ${exitCode} and restartPolicy is no: see \`docker logs ${object.name}\``,
  };
}

/** Steps that make a container run which does not. */
export function runSteps(subject: Subject, current: ObservedContainer): Action[] {
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
