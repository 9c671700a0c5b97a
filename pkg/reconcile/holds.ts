import { KINDS, objectKey, OvrError, type ObjectKey, type Selector } from '../api/index.ts';

/** What a hold overrides. A closed set: it is a metric label. */
export const HOLD_KINDS = ['rollback', 'switch', 'suspend'] as const;
export type HoldKind = (typeof HOLD_KINDS)[number];

/** A temporary override by a person, seen by all agents. */
export interface Hold {
  /** Unique in the cluster: `rollback`, `switch/NAME` with the name of the alias, `suspend`, or `suspend/KIND/NAME`. */
  readonly id: string;
  readonly who: string;
  /** Milliseconds since the epoch. */
  readonly whenMs: number;
  /** Whoever reads it ignores it from then on; absent: until it is released. */
  readonly untilMs?: number;
  /** Why, in the words of who made it. */
  readonly note?: string;
  /** JSON text with what is in force instead, as the owner of its kind writes it. */
  readonly what: string;
}

/** Holds of the whole cluster. */
export interface HoldStore {
  /** As last read, sorted by ID; also those whose time is over. */
  list(): readonly Hold[];
  /** Makes it, or puts it in the place of the one with that ID. It outlives restarts once this resolves. Fails with an OvrError. */
  put(hold: Hold): Promise<void>;
  /** Removes it; one that is not there counts as removed. Fails with an OvrError. */
  release(id: string): Promise<void>;
}

/** For a run that shares nothing and remembers nothing. */
export const noHolds: HoldStore = {
  list: () => [],
  put: () => Promise.reject(new OvrError('invalid-request', 'invalid', 'no hold can be kept here')),
  release: () => Promise.resolve(),
};

/** Where only one hold of a kind can be, its whole ID. */
export const ROLLBACK_ID = 'rollback';
const SWITCH_PREFIX = 'switch/';
const SUSPEND_ALL_ID = 'suspend';
const SUSPEND_PREFIX = 'suspend/';

/** What a suspension is about: one object, or whatever there is. */
export type SuspensionTarget = ObjectKey | 'all';

/** The ID of the hold on an alias. */
export function switchId(alias: string): string {
  return `${SWITCH_PREFIX}${alias}`;
}

/** The ID of the hold on an object, or on all. */
export function suspendId(target: SuspensionTarget): string {
  return target === 'all' ? SUSPEND_ALL_ID : `${SUSPEND_PREFIX}${target}`;
}

/** What the hold of that ID suspends; undefined for one of another kind. */
export function suspendedTarget(id: string): SuspensionTarget | undefined {
  if (id === SUSPEND_ALL_ID) return 'all';
  if (!id.startsWith(SUSPEND_PREFIX)) return undefined;
  const [word, name = '', ...more] = id.slice(SUSPEND_PREFIX.length).split('/');
  const kind = KINDS.find((known) => known === word);
  return kind && name !== '' && more.length === 0 ? objectKey(kind, name) : undefined;
}

/** What it overrides; undefined for an ID of no kind that this ovr knows. */
export function holdKind(id: string): HoldKind | undefined {
  if (id === ROLLBACK_ID) return 'rollback';
  if (suspendedTarget(id) !== undefined) return 'suspend';
  return id.startsWith(SWITCH_PREFIX) && id.length > SWITCH_PREFIX.length ? 'switch' : undefined;
}

/** Those in force at that time. */
export function activeHolds(holds: readonly Hold[], nowMs: number): readonly Hold[] {
  return holds.filter((hold) => isActive(hold, nowMs));
}

/** Whether its time is not over. */
export function isActive({ untilMs }: Hold, nowMs: number): boolean {
  return untilMs === undefined || nowMs < untilMs;
}

/** What a hold of kind rollback says. */
export function writeRollback(digest: string): string {
  return JSON.stringify({ revision: digest });
}

/** The digest that it pins; of one that nobody can read, its text, which is no digest. */
export function readRollback({ what }: Hold): string {
  try {
    const { revision } = JSON.parse(what) as { readonly revision?: unknown };
    return typeof revision === 'string' ? revision : what;
  } catch {
    return what;
  }
}

/** The selector that a switch puts in force; undefined for one that nobody can read. */
export function readSwitch({ what }: Hold): Selector | undefined {
  try {
    const { selector } = JSON.parse(what) as { readonly selector?: unknown };
    if (typeof selector !== 'object' || selector === null) return undefined;
    const labels = Object.entries(selector).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    );
    return labels.length > 0 ? Object.fromEntries(labels) : undefined;
  } catch {
    return undefined;
  }
}

/** The alias that a switch is about; undefined for a hold of another kind. */
export function switchedAlias({ id }: Hold): string | undefined {
  return holdKind(id) === 'switch' ? id.slice(SWITCH_PREFIX.length) : undefined;
}

/** Longer ones are refused, so that a store and a status stay small. In characters. */
export const HOLD_LIMITS = { id: 300, who: 200, note: 500, what: 16_384 } as const;

/** The hold in a value from outside. Throws with what is wrong with it. */
export function holdOf(value: unknown): Hold {
  if (typeof value !== 'object' || value === null) throw new Error('no JSON object');
  const { id, who, whenMs, untilMs, note, what } = value as Record<string, unknown>;
  const hold: Hold = {
    id: textOf('id', id),
    who: textOf('who', who),
    whenMs: timeOf('whenMs', whenMs),
    ...(untilMs === undefined ? {} : { untilMs: timeOf('untilMs', untilMs) }),
    ...(note === undefined ? {} : { note: textOf('note', note) }),
    what: textOf('what', what),
  };
  if (holdKind(hold.id) === undefined) {
    throw new Error(`a hold "${hold.id}" is of no kind that this ovr knows (${HOLD_KINDS.join(', ')})`);
  }
  return hold;
}

/** Fails with `invalid-request` for a hold that nobody could read again. */
export function checkHold(hold: Hold): void {
  try {
    holdOf(hold);
  } catch (error) {
    throw new OvrError('invalid-request', 'invalid', `this hold cannot be: ${(error as Error).message}`);
  }
}

function textOf(name: keyof typeof HOLD_LIMITS, value: unknown): string {
  if (typeof value !== 'string') throw new Error(`${name} is no text`);
  const limit = HOLD_LIMITS[name];
  if (value.length > limit) throw new Error(`${name} is longer than ${limit} characters`);
  return value;
}

function timeOf(name: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new Error(`${name} is no time in milliseconds`);
  }
  return value;
}
