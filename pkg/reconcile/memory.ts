import {
  isLabelledToStay,
  objectKey,
  type Condition,
  type ErrorCode,
  type ObjectKey,
  type OvrError,
} from '../api/index.ts';
import { folderOf, type ContainerObject, type ManifestObject, type Revision } from '../manifest/index.ts';
import {
  objectNameOf,
  type AppliedRecord,
  type FailedUpdate,
  type ObjectPlan,
  type PhaseRecord,
  type Plan,
  type PlanMemory,
  type Succession,
} from '../plan/index.ts';
import type { ObservedContainer, ObservedNetwork, ObservedState } from '../state/index.ts';
import { SeenEndpoints } from './heal/seen-endpoints.ts';

const FORMAT = 1;

/** What the agent remembers of earlier rounds; saved, so that a restart explains drift as well as the round before it did. */
export class Memory implements PlanMemory {
  readonly applied = new Map<ObjectKey, AppliedRecord>();
  readonly createdIds = new Set<string>();
  readonly failedUpdates = new Map<ObjectKey, FailedUpdate>();
  /** Of the newest plan; not saved: after a restart an overlap begins anew. */
  successions: ReadonlyMap<ObjectKey, Succession> = new Map();
  readonly givenUp = new Map<ObjectKey, Map<string, string>>();
  readonly phases = new Map<string, PhaseRecord>();
  readonly stays = new Map<ObjectKey, boolean>();
  readonly seenEndpoints = new SeenEndpoints();
  #converged: ConvergedRevision | undefined;
  #isDirty = false;

  /** Reads what toJson() wrote; anything else is forgotten without harm. */
  restore(saved: unknown): void {
    if (!isSaved(saved)) return;
    for (const [key, record] of saved.applied) this.applied.set(key, record);
    for (const id of saved.createdIds) this.createdIds.add(id);
    for (const [key, failure] of saved.failedUpdates) this.failedUpdates.set(key, failure);
    for (const [id, phase] of saved.phases ?? []) this.phases.set(id, phase);
    for (const [key, { stays }] of saved.stays ?? []) this.stays.set(key, stays);
    this.seenEndpoints.restore(saved.seenEndpoints);
    this.#converged = saved.converged;
  }

  toJson(): unknown {
    return {
      format: FORMAT,
      applied: [...this.applied],
      createdIds: [...this.createdIds],
      failedUpdates: [...this.failedUpdates],
      phases: [...this.phases],
      stays: [...this.stays].map(([key, stays]) => [key, { stays }]),
      seenEndpoints: this.seenEndpoints.toJson(),
      ...(this.#converged ? { converged: this.#converged } : {}),
    };
  }

  #recordApplied(key: ObjectKey, record: AppliedRecord): void {
    const known = this.applied.get(key);
    if (known && JSON.stringify(known) === JSON.stringify(record)) return;
    this.applied.set(key, record);
    this.#isDirty = true;
  }

  /** The revision with which everything here was last as declared. */
  get converged(): ConvergedRevision | undefined {
    return this.#converged;
  }

