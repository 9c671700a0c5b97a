import { CONDITIONS, KINDS, objectKey, type ConditionType, type ObjectKey } from '../api/index.ts';
import type { Revision } from '../manifest/index.ts';
import type { AgentStatus, ObjectStatus } from '../reconcile/index.ts';
import { literalNode } from '../constraint/index.ts';
import { Fields, readDocument, writeDocument, type DocumentRead } from './document.ts';
import { readStamp, type Stamp } from './stamp.ts';
import type { Testimony } from './witness.ts';

/** What `reports/<node>` says: how the node stands, as others want to know it. */
export interface Report {
  /** Empty before manifests have been read. */
  readonly revision: string;
  /** Empty before everything was as declared once, and from an agent that does not tell. */
  readonly applied: string;
  readonly converged: boolean;
  /** Whether the engine answered in the newest round. */
  readonly engineUp: boolean;
  /** The bindings that the newest round acted on, or older ones. */
  readonly acting: Stamp;
  /** Owned containers, but for those pinned there for good, that run there or are being worked on: they may be running. */
  readonly held: readonly string[];
  /** How many more there are; while there are any, absence from `held` says nothing. */
  readonly heldOmitted: number;
  /** Objects that are not Ready, at most 200. */
  readonly conditions: readonly {
    readonly key: ObjectKey;
    readonly type: ConditionType;
    readonly message: string;
  }[];
  readonly counts: Readonly<Partial<Record<ConditionType, number>>>;
}

const MAX_CONDITIONS = 200;
const MAX_MESSAGE_LENGTH = 300;
const MAX_HELD_BYTES = 500_000;
const AT_REST = new Set(['Ready', 'NotHere', 'Completed']);
const ENDED = new Set(['created', 'exited', 'dead']);

/** What to report of an agent's status. */
export function makeReport(
  status: AgentStatus,
  revision: Revision | undefined,
  { acting, worked }: Testimony,
): Report {
  const counts: Partial<Record<ConditionType, number>> = {};
  for (const { condition } of status.objects) counts[condition.type] = (counts[condition.type] ?? 0) + 1;
  const conditions = status.objects
    .filter(({ condition }) => !AT_REST.has(condition.type))
    .slice(0, MAX_CONDITIONS)
    .map(({ key, condition }) => ({ key, type: condition.type, message: cut(condition.message) }));
  return {
    revision: status.revision?.digest ?? '',
    applied: status.applied?.digest ?? '',
    converged: status.converged,
    engineUp: status.engine.up && status.lastRoundMs !== undefined,
    acting,
    ...heldContainers(status, revision, worked),
    conditions,
    counts,
  };
}

export function writeReport(report: Report): string {
  return writeDocument(report);
}

export function readReport(path: string, text: string): DocumentRead<Report> {
  return readDocument(path, text, (fields) => ({
    revision: fields.text('revision'),
    applied: fields.has('applied') ? fields.text('applied') : '',
    converged: fields.flag('converged'),
    engineUp: fields.flag('engineUp'),
    acting: readStamp(fields.fields('acting')),
    held: fields.texts('held'),
    heldOmitted: fields.number('heldOmitted'),
    conditions: fields.list('conditions').flatMap((value) => readCondition(Fields.of(value))),
    counts: Object.fromEntries(
      CONDITIONS.flatMap((type) => {
        const counts = fields.fields('counts');
        return counts.has(type) ? [[type, counts.number(type)]] : [];
      }),
    ),
  }));
}

/** A kind or condition that this ovr does not know is left out: it is only shown. */
function readCondition(fields: Fields): Report['conditions'] {
  const [kind = '', name = ''] = fields.text('key').split('/', 2);
  const known = KINDS.find((value) => value === kind);
  const type = CONDITIONS.find((value) => value === fields.text('type'));
  if (!known || !type) return [];
  return [{ key: objectKey(known, name), type, message: fields.text('message') }];
}

function heldContainers(
  { objects }: AgentStatus,
  revision: Revision | undefined,
  worked: ReadonlySet<ObjectKey>,
): Pick<Report, 'held' | 'heldOmitted'> {
  const all = objects
    .filter((object) => object.kind === 'Container' && (worked.has(object.key) || mayRun(object)))
    .filter(({ key }) => !isFixed(key, revision))
    .map(({ name }) => name)
    .sort();
  let bytes = 0;
  const held = all.filter((name) => (bytes += name.length * 3 + 3) <= MAX_HELD_BYTES);
  return { held, heldOmitted: all.length - held.length };
}

/** A container of that name that is not ours counts for nothing. */
function mayRun({ observed, condition }: ObjectStatus): boolean {
  return condition.type !== 'Conflict' && observed !== undefined && !ENDED.has(observed.state ?? '');
}

/** Pinned, and not to be moved whatever happens. One that moves once it is pinned no more is told of in time. */
function isFixed(key: ObjectKey, revision: Revision | undefined): boolean {
  const object = revision?.objects.get(key);
  if (object?.kind !== 'Container' || object.spec.reschedule === 'on-node-failure') return false;
  return literalNode(object.spec.nodeConstraint) !== undefined;
}

function cut(message: string): string {
  return message.slice(0, MAX_MESSAGE_LENGTH).toWellFormed();
}
