import { compareRevisions, type Revision } from '../manifest/index.ts';
import type { ObjectKey } from '../api/index.ts';
import type { SourceCommit, SourceState } from './ports.ts';

/** One revision that was in force on this node. JSON as it is. */
export interface RevisionEntry {
  readonly digest: string;
  /** Counts the times that any revision came into force: the highest is the newest. */
  readonly turn: number;
  /** When it came into force first, and last. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Names of the sources it came from. */
  readonly sources: readonly string[];
  /** Where it came from Git. */
  readonly commit?: SourceCommit;
  readonly objects: number;
  /** Digest of the revision that was in force before it; absent for the first. */
  readonly before?: string;
  readonly changes: RevisionChanges;
}

/** What is different from the revision before, at most `LISTED` keys each; `omitted` counts the others. */
export interface RevisionChanges {
  readonly added: readonly ObjectKey[];
  readonly removed: readonly ObjectKey[];
  /** With the fields of the spec that differ, without what is in them. */
  readonly changed: readonly { readonly key: ObjectKey; readonly fields: readonly string[] }[];
  readonly omitted: number;
}

const LISTED = 200;

/** What to write down when a revision comes into force: anew, or once more. */
export function enterRevision(
  { revision, state, sourceName }: { revision: Revision; state: SourceState; sourceName: string },
  known: { readonly entry?: RevisionEntry; readonly before?: Revision; readonly turn: number },
  nowMs: number,
): RevisionEntry {
  const { entry, before, turn } = known;
  const sources = state.parts?.map(({ name }) => name) ?? [sourceName];
  const origin =
    entry && state.pin ? { sources: entry.sources, ...commitOf(entry) } : { sources, ...commitOf(state) };
  return {
    digest: revision.digest,
    turn,
    firstMs: entry?.firstMs ?? nowMs,
    lastMs: nowMs,
    ...origin,
    objects: revision.objects.size,
    ...(before ? { before: before.digest } : {}),
    changes: changesSince(before, revision),
  };
}

function commitOf({ commit }: { readonly commit?: SourceCommit }): { readonly commit?: SourceCommit } {
  return commit ? { commit } : {};
}

function changesSince(before: Revision | undefined, revision: Revision): RevisionChanges {
  if (!before) return { added: [], removed: [], changed: [], omitted: 0 };
  const differences = compareRevisions(before, revision);
  const keysOf = (change: string): ObjectKey[] =>
    differences.filter((difference) => difference.change === change).map(({ key }) => key);
  const [added, removed] = [keysOf('added'), keysOf('removed')];
  const changed = differences
    .filter(({ change }) => change === 'changed')
    .map(({ key, fields }) => ({ key, fields: [...new Set(fields.map(({ field }) => topLevel(field)))] }));
  const lists = [added, removed, changed];
  return {
    added: added.slice(0, LISTED),
    removed: removed.slice(0, LISTED),
    changed: changed.slice(0, LISTED),
    omitted: lists.reduce((sum, list) => sum + Math.max(0, list.length - LISTED), 0),
  };
}

/** `networks` of `networks[ovr0].aliases`; `metadata.labels` stays what it is. */
function topLevel(field: string): string {
  const [first = '', second = ''] = field.split(/[.[]/);
  return first === 'metadata' ? `${first}.${second}` : first;
}