  /** Everything is as this revision declares. */
  recordConverged(digest: string, nowMs: number): void {
    if (this.#converged?.digest === digest) return;
    this.#converged = { digest, sinceMs: nowMs };
    this.#isDirty = true;
  }

  recordCreated(id: string): void {
    this.createdIds.add(id);
    this.#isDirty = true;
  }

  recordFailedUpdate(key: ObjectKey, failure: FailedUpdate): void {
    this.failedUpdates.set(key, failure);
    this.#isDirty = true;
  }

  /** Known to this process alone: the next one may well be given the address. */
  recordGivenUp(key: ObjectKey, network: string, address = this.applied.get(key)?.addresses[network]): void {
    if (address === undefined) return;
    const givenUp = this.givenUp.get(key) ?? new Map<string, string>();
    this.givenUp.set(key, givenUp.set(network, address));
  }

  /** Before a failed update is undone: once it is, nothing in the engine tells that it was tried. */
  recordFailures(plans: readonly ObjectPlan[]): void {
    for (const { key, givesUp } of plans) if (givesUp) this.recordFailedUpdate(key, givesUp);
  }

  /** Notes what a round found as declared, and drops what is neither declared nor there any more. */
  learn(round: { plan: Plan; observed: ObservedState; revision: Revision; nowMs: number }): void {
    const { plan, observed, revision } = round;
    this.#learnPhases(plan, observed, round.nowMs);
    const seen: Seen = {
      networks: new Map(observed.networks.map((network) => [network.name, network])),
      containers: new Map(observed.containers.map((container) => [container.name, container])),
    };
    this.successions = plan.successions;
    this.#learnStays(revision, seen);
    const planned = new Set(plan.objects.map(({ key }) => key));
    for (const { condition, causes } of plan.verdicts) {
      const object = revision.objects.get(condition.key);
      if (condition.type === 'NotHere' || condition.type === 'Fenced') this.#unsettle(condition);
      const isSettled = condition.type === 'Ready' || condition.type === 'Completed';
      // An address that changed for good is told once, and is the one to keep from then on.
      const isAccepted = causes.every(({ reason }) => reason === 'AddressChanged');
      if (!object || !isSettled || !isAccepted || planned.has(condition.key)) continue;
      this.#recordApplied(condition.key, {
        ...this.#recordOf(object, seen),
        ...givenTo(condition.key, plan),
      });
      this.givenUp.delete(condition.key);
    }
    const known = plan.verdicts.map(({ condition }) => condition.key);
    this.#learnEndpoints(observed, new Set(known));
    this.#forgetExcept(new Set(known), new Set(observed.containers.map(({ id }) => id)));
    const keep = new Set([...known, ...revision.undecided]);
    for (const key of this.stays.keys()) if (!keep.has(key) && this.stays.delete(key)) this.#isDirty = true;
  }

  #learnEndpoints(observed: ObservedState, keys: ReadonlySet<ObjectKey>): void {
    const isKept = (container: string): boolean => keys.has(objectKey('Container', container));
    if (this.seenEndpoints.learn(observed, isKept)) this.#isDirty = true;
  }

  /** Docker cannot label what exists, and an annotation may come or go at any time. */
  #learnStays({ objects }: Revision, { networks, containers }: Seen): void {
    for (const { kind, key, name, prune } of objects.values()) {
      if (kind === 'Alias') continue;
      const { labels = {} } = (kind === 'Network' ? networks : containers).get(name) ?? {};
      const isTold = isLabelledToStay(labels) === !prune;
      if (isTold ? !this.stays.delete(key) : this.stays.get(key) === !prune) continue;
      if (!isTold) this.stays.set(key, !prune);
      this.#isDirty = true;
    }
  }

  #recordOf(object: ManifestObject, seen: Seen): AppliedRecord {
    const { digest, name } = object;
    const folder = folderOf(object.origin);
    if (object.kind === 'Network') {
      const [subnet] = seen.networks.get(name)?.subnets ?? [];
      return { digest, folder, addresses: {}, ...(subnet ? { subnet: subnet.subnet } : {}) };
    }
    if (object.kind !== 'Container') return { digest, folder, addresses: {} };
    const addresses = this.#addressesOf(object, seen.containers.get(name));
    if (object.spec.dependsOn.length === 0) return { digest, folder, addresses };
    return {
      digest,
      folder,
      addresses,
      dependsOn: object.spec.dependsOn.map((dependency) => dependency.name),
    };
  }

  #addressesOf(
    { key, spec }: ContainerObject,
    container: ObservedContainer | undefined,
  ): AppliedRecord['addresses'] {
    const addresses: Record<string, string> = {};
    // One that has ended has no addresses, and asks for those it had when it runs again.
    for (const [network, address] of Object.entries(this.applied.get(key)?.addresses ?? {})) {
      if (spec.networks?.some(({ name }) => name === network)) addresses[network] = address;
    }
    for (const { networkName, ipv4Address } of container?.endpoints ?? []) {
      if (ipv4Address !== '') addresses[networkName] = ipv4Address;
    }
    return addresses;
  }

  /** What ovr itself took away or stopped is no drift when it comes back. Addresses are kept while the container is. */
  #unsettle({ key, type }: Condition): void {
    const known = this.applied.get(key);
    if (!known) return;
    if (type === 'Fenced') this.#recordApplied(key, { ...known, digest: '' });
    else this.#isDirty = this.applied.delete(key);
  }

  #forgetExcept(keys: ReadonlySet<ObjectKey>, containerIds: ReadonlySet<string>): void {
    for (const key of this.givenUp.keys()) if (!keys.has(key)) this.givenUp.delete(key);
    for (const map of [this.applied, this.failedUpdates]) {
      for (const key of map.keys()) if (!keys.has(key) && map.delete(key)) this.#isDirty = true;
    }
    for (const known of [this.createdIds, this.phases]) {
      for (const id of known.keys()) if (!containerIds.has(id) && known.delete(id)) this.#isDirty = true;
    }
  }

  /** A container that stays in its phase keeps the time at which it came into it, unless the clock was set back before that. */
  #learnPhases({ phases }: Plan, observed: ObservedState, nowMs: number): void {
    for (const [id, phase] of phases) {
      const known = this.phases.get(id);
      if (known?.phase === phase && known.sinceMs <= nowMs) continue;
      this.phases.set(id, { phase, sinceMs: nowMs });
      this.#isDirty = true;
      if (phase === 'proving' || known?.phase === phase) continue;
      const { name = '' } = observed.containers.find((container) => container.id === id) ?? {};
      this.#forgetAddresses(objectKey('Container', objectNameOf(name)));
    }
  }

  /** One container takes over from another that still has its addresses: from now on those of the new one are kept. */
  #forgetAddresses(key: ObjectKey): void {
    const known = this.applied.get(key);
    if (known) this.#recordApplied(key, { ...known, addresses: {} });
  }

  /** Whether something is to be saved since the last call. */
  takeDirty(): boolean {
    const isDirty = this.#isDirty;
    this.#isDirty = false;
    return isDirty;
  }

  /** A save that failed is tried again with the next one. */
  markDirty(): void {
    this.#isDirty = true;
  }
}

