import { KINDS, objectKey, type Kind } from '../../pkg/api/index.ts';
import { didYouMean } from '../../pkg/config/index.ts';
import type { ObjectStatus } from '../../pkg/reconcile/index.ts';
import { UsageError } from './context.ts';

/** What `get` can list. */
export type Listing = Kind | 'Node';

const NAMES: Readonly<Record<Listing, readonly [plural: string, ...others: string[]]>> = {
  Network: ['networks', 'network', 'net', 'n'],
  Container: ['containers', 'container', 'c'],
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
interface Selection {
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

/** Reads the arguments of a verb that is about one object. Fails with a UsageError. */
export function parseTarget(first: string, second: string | undefined, verb: string): Target {
  const { listing, name } = parseSelection(first, second);
  if (listing === 'Node')
    throw new UsageError(`${verb} takes a network or a container: for the node see ovr status`);
  if (name !== undefined) return { kind: listing, name };
  throw new UsageError(
    `the name is missing: write ovr ${verb} ${first} NAME; ovr get ${first} lists the names`,
  );
}

/** The object, or an error that suggests another one. */
export function findObject(objects: readonly ObjectStatus[], { kind, name }: Target): ObjectStatus {
  const ofKind = objects.filter((object) => object.kind === kind);
  const found = ofKind.find((object) => object.name === name);
  if (found) return found;
  const names = ofKind.map((object) => object.name);
  const what = `there is no ${objectKey(kind, name)} on this node${didYouMean(name, names)}`;
  throw new Error(`${what}: ovr get ${plural(kind)} lists what there is`);
}
