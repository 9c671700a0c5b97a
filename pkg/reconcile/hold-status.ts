import { objectKey, showSelector, splitKey, type ObjectKey } from '../api/index.ts';
import type { Revision } from '../manifest/index.ts';
import {
  holdKind,
  readRollback,
  readSwitch,
  suspendedTarget,
  switchedAlias,
  type Hold,
  type HoldKind,
  type SuspensionTarget,
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

/** What holds can be about. */
export interface HoldScene {
  /** What is declared. */
  readonly revision: Revision | undefined;
  /** Whether the engine of this node has something of that object; absent until it has been asked. */
  readonly isHere?: ((key: ObjectKey) => boolean) | undefined;
}

/**
 * Those of a kind that this ovr knows.
 * @param scene without it nothing is said of holds for what is not there
 */
export function describeHolds(holds: readonly Hold[], scene?: HoldScene): readonly HoldStatus[] {
  return holds.flatMap((hold) => {
    const kind = holdKind(hold.id);
    if (kind === undefined) return [];
    const problem = scene && problemOf(hold, scene);
    const shown = describeHold(kind, hold);
    return [problem === undefined ? shown : { ...shown, problem }];
  });
}

/** A hold of that kind. */
export function describeHold(kind: HoldKind, hold: Hold): HoldStatus {
  return { ...hold, kind, says: says(kind, hold), release: release(kind, hold) };
}

function release(kind: HoldKind, hold: Hold): string {
  if (kind === 'rollback') return 'ovr resume';
  const target = suspendedTarget(hold.id);
  if (target !== undefined) return resumeCommand(target);
  return `ovr switch ${switchedAlias(hold) ?? ''} --back`;
}

/** What ends a suspension. */
export function resumeCommand(target: SuspensionTarget): string {
  if (target === 'all') return 'ovr resume --all';
  const { kind, name } = splitKey(target);
  return `ovr resume ${kind.toLowerCase()} ${name}`;
}

function says(kind: HoldKind, hold: Hold): string {
  if (kind === 'rollback') return `revision ${readRollback(hold).slice(0, DIGEST_SHOWN)}`;
  const target = suspendedTarget(hold.id);
  if (target !== undefined) return target === 'all' ? 'everything stays as it is' : 'stays as it is';
  const selector = readSwitch(hold);
  return cut(selector ? showSelector(selector) : hold.what);
}

function problemOf(hold: Hold, { revision, isHere }: HoldScene): string | undefined {
  if (!revision) return undefined;
  const target = suspendedTarget(hold.id);
  if (target !== undefined && target !== 'all') {
    const isKnown = revision.objects.has(target) || revision.undecided.has(target);
    if (isKnown || !isHere || isHere(target)) return undefined;
    const { kind, name } = splitKey(target);
    return `no manifest declares ${kind} ${name}, and this node has nothing of it`;
  }
  const alias = switchedAlias(hold);
  if (alias === undefined) return undefined;
  if (!readSwitch(hold)) return 'it cannot be read, so the manifest rules';
  return revision.objects.has(objectKey('Alias', alias)) ? undefined : `no manifest declares Alias ${alias}`;
}

function cut(text: string): string {
  return text.length > SAYS_SHOWN ? `${text.slice(0, SAYS_SHOWN)}…` : text;
}
