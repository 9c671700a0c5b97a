import type { ContainerSpec } from '../../pkg/manifest/index.ts';
import { comingName, parkedName, type PhaseRecord, type Plan } from '../../pkg/plan/index.ts';
import type { ObservedContainer, ObservedDetails } from '../../pkg/state/index.ts';
import { attach, container, network } from './objects.ts';
import { appliedBefore, containerOf, networkOf, planCase, type PlanCase } from './observed.ts';

export const NOW = 1_000_000;
export const strategy = { type: 'StartFirst', readyTimeoutMs: 60_000, drainMs: 10_000 } as const;
const ovr0 = network('ovr0');
const networks = [attach('ovr0', 'nginx')];

/** The container `web` of image `new`, with an alias. */
export function object(spec: Partial<ContainerSpec> = {}): ReturnType<typeof container> {
  return container('web', { image: 'new', networks, updateStrategy: strategy, ...spec });
}

type Look = Omit<Partial<ObservedContainer>, 'details'> & { details?: Partial<ObservedDetails> };

/** A container of `web`, made for that image and running for five seconds. */
export function seen(image: string, { details, ...given }: Look = {}): ObservedContainer {
  const whole = containerOf(object({ image }), { id: `id-${given.name ?? 'web'}`, ...given });
  const named = whole.name === comingName('web') ? ['nginx', 'web'] : ['nginx'];
  const aliases = new Map([['id-ovr0', named]]);
  return { ...whole, details: { ...whole.details!, aliases, startedAtMs: NOW - 5_000, ...details } };
}

export const old = (look: Look = {}): ObservedContainer => seen('old', look);
export const parked = (look: Look = {}): ObservedContainer =>
  seen('old', { name: parkedName('web'), ...look });
export const coming = (look: Look = {}): ObservedContainer =>
  seen('new', { name: comingName('web'), ...look });
export const current = (look: Look = {}): ObservedContainer => seen('new', look);
export const nameless = { details: { aliases: new Map([['id-ovr0', []]]) } };

/** The plan for these, on a network that lets a running container be renamed unless told otherwise. */
export function planned(
  containers: readonly ObservedContainer[],
  given: Partial<PlanCase> & {
    spec?: Partial<ContainerSpec>;
    phases?: Record<string, PhaseRecord>;
    failed?: boolean;
    scope?: 'global' | 'swarm';
  } = {},
): Plan {
  const { spec, phases = {}, failed = false, scope = 'global', ...rest } = given;
  const web = object(spec);
  const failures = new Map(failed ? [[web.key, { specHash: web.specHash, message: 'it failed' }]] : []);
  return planCase({
    objects: [ovr0, web],
    observed: { networks: [networkOf(ovr0, { scope })], containers: [...containers] },
    nowMs: NOW,
    memory: { ...appliedBefore([]), failedUpdates: failures, phases: new Map(Object.entries(phases)) },
    ...rest,
  });
}

/** `Rename web to web.ovr-old`: what is done, and to which container. */
export function story(plan: Plan): string[] {
  return plan.objects.flatMap(({ steps }) =>
    steps.map((step) => {
      if (!('container' in step)) return step.type;
      const to = 'to' in step ? ` to ${step.to}` : '';
      const names = step.type === 'ConnectEndpoint' ? ` as [${step.endpoint.aliases.join(' ')}]` : '';
      return `${step.type.replace(/(Container|Endpoint)$/, '')} ${step.container.name}${to}${names}`;
    }),
  );
}

/** `Ready: running` */
export function conditionOf(plan: Plan): string {
  const { type, message } = plan.verdicts.find(
    ({ condition }) => condition.key === 'Container/web',
  )!.condition;
  return `${type}: ${message}`;
}

export const named = (id: string, ageMs: number): Record<string, PhaseRecord> => ({
  [id]: { phase: 'named', sinceMs: NOW - ageMs },
});
export const drained = (id: string, ageMs: number): Record<string, PhaseRecord> => ({
  [id]: { phase: 'nameless', sinceMs: NOW - ageMs },
});
