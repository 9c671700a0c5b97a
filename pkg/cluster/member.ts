import type { NodeFacts } from '../constraint/index.ts';
import type { EngineKind } from '../state/index.ts';
import { type Fields, readDocument, writeDocument, type DocumentRead } from './document.ts';
import { readStamp, type Stamp } from './stamp.ts';

const ENGINE_KINDS = [
  'plain',
  'cluster-store',
  'swarm-manager',
  'swarm-worker',
  'classic-swarm',
] as const satisfies readonly EngineKind[];

/** What `members/<node>` says of a node. */
export interface Member {
  /** Random, kept in the state folder: tells an earlier run of the same agent from another agent of the same name. */
  readonly instance: string;
  /** Of ovr. */
  readonly version: string;
  /** Where people find it; empty where unknown. */
  readonly address: string;
  readonly facts: NodeFacts;
  /** Both 0 where not known. */
  readonly nanoCpus: number;
  readonly memoryBytes: number;
  readonly engine: {
    readonly kind: EngineKind;
    readonly version: string;
    readonly up: boolean;
    readonly message: string;
  };
  readonly seen: Seen;
}

/** The newest that a node has believed so far: what is older in the store tells that the store went back. */
export interface Seen {
  /** Empty before the first. */
  readonly clusterId: string;
  readonly epoch: number;
  readonly decision: Stamp;
  readonly bindings: Stamp;
}

export function writeMember(member: Member): string {
  return writeDocument(member);
}

export function readMember(path: string, text: string): DocumentRead<Member> {
  return readDocument(path, text, decode);
}

function decode(fields: Fields): Member {
  const engine = fields.fields('engine');
  const seen = fields.fields('seen');
  return {
    instance: fields.text('instance'),
    version: fields.text('version'),
    address: fields.text('address'),
    facts: readFacts(fields.fields('facts')),
    nanoCpus: fields.number('nanoCpus'),
    memoryBytes: fields.number('memoryBytes'),
    engine: {
      kind: engine.oneOf('kind', ENGINE_KINDS),
      version: engine.text('version'),
      up: engine.flag('up'),
      message: engine.text('message'),
    },
    seen: {
      clusterId: seen.text('clusterId'),
      epoch: seen.number('epoch'),
      decision: readStamp(seen.fields('decision')),
      bindings: readStamp(seen.fields('bindings')),
    },
  };
}

function readFacts(fields: Fields): NodeFacts {
  return {
    id: fields.text('id'),
    name: fields.text('name'),
    ip: fields.text('ip'),
    role: fields.oneOf('role', ['manager', 'worker']),
    os: fields.text('os'),
    arch: fields.text('arch'),
    labels: Object.fromEntries(fields.textMap('labels')),
    engineLabels: Object.fromEntries(fields.textMap('engineLabels')),
  };
}
