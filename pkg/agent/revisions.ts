import { join } from 'node:path';
import type { Clock } from '../api/index.ts';
import { History, PinnedSource, Rollbacks, type HoldStore, type Source } from '../reconcile/index.ts';
import { RevisionFiles } from './revision-files.ts';

interface RevisionsDeps {
  readonly source: Source;
  readonly stateDir: string;
  readonly clock: Clock;
  /** Asked anew each time. */
  readonly holds: () => HoldStore;
  readonly tell: (message: string) => void;
}

/** What was applied on this node, the source with what is pinned before it, and who pins. */
export interface Revisions {
  readonly history: History;
  readonly source: PinnedSource;
  readonly rollbacks: Rollbacks;
}

/** Keeps revisions in the state folder. Nothing is read yet. */
export function createRevisions(deps: RevisionsDeps): Revisions {
  const { source: real, stateDir, clock, holds, tell } = deps;
  const history: History = new History({
    store: new RevisionFiles(join(stateDir, 'revisions'), tell),
    clock,
    sourceName: real.name,
    tell,
    pinned: () => rollbacks.history().pinned,
  });
  const rollbacks: Rollbacks = new Rollbacks({
    history,
    clock,
    holds,
    sourceRevision: () => real.state().revision,
  });
  const source = new PinnedSource({ source: real, history, clock, holds: () => holds().list() });
  return { history, source, rollbacks };
}
