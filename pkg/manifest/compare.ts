import { compareStrings, type ObjectKey } from '../api/index.ts';
import type { ManifestObject } from './objects.ts';
import type { Revision } from './revision.ts';

/** One field that two revisions have differently. */
export interface FieldDifference {
  /** Path, for example `networks[ovr0].aliases`. */
  readonly field: string;
  readonly from: string;
  readonly to: string;
}

/** One object that two revisions have differently. */
export interface RevisionDifference {
  readonly key: ObjectKey;
  readonly change: 'added' | 'changed' | 'removed';
  /** Of a changed one. Values of environment variables are never among them. */
  readonly fields: readonly FieldDifference[];
}

const ABSENT = 'absent';
/** Longer values are cut: a difference is to be read. */
const MAX_SHOWN = 300;

/** What is different in `to`, by key; equal objects are told by their digests alone. */
export function compareRevisions(from: Revision, to: Revision): readonly RevisionDifference[] {
  const keys = [...new Set([...from.objects.keys(), ...to.objects.keys()])].sort(compareStrings);
  return keys.flatMap((key): RevisionDifference[] => {
    const [before, after] = [from.objects.get(key), to.objects.get(key)];
    if (before === undefined) return [{ key, change: 'added', fields: [] }];
    if (after === undefined) return [{ key, change: 'removed', fields: [] }];
    return before.digest === after.digest ? [] : [{ key, change: 'changed', fields: compare(before, after) }];
  });
}

function compare(before: ManifestObject, after: ManifestObject): readonly FieldDifference[] {
  return [
    ...compareValues('metadata.labels', before.labels, after.labels),
    ...compareValues('metadata.annotations', before.annotations, after.annotations),
    ...compareValues('', meaningOf(before.spec), meaningOf(after.spec)),
  ];
}

/** What only carries secrets is no difference by itself. */
function meaningOf(spec: ManifestObject['spec']): object {
  return 'sealedBy' in spec ? { ...spec, sealedBy: undefined } : spec;
}

/** Records are compared by field, lists of named things by name, everything else as a whole. */
function compareValues(field: string, from: unknown, to: unknown): FieldDifference[] {
  if (show(from) === show(to)) return [];
  if (field === 'env') return compareEnv(from, to);
  const [a, b] = [partsOf(from), partsOf(to)];
  if (!a || !b) return [{ field, from: cut(show(from)), to: cut(show(to)) }];
  const names = [...new Set([...a.parts.keys(), ...b.parts.keys()])].sort(compareStrings);
  const found = names.flatMap((name) =>
    compareValues(a.path(field, name), a.parts.get(name), b.parts.get(name)),
  );
  // The order of a list alone.
  return found.length > 0 ? found : [{ field, from: cut(show(from)), to: cut(show(to)) }];
}

/** A value may be a secret: only that it changed is told. */
function compareEnv(from: unknown, to: unknown): FieldDifference[] {
  const a = partsOf(from)?.parts ?? NO_PARTS;
  const b = partsOf(to)?.parts ?? NO_PARTS;
  const names = [...new Set([...a.keys(), ...b.keys()])].sort(compareStrings);
  return names.flatMap((name) => {
    const [before, after] = [a.get(name), b.get(name)];
    if (show(before) === show(after)) return [];
    const field = `env[${name}]`;
    if (before === undefined) return [{ field, from: ABSENT, to: 'set' }];
    return [{ field, from: 'set', to: after === undefined ? ABSENT : 'changed' }];
  });
}

const NO_PARTS: ReadonlyMap<string, unknown> = new Map();

interface Parts {
  readonly parts: ReadonlyMap<string, unknown>;
  readonly path: (field: string, name: string) => string;
}

function partsOf(value: unknown): Parts | undefined {
  if (Array.isArray(value)) {
    const named = value.map((item: unknown) => [nameOf(item), item] as const);
    const names = new Set(named.map(([name]) => name));
    if (names.has(undefined) || names.size < named.length) return undefined;
    return {
      parts: new Map(named.map(([name, item]) => [name ?? '', item])),
      path: (field, name) => `${field}[${name}]`,
    };
  }
  if (typeof value !== 'object' || value === null) return undefined;
  return {
    parts: new Map(Object.entries(value)),
    path: (field, name) => (field === '' ? name : `${field}.${name}`),
  };
}

function nameOf(item: unknown): string | undefined {
  const isNamed = typeof item === 'object' && item !== null && 'name' in item;
  return isNamed && typeof item.name === 'string' ? item.name : undefined;
}

/** As causes show values: `[a b]`, `absent`; JSON for what has parts. */
function show(value: unknown): string {
  if (value === undefined) return ABSENT;
  if (Array.isArray(value)) return `[${value.map(show).join(' ')}]`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function cut(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
