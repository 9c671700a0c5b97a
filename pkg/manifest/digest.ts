import { hash } from 'node:crypto';
import { compareStrings, type Kind } from '../api/index.ts';
import {
  DEFAULT_UPDATE_STRATEGY,
  type AliasSpec,
  type ContainerSpec,
  type ManifestObject,
  type NetworkSpec,
} from './objects.ts';
import type { Revision } from './revision.ts';

/** 128 bits: enough for a label to tell versions of one object apart, short enough to read. */
const HEX_LENGTH = 32;

/**
 * What Docker can change on a running container, and what only placement reads. These never enter the spec hash, so changing
 * them never replaces a container.
 */
const CHANGEABLE: ReadonlySet<string> = new Set([
  'networks',
  'restartPolicy',
  'resources',
  'nodeConstraint',
  'reschedule',
  'imagePullPolicy',
  'updateStrategy',
  'dependsOn',
] satisfies (keyof ContainerSpec)[]);

/** Carried along; what is encrypted in it is in `env` too, and the rest changes with every edit. */
const NO_MEANING: ReadonlySet<string> = new Set(['sealedBy'] satisfies (keyof ContainerSpec)[]);

/** Lists whose order means nothing to Docker. */
const UNORDERED: ReadonlySet<string> = new Set([
  'capAdd',
  'capDrop',
  'dependsOn',
  'devices',
  'env',
  'extraHosts',
  'nodeConstraint',
  'ports',
  'securityOpt',
  'tmpfs',
  'ulimits',
  'volumes',
] satisfies (keyof ContainerSpec)[]);

/** Fields that hold their default mean the same as fields left out, so a field that is added later changes no old hash. */
const CONTAINER_DEFAULT_VALUES = {
  imagePullPolicy: 'IfNotPresent',
  nodeConstraint: [],
  reschedule: 'never',
  updateStrategy: DEFAULT_UPDATE_STRATEGY,
  dependsOn: [],
  env: [],
  volumes: [],
  ports: [],
  restartPolicy: { name: 'always', maximumRetryCount: 0 },
  resources: { limits: {}, requests: {} },
  labels: {},
} satisfies Partial<ContainerSpec>;

const NETWORK_DEFAULT_VALUES = {
  driver: 'overlay',
  internal: false,
  encrypted: false,
  options: {},
  labels: {},
} satisfies Partial<NetworkSpec>;

const ALIAS_DEFAULT_VALUES = { readiness: 'Running' } satisfies Partial<AliasSpec>;

const CONTAINER_DEFAULTS: Readonly<Record<string, string>> = canonicalFields(CONTAINER_DEFAULT_VALUES);
const NETWORK_DEFAULTS: Readonly<Record<string, string>> = canonicalFields(NETWORK_DEFAULT_VALUES);
const ALIAS_DEFAULTS: Readonly<Record<string, string>> = canonicalFields(ALIAS_DEFAULT_VALUES);

const DEFAULT_VALUES: Readonly<Record<Kind, object>> = {
  Network: NETWORK_DEFAULT_VALUES,
  Container: CONTAINER_DEFAULT_VALUES,
  Alias: ALIAS_DEFAULT_VALUES,
};

/** A spec with the defaults of fields that it does not have, as one of an older version may. */
export function withDefaults(kind: Kind, spec: object): object {
  return { ...DEFAULT_VALUES[kind], ...spec };
}

/** Everything an object means, but not where it is declared. */
interface Meaning {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Digests of a container: of all it means, of what Docker cannot change after create, and of that without what is encrypted. */
export function containerDigests(
  meaning: Meaning,
  spec: ContainerSpec,
): { digest: string; specHash: string; plainHash?: string } {
  const fields = withoutDefaults(canonicalFields(spec), CONTAINER_DEFAULTS);
  const fixed = Object.fromEntries(Object.entries(fields).filter(([field]) => !CHANGEABLE.has(field)));
  const known = digests('Container', meaning, fields, fixed);
  if (spec.sealedBy === undefined) return known;
  const env = spec.env.map((entry) => (entry.sealed === undefined ? entry : { ...entry, sealed: '' }));
  return { ...known, plainHash: digestOf(canonicalJson({ ...fixed, ...canonicalFields({ env }) })) };
}

/** Digests of a network: Docker can change nothing of one. */
export function networkDigests(meaning: Meaning, spec: NetworkSpec): { digest: string; specHash: string } {
  const { attachable, ...rest } = spec;
  const isUsual = attachable === (spec.driver === 'overlay');
  const fields = withoutDefaults(canonicalFields(isUsual ? rest : spec), NETWORK_DEFAULTS);
  return digests('Network', meaning, fields, fields);
}

/** Digests of an alias: Docker knows nothing of one, so nothing of it is fixed. */
export function aliasDigests(meaning: Meaning, spec: AliasSpec): { digest: string; specHash: string } {
  return digests('Alias', meaning, withoutDefaults(canonicalFields(spec), ALIAS_DEFAULTS), {});
}

/** SHA-256 of a text, shortened to 32 hexadecimal digits: the one form of every digest and hash here. */
export function digestOf(text: string): string {
  return hash('sha256', text).slice(0, HEX_LENGTH);
}

/** Digest of a revision: of its objects' digests, and of what is not decided. */
export function revisionDigest({ objects, undecided }: Omit<Revision, 'digest'>): string {
  let text = '';
  for (const { key, digest } of inOrder(objects)) text += `${key} ${digest}\n`;
  for (const key of [...undecided].sort(compareStrings)) text += `${key} undecided\n`;
  return digestOf(text.slice(0, -1));
}

/** By key, as they are as a rule: sorting ten thousand takes longer than to see that they are sorted. */
function inOrder(objects: Revision['objects']): Iterable<ManifestObject> {
  let last = '';
  for (const key of objects.keys()) {
    if (key < last) return [...objects.values()].sort((a, b) => compareStrings(a.key, b.key));
    last = key;
  }
  return objects.values();
}

type Fields = Readonly<Record<string, string>>;

function digests(
  kind: string,
  meaning: Meaning,
  fields: Fields,
  fixed: Fields,
): { digest: string; specHash: string } {
  const { name, labels, annotations } = meaning;
  const digest = digestOf(canonicalJson([kind, name, labels, annotations, fields]));
  return { digest, specHash: digestOf(canonicalJson(fixed)) };
}

function withoutDefaults(fields: Fields, defaults: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([field, json]) => defaults[field] !== json));
}

/** Each field of a spec as canonical JSON; lists without order are sorted. */
function canonicalFields(spec: object): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [field, value] of Object.entries(spec)) {
    if (value === undefined || NO_MEANING.has(field)) continue;
    const items: unknown = value;
    fields[field] =
      Array.isArray(items) && UNORDERED.has(field)
        ? items.map(canonicalJson).sort(compareStrings).join()
        : canonicalJson(items);
  }
  return fields;
}

/** JSON with sorted keys and without undefined. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  let json = '';
  for (const key of Object.keys(value).sort(compareStrings)) {
    const entry: unknown = Reflect.get(value, key);
    if (entry === undefined) continue;
    json += `${json === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(entry)}`;
  }
  return `{${json}}`;
}
