import { holdKind, readRollback, ROLLBACK_ID, type Hold, type HoldKind } from './holds.ts';

/** A hold that is in force, as status and CLI show it. */
export interface HoldStatus extends Hold {
  readonly kind: HoldKind;
  /** What it puts in force, in a few words: `revision 0123456789ab`. */
  readonly says: string;
  /** The command that ends it. */
  readonly release: string;
}

const DIGEST_SHOWN = 12;
const SAYS_SHOWN = 200;

/** Those of a kind that this ovr knows. */
export function describeHolds(holds: readonly Hold[]): readonly HoldStatus[] {
  return holds.flatMap((hold) => {
    const kind = holdKind(hold.id);
    return kind === undefined ? [] : [{ ...hold, kind, says: says(kind, hold), release: release(hold.id) }];
  });
}

function release(id: string): string {
  return id === ROLLBACK_ID ? 'ovr resume' : `ovr switch ${id.slice(id.indexOf('/') + 1)} --back`;
}

function says(kind: HoldKind, hold: Hold): string {
  if (kind === 'rollback') return `revision ${readRollback(hold).slice(0, DIGEST_SHOWN)}`;
  const { what } = hold;
  const { selector } = parse(what);
  if (typeof selector !== 'object' || selector === null) return cut(what);
  return cut(
    Object.entries(selector)
      .map(([label, value]) => `${label}=${String(value)}`)
      .join(','),
  );
}

function parse(what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(what);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function cut(text: string): string {
  return text.length > SAYS_SHOWN ? `${text.slice(0, SAYS_SHOWN)}…` : text;
}
