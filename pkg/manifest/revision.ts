import type { ObjectKey } from '../api/index.ts';
import type { ManifestObject } from './objects.ts';

/** One consistent snapshot of everything the sources declare. */
export interface Revision {
  /** Digest of all objects' digests: equal exactly when the meaning is. */
  readonly digest: string;
  readonly objects: ReadonlyMap<ObjectKey, ManifestObject>;
  /** Keys the sources mention but do not decide (declared twice): left as they are in the engine, neither changed nor removed. */
  readonly undecided: ReadonlySet<ObjectKey>;
}
