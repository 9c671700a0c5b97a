import {
  PLAIN_HASH_LABEL,
  readOwnership,
  readSecretHashes,
  SECRET_HASH_LABEL,
  type Cause,
} from '../api/index.ts';
import type { ContainerObject } from '../manifest/index.ts';
import type { ObservedContainer } from '../state/index.ts';
import type { PlanContext } from './context.ts';
import type { SecretsNow } from './input.ts';

/** How many of several are named. */
const MAX_NAMED = 3;

/** How what a container was made of stands to what its manifest says now. */
export type Made =
  /** `doubt`: why its secrets are not known to be the same. */
  | { readonly as: 'declared'; readonly doubt?: string }
  | { readonly as: 'other-spec' }
  /** The same, but for the values of these variables. */
  | { readonly as: 'other-secrets'; readonly names: readonly string[] }
  /** Its encrypted texts are others and what they hold is not known: it stays as it is. `problem`: it cannot be known now. */
  | { readonly as: 'undecided'; readonly problem?: string };

interface Look {
  readonly context: PlanContext;
  readonly object: ContainerObject;
}

/**
 * A secret that changed makes another spec of it, as a value in the manifest does. Only a hash under the very key that the container was made
 * with is evidence: no key, another one, no hashes, or a value that cannot be read just now leave it as it is.
 */
export function madeAs({ context, object }: Look, container: ObservedContainer): Made {
  const isSameSpec = specHashOf(container) === object.specHash;
  const { secrets } = context.input;
  if (!secrets || secretNames(object).length === 0) return isSameSpec ? SAME : OTHER_SPEC;
  const now = secrets.get(object.key);
  return isSameSpec ? compareSecrets(container, now) : compareSealed(object, container, now);
}

export function specHashOf(container: ObservedContainer): string | undefined {
  return readOwnership(container.labels)?.specHash;
}

const SAME: Made = { as: 'declared' };
const OTHER_SPEC: Made = { as: 'other-spec' };

/** Whether nothing says that the container was made of something else. */
export function isAsSpecified(look: Look, container: ObservedContainer): boolean {
  const { as } = madeAs(look, container);
  return as === 'declared' || as === 'undecided';
}

function compareSecrets(container: ObservedContainer, now: SecretsNow | undefined): Made {
  const made = readSecretHashes(container.labels[SECRET_HASH_LABEL]);
  if (!made) {
    return doubtful('it was made without keyed hashes of them, as by an earlier version or `ovr apply`');
  }
  if (!now || (now.isPending && now.problem === undefined)) return SAME;
  if (now.problem !== undefined) return doubtful(now.problem);
  if (now.keyId !== made.keyId) return doubtful('it was made with another key than this host has now');
  const names = [...now.hashes].flatMap(([name, hash]) => {
    const before = made.hashes.get(name);
    return before === undefined || before === hash ? [] : [name];
  });
  return names.length === 0 ? SAME : { as: 'other-secrets', names };
}

function doubtful(why: string): Made {
  return { as: 'declared', doubt: `its secrets are not compared: ${why}` };
}

/** Another spec, and perhaps only because the same values were encrypted anew. */
function compareSealed(object: ContainerObject, container: ObservedContainer, now?: SecretsNow): Made {
  const made = readSecretHashes(container.labels[SECRET_HASH_LABEL]);
  const isSealedAnew =
    object.plainHash !== undefined && object.plainHash === container.labels[PLAIN_HASH_LABEL];
  if (!isSealedAnew || !made || !now) return OTHER_SPEC;
  if (now.problem !== undefined)
    return now.keyId === undefined ? OTHER_SPEC : { as: 'undecided', problem: now.problem };
  if (now.isPending) return { as: 'undecided' };
  if (now.keyId !== made.keyId) return OTHER_SPEC;
  const names = secretNames(object).filter((name) => now.hashes.get(name) !== made.hashes.get(name));
  return names.length === 0 ? SAME : { as: 'other-secrets', names };
}

function secretNames({ spec }: ContainerObject): string[] {
  return spec.env.flatMap(({ name, value }) => (value === undefined ? [name] : []));
}

/** One word for what all secrets of an object are now, by their keyed hashes; undefined where it has none or they are not all known. */
export function secretsId(context: PlanContext, object: ContainerObject): string | undefined {
  const now = context.input.secrets?.get(object.key);
  if (!now || now.isPending || now.problem !== undefined || now.hashes.size === 0) return undefined;
  return [...now.hashes].map(([name, hash]) => `${name}=${hash}`).join(' ');
}

/** Which variables have another value, and where it is; never what it is. */
export function secretCause({ spec }: ContainerObject, names: readonly string[]): Cause {
  const places = names.map((name) => {
    const file = spec.env.find((entry) => entry.name === name)?.file;
    return file ?? `the encrypted ${name}`;
  });
  const [verb, noun] = places.length === 1 ? ['has', 'content'] : ['have', 'contents'];
  return {
    ...{ reason: 'SecretChanged', drift: false },
    ...{ field: `env[${listOf(names)}]`, observed: 'set', desired: 'changed' },
    note: `the ${noun} of ${listOf(places)} ${verb} changed`,
  };
}

function listOf(items: readonly string[]): string {
  const more = items.length > MAX_NAMED ? [`${items.length - MAX_NAMED} more`] : [];
  return [...items.slice(0, MAX_NAMED), ...more].join(', ');
}
