import { compareStrings } from '../api/index.ts';
import { readDocument, writeDocument, type DocumentRead } from './document.ts';
import { DECISION_PATH } from './paths.ts';
import { readStamp, type Stamp } from './stamp.ts';

/** What the leader decided last, and on which manifests. Written after all bindings that it means. */
export interface Decision extends Stamp {
  /** Digest of the leader's revision. */
  readonly revision: string;
  /** Why containers have no node, by name; only the first ones where there are many. */
  readonly unplaced: ReadonlyMap<string, string>;
  /** How many more have none. */
  readonly omitted: number;
}

const MAX_UNPLACED = 1_000;
const MAX_UNPLACED_BYTES = 256_000;
const MAX_REASON_LENGTH = 1_000;

export function writeDecision({ epoch, turn, revision, unplaced, omitted }: Decision): string {
  return writeDocument({ epoch, turn, revision, omitted, unplaced: Object.fromEntries(unplaced) });
}

export function readDecision(text: string): DocumentRead<Decision> {
  return readDocument(DECISION_PATH, text, (fields) => ({
    ...readStamp(fields),
    revision: fields.text('revision'),
    unplaced: fields.textMap('unplaced'),
    omitted: fields.number('omitted'),
  }));
}

/** As many of the reasons as a znode that every node reads should hold, first by name; the rest is counted. */
export function boundUnplaced(all: ReadonlyMap<string, string>): Pick<Decision, 'unplaced' | 'omitted'> {
  const unplaced = new Map<string, string>();
  let bytes = 0;
  for (const name of [...all.keys()].sort(compareStrings)) {
    const reason = (all.get(name) ?? '').slice(0, MAX_REASON_LENGTH).toWellFormed();
    // An upper bound of the JSON in UTF-8.
    bytes += (name.length + reason.length) * 3 + 6;
    if (unplaced.size === MAX_UNPLACED || bytes > MAX_UNPLACED_BYTES) break;
    unplaced.set(name, reason);
  }
  return { unplaced, omitted: all.size - unplaced.size };
}

/** Whether two decisions say the same, whenever they were written. */
export function sameDecision(a: Omit<Decision, keyof Stamp>, b: Omit<Decision, keyof Stamp>): boolean {
  if (a.revision !== b.revision || a.omitted !== b.omitted || a.unplaced.size !== b.unplaced.size)
    return false;
  return [...a.unplaced].every(([name, reason]) => b.unplaced.get(name) === reason);
}
