import { KINDS, splitKey, type Kind, type ObjectKey } from '../api/index.ts';
import { revisionDigest, withDefaults } from './digest.ts';
import { toObject } from './object.ts';
import type { ManifestObject, Origin } from './objects.ts';
import type { Revision } from './revision.ts';
import type { ParsedDocument } from './schema/index.ts';

/** A revision as plain JSON: everything that its objects mean, so that it can come back exactly. */
export interface StoredRevision {
  readonly digest: string;
  readonly objects: readonly StoredObject[];
  readonly undecided: readonly ObjectKey[];
}

type StoredObject = Pick<
  ManifestObject,
  'kind' | 'name' | 'labels' | 'annotations' | 'spec' | 'origin' | 'digest'
>;

/** What `restoreRevision` reads. */
export function storeRevision({ digest, objects, undecided }: Revision): StoredRevision {
  const stored = [...objects.values()].map((object): StoredObject => {
    const { kind, name, labels, annotations, spec, origin, digest: own } = object;
    return { kind, name, labels, annotations, spec, origin, digest: own };
  });
  return { digest, objects: stored, undecided: [...undecided] };
}

/**
 * The revision that was stored, made by the same code that makes objects of manifests: a field that came later has its default. Throws
 * where something is not, to the digest, what it was.
 */
export function restoreRevision(stored: unknown): Revision {
  const { digest, objects, undecided } = recordOf('the revision', stored);
  const made = listOf('objects', objects).map(restoreObject);
  const revision = {
    objects: new Map(made.map((object) => [object.key, object])),
    undecided: new Set(listOf('undecided', undecided).map(keyOf)),
  };
  const found = revisionDigest(revision);
  if (found !== digest) throw new Error(`its digest is ${found} and not ${String(digest)}`);
  return { digest: found, ...revision };
}

function restoreObject(value: unknown): ManifestObject {
  const { kind, name, labels, annotations, spec, origin, digest } = recordOf('an object', value);
  const known = KINDS.find((candidate) => candidate === kind);
  if (known === undefined || typeof name !== 'string')
    throw new Error('an object has no known kind or no name');
  const metadata = {
    name,
    labels: textsOf('labels', labels),
    annotations: textsOf('annotations', annotations),
  };
  const object = toObject(documentOf(known, metadata, recordOf('spec', spec)), originOf(origin));
  if (object.digest !== digest) throw new Error(`${object.key} is not what it was`);
  return object;
}

/** The spec is what `storeRevision` was given, or the digest differs. Only an alias says its DNS name by another name in a manifest. */
function documentOf(kind: Kind, metadata: object, stored: Readonly<Record<string, unknown>>): ParsedDocument {
  const { dnsName, ...rest } = stored;
  const spec = kind === 'Alias' ? { ...rest, name: dnsName } : stored;
  return { kind, metadata, spec: withDefaults(kind, spec) } as ParsedDocument;
}

function originOf(value: unknown): Origin {
  const { file, line, column } = recordOf('origin', value);
  if (typeof file !== 'string' || typeof line !== 'number' || typeof column !== 'number') {
    throw new Error('an origin is no place in a file');
  }
  return { file, line, column };
}

function keyOf(value: unknown): ObjectKey {
  const key = String(value) as ObjectKey;
  if (!KINDS.includes(splitKey(key).kind)) throw new Error(`${key} is no key of an object`);
  return key;
}

function recordOf(what: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new Error(`${what} is no JSON object`);
}

function listOf(what: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`${what} is no list`);
}

function textsOf(what: string, value: unknown): Record<string, string> {
  const record = recordOf(what, value);
  return Object.fromEntries(
    Object.entries(record).map(([name, text]) => {
      if (typeof text !== 'string') throw new Error(`${what} holds something that is no text`);
      return [name, text];
    }),
  );
}