/** They keep the old container from running as well, so they tell nothing against an update. */
const OF_NETWORKS: ReadonlySet<ErrorCode> = new Set(['stale-endpoint', 'heal-stalled', 'network-not-found']);

/** What is remembered of an update that failed and was undone; undefined where the engine may let it succeed the next time. */
export function failedUpdateOf(
  { secrets }: ObjectPlan,
  { specHash }: ManifestObject,
  { kind, code, message }: OvrError,
): FailedUpdate | undefined {
  if (kind === 'transient' || OF_NETWORKS.has(code)) return undefined;
  const failure = { specHash, message: `the update failed: ${message}` };
  return secrets === undefined ? failure : { ...failure, secrets };
}

function givenTo(key: ObjectKey, { given }: Plan): Pick<AppliedRecord, 'given'> {
  const names = Object.entries(given.get(key) ?? {}).filter(([, list]) => list.length > 0);
  return names.length > 0 ? { given: Object.fromEntries(names) } : {};
}

/** What a round saw, by name. */
interface Seen {
  readonly networks: ReadonlyMap<string, ObservedNetwork>;
  readonly containers: ReadonlyMap<string, ObservedContainer>;
}

/** A revision, and since when everything was as it declares. */
export interface ConvergedRevision {
  readonly digest: string;
  /** Milliseconds since the epoch. */
  readonly sinceMs: number;
}

interface Saved {
  readonly applied: [ObjectKey, AppliedRecord][];
  readonly createdIds: string[];
  readonly failedUpdates: [ObjectKey, FailedUpdate][];
  /** Absent in what an older version has saved. */
  readonly phases?: [string, PhaseRecord][];
  /** The same. */
  readonly converged?: ConvergedRevision;
  /** The same. */
  readonly seenEndpoints?: unknown;
  /** The same. */
  readonly stays?: [ObjectKey, { readonly stays: boolean }][];
}

/** The file is ours and written atomically; the check is for one of another version or cut by hand. */
function isSaved(saved: unknown): saved is Saved {
  if (typeof saved !== 'object' || saved === null) return false;
  const { format, applied, createdIds, failedUpdates } = saved as Record<string, unknown>;
  if (format !== FORMAT || !Array.isArray(createdIds) || !isLaterSaved(saved)) return false;
  return isPairs(applied) && isPairs(failedUpdates) && createdIds.every((id) => typeof id === 'string');
}

/** What older versions have not saved. */
function isLaterSaved(saved: object): boolean {
  const { phases = [], stays = [], converged } = saved as Record<string, unknown>;
  return isPairs(phases) && isPairs(stays) && (converged === undefined || isConverged(converged));
}

function isConverged(value: unknown): value is ConvergedRevision {
  if (typeof value !== 'object' || value === null) return false;
  const { digest, sinceMs } = value as Record<string, unknown>;
  return typeof digest === 'string' && typeof sinceMs === 'number';
}

function isPairs(list: unknown): boolean {
  return (
    Array.isArray(list) &&
    list.every((pair) => Array.isArray(pair) && typeof pair[0] === 'string' && isObject(pair[1]))
  );
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
