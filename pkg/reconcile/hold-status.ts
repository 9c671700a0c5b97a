import { objectKey, showSelector } from '../api/index.ts';
import type { Revision } from '../manifest/index.ts';
import {
  holdKind,
  readRollback,
  readSwitch,
  ROLLBACK_ID,
  switchedAlias,
  type Hold,
  type HoldKind,
} from './holds.ts';

/** A hold that is in force, as status and CLI show it. */
export interface HoldStatus extends Hold {
  readonly kind: HoldKind;
  /** What it puts in force, in a few words: `revision 0123456789ab`. */
  readonly says: string;
  /** The command that ends it. */
  readonly release: string;
  /** Why it has no effect. */
  readonly problem?: string;
}

const DIGEST_SHOWN = 12;
const SAYS_SHOWN = 200;

/**
 * Those of a kind that this ovr knows.
 * @param revision what is declared; without it nothing is said of holds for what is not there
 */
export function describeHolds(holds: readonly Hold[], revision?: Revision): readonly HoldStatus[] {
  return holds.flatMap((hold) => {
    const kind = holdKind(hold.id);
    if (kind === undefined) return [];
    const problem = problemOf(hold, revision);
    const shown = { ...hold, kind, says: says(kind, hold), release: release(hold) };
    return [problem === undefined ? shown : { ...shown, problem }];
  });
}

function release(hold: Hold): string {
  return hold.id === ROLLBACK_ID ? 'ovr resume' : `ovr switch ${switchedAlias(hold) ?? ''} --back`;
}

function says(kind: HoldKind, hold: Hold): string {
  if (kind === 'rollback') return `revision ${readRollback(hold).slice(0, DIGEST_SHOWN)}`;
  const selector = readSwitch(hold);
  return cut(selector ? showSelector(selector) : hold.what);
}

function problemOf(hold: Hold, revision: Revision | undefined): string | undefined {
  const alias = switchedAlias(hold);
  if (alias === undefined || !revision) return undefined;
  if (!readSwitch(hold)) return 'it cannot be read, so the manifest rules';
  return revision.objects.has(objectKey('Alias', alias)) ? undefined : `no manifest declares Alias ${alias}`;
}

function cut(text: string): string {
  return text.length > SAYS_SHOWN ? `${text.slice(0, SAYS_SHOWN)}…` : text;
}
