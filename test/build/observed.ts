import { ownerLabels } from '../../pkg/api/index.ts';
import type { ContainerObject, ManifestObject, NetworkObject } from '../../pkg/manifest/index.ts';
import { plan, type Plan, type PlanInput } from '../../pkg/plan/index.ts';
import type {
  EngineFacts,
  ObservedContainer,
  ObservedNetwork,
  ObservedState,
} from '../../pkg/state/index.ts';
import { revision } from './objects.ts';

export const facts: EngineFacts = {
  kind: 'swarm-manager',
  node: {
    id: 'E1',
    name: 'node-1',
    ip: '10.6.17.12',
    role: 'manager',
    os: 'linux',
    arch: 'x86_64',
    labels: {},
    engineLabels: {},
  },
  version: '20.10.24',
  apiVersion: '1.41',
  cpus: 2,
  memoryBytes: 2 ** 33,
};

/** The network as the engine shows it once it is made from the object. */
export function networkOf(object: NetworkObject, given: Partial<ObservedNetwork> = {}): ObservedNetwork {
  const subnet = object.spec.ipam?.subnet ?? '10.64.0.0/24';
  return {
    id: `id-${object.name}`,
    name: object.name,
    driver: object.spec.driver,
    scope: object.spec.driver === 'overlay' ? 'swarm' : 'local',
    attachable: object.spec.attachable,
    internal: object.spec.internal,
    labels: ownerLabels({
      cluster: 'default',
      kind: 'Network',
      name: object.name,
      specHash: object.specHash,
    }),
    options: {},
    subnets: [{ subnet }],
    createdAtMs: 0,
    ...given,
  };
}

/** The container as the engine shows it once it runs as the object says. */
export function containerOf(
  object: ContainerObject,
  given: Partial<ObservedContainer> = {},
): ObservedContainer {
  const attachments = object.spec.networks ?? [];
  return {
    id: `id-${object.name}`,
    name: object.name,
    image: object.spec.image,
    labels: ownerLabels({
      cluster: 'default',
      kind: 'Container',
      name: object.name,
      specHash: object.specHash,
    }),
    state: 'running',
    createdAtMs: 0,
    health: 'none',
    endpoints: attachments.map(({ name }) => ({
      networkId: `id-${name}`,
      networkName: name,
      ipv4Address: '10.64.0.2',
    })),
    details: {
      exitCode: 0,
      started: true,
      startedAtMs: 0,
      restarts: 0,
      hostname: 'host',
      restartPolicy: object.spec.restartPolicy,
      nanoCpus: object.spec.resources.limits.nanoCpus ?? 0,
      memoryBytes: object.spec.resources.limits.memoryBytes ?? 0,
      aliases: new Map(attachments.map(({ name, aliases }) => [`id-${name}`, aliases])),
      requestedIpv4: new Map(),
    },
    ...given,
  };
}

/** Objects that were found as declared earlier, so that any difference is drift. */
export function appliedBefore(objects: readonly ManifestObject[]): PlanInput['memory'] {
  return {
    applied: new Map(objects.map(({ key, digest }) => [key, { digest, addresses: {} }])),
    createdIds: new Set(),
    failedUpdates: new Map(),
    givenUp: new Map(),
    phases: new Map(),
  };
}

export type PlanCase = Partial<Omit<PlanInput, 'revision' | 'observed' | 'settings'>> & {
  readonly objects: readonly ManifestObject[];
  readonly observed?: Partial<ObservedState>;
  readonly settings?: Partial<PlanInput['settings']>;
};

/** Plans with defaults for everything the case does not name. */
export function planCase(given: PlanCase): Plan {
  const { objects, observed, settings, ...rest } = given;
  return plan({
    revision: revision(objects),
    observed: { engine: facts, networks: [], containers: [], ...observed },
    memory: appliedBefore([]),
    settings: {
      cluster: 'default',
      mode: 'enforce',
      subnetPool: '10.64.0.0/10',
      hostRoutes: [],
      settleMs: 500,
      ...settings,
    },
    nowMs: 1_000_000,
    pruneConfirmed: false,
    ...rest,
  });
}

/** `Container/web: CreateContainer StartContainer`, one line an object. */
export function outline(planned: Plan): string[] {
  return planned.objects.map(({ key, steps }) => `${key}: ${steps.map(({ type }) => type).join(' ')}`);
}

/** `Ready` and the like, of one object. */
export function conditionOf(planned: Plan, key: string): string {
  return planned.verdicts.find(({ condition }) => condition.key === key)?.condition.type ?? 'none';
}
