import { OvrError } from '../../pkg/api/index.ts';
import { restoreRevision, storeRevision, type Revision } from '../../pkg/manifest/index.ts';
import type { RevisionEntry, RevisionStore } from '../../pkg/reconcile/index.ts';

/** Revisions that outlive the agents of one test. */
export class TestRevisionStore implements RevisionStore {
  readonly kept = new Map<string, { readonly entry: RevisionEntry; readonly text: string }>();
  failure: Error | undefined;

  list(): Promise<readonly RevisionEntry[]> {
    return Promise.resolve([...this.kept.values()].map(({ entry }) => entry));
  }

  read(digest: string): Promise<Revision> {
    const found = this.kept.get(digest);
    if (!found) return Promise.reject(new OvrError('not-found', 'invalid', 'it is not in the history'));
    return Promise.resolve(restoreRevision(JSON.parse(found.text)));
  }

  write(entry: RevisionEntry, revision: Revision): Promise<void> {
    if (this.failure) return Promise.reject(this.failure);
    this.kept.set(entry.digest, { entry, text: JSON.stringify(storeRevision(revision)) });
    return Promise.resolve();
  }

  remove(digest: string): Promise<void> {
    this.kept.delete(digest);
    return Promise.resolve();
  }
}
