import { KINDS, objectKey, type Kind } from '../../pkg/api/index.ts';
import { didYouMean } from '../../pkg/config/index.ts';
import type { ObjectStatus } from '../../pkg/reconcile/index.ts';
import { UsageError } from './context.ts';

/** What `get` can list. */
export type Listing = Kind | 'Node';

const NAMES: Readonly<Record<Listing, readonly [plural: string, ...others: string[]]>> = {
  Network: ['networks', 'network', 'net', 'n'],
  Container: ['containers', 'container', 'c'],
  Alias: ['aliases', 'alias', 'a'],
  Node: ['nodes', 'node'],
};

/** The word for a kind in messages and completion. */
export function plural(listing: Listing): string {
  return NAMES[listing][0];
}

const LISTINGS: readonly Listing[] = [...KINDS, 'Node'];

/** The words that completion offers. */
export const LISTING_WORDS: readonly string[] = LISTINGS.map(plural);

/** What the user named. */
export interface Selection {
  readonly listing: Listing;
  readonly name?: string;
}

/** Reads `KIND`, `KIND NAME` or `KIND/NAME`. Fails with a UsageError. */
export function parseSelection(first: string, second: string | undefined): Selection {
  const [word = '', ...rest] = first.split('/');
  const listing = parseListing(word);
  const names = [...rest, ...(second === undefined ? [] : [second])];
  const [name] = names;
  if (names.length > 1) throw new UsageError(`"${first} ${second ?? ''}" names too much: write KIND NAME`);
  if (name === '') throw new UsageError(`"${first}" names nothing: write KIND NAME`);
  return { listing, ...(name !== undefined && { name }) };
}

function parseListing(word: string): Listing {
  const lower = word.toLowerCase();
  const found = LISTINGS.find((listing) => NAMES[listing].includes(lower));
  if (found) return found;
  throw new UsageError(
    `"${word}" is not a kind${didYouMean(lower, LISTING_WORDS)}: use ${LISTING_WORDS.join(', ')}`,
  );
}

/** One object. */
export interface Target {
  readonly kind: Kind;
  readonly name: string;
}

/** Reads the arguments of a verb that is about one thing. Fails with a UsageError. */
export function parseNamed(first: string, second: string | undefined, verb: string): Required<Selection> {
  const { listing, name } = parseSelection(first, second);
  if (name !== undefined) return { listing, name };
  throw new UsageError(
    `the name is missing: write ovr ${verb} ${first} NAME; ovr get ${first} lists the names`,
  );
}

/** Reads the arguments of a verb that is about one object of the manifests. Fails with a UsageError. */
export function parseTarget(first: string, second: string | undefined, verb: string): Target {
  const { listing, name } = parseNamed(first, second, verb);
  if (listing !== 'Node') return { kind: listing, name };
  throw new UsageError(
    `${verb} takes a network, a container or an alias: for a node see ovr describe node ${name}`,
  );
}

/** The one with that name, or an error that suggests another one. `where` ends "there is no X". */
export function findNamed<T extends { readonly name: string }>(
  rows: readonly T[],
  { listing, name }: Required<Selection>,
  where: string,
): T {
  const found = rows.find((row) => row.name === name);
  if (found) return found;
  const what = listing === 'Node' ? `node "${name}"` : objectKey(listing, name);
  const hint = didYouMean(
    name,
    rows.map((row) => row.name),
  );
  throw new Error(`there is no ${what} ${where}${hint}: ovr get ${plural(listing)} lists what there is`);
}

/** An object of the answering agent, or an error that suggests another one. */
export function findObject(objects: readonly ObjectStatus[], { kind, name }: Target): ObjectStatus {
  const ofKind = objects.filter((object) => object.kind === kind);
  return findNamed(ofKind, { listing: kind, name }, 'on this node');
}
