import { objectKey } from '../api/index.ts';
import type { Plan } from '../plan/index.ts';
import type { EngineFacts } from '../state/index.ts';
import type { HoldStatus } from './hold-status.ts';
import { suspendId } from './holds.ts';
import type { SourcePart, SourceState } from './ports.ts';
import type { AgentStatus, HostSummary, ObjectStatus, SourceStatus } from './status.ts';

/** The parts of an AgentStatus, each made from what it is about. */

export function describeAgent(
  options: Pick<AgentStatus, 'version' | 'cluster' | 'mode'>,
  times: { startedMs: number; lastRoundMs: number | undefined },
): Pick<AgentStatus, 'version' | 'cluster' | 'mode' | 'startedMs' | 'lastRoundMs'> {
  const { version, cluster, mode } = options;
  const { startedMs, lastRoundMs } = times;
  return { version, cluster, mode, startedMs, ...(lastRoundMs === undefined ? {} : { lastRoundMs }) };
}

export function describeEngine(
  facts: EngineFacts | undefined,
  problem: string | undefined,
): Pick<AgentStatus, 'node' | 'engine' | 'host'> {
  const known = facts ? { kind: facts.kind, version: facts.version, apiVersion: facts.apiVersion } : {};
  return {
    node: facts?.node.name ?? '',
    engine: { up: problem === undefined, message: problem ?? 'answers', ...known },
    ...(facts ? { host: describeHost(facts) } : {}),
  };
}

const NANO = 1e9;

/** What others may ask about a node. */
function describeHost({ node, cpus, memoryBytes }: EngineFacts): HostSummary {
  const { ip, role, os, arch, labels, engineLabels } = node;
  return {
    address: ip,
    role,
    os,
    arch,
    labels,
    engineLabels,
    nanoCpus: Math.round(cpus * NANO),
    memoryBytes,
  };
}

export function describeObjects(
  known: readonly ObjectStatus[],
  plan: Plan | undefined,
  holds: readonly HoldStatus[],
): Pick<AgentStatus, 'objects' | 'aliases'> {
  const suspensions = holds.filter(({ kind }) => kind === 'suspend');
  const byId = new Map(suspensions.map((hold) => [hold.id, hold]));
  const objects = byId.size === 0 ? known : known.map((object) => withHold(object, byId));
  const conditions = new Map(objects.map(({ key, condition }) => [key, condition]));
  const aliases = (plan?.aliases ?? []).flatMap((view) => {
    const key = objectKey('Alias', view.name);
    const condition = conditions.get(key);
    return condition ? [{ ...view, key, condition }] : [];
  });
  return { objects, aliases };
}

function withHold(object: ObjectStatus, suspensions: ReadonlyMap<string, HoldStatus>): ObjectStatus {
  const suspended = suspensions.get(suspendId(object.key)) ?? suspensions.get(suspendId('all'));
  return suspended ? { ...object, suspended } : object;
}

export function describeSource(
  name: string,
  state: SourceState,
): Pick<AgentStatus, 'revision' | 'pin' | 'sources' | 'diagnostics'> {
  const { revision, pin, diagnostics, parts = [{ name, state }] } = state;
  const isApplied = revision !== undefined;
  return {
    sources: parts.map((part) => describePart(part, isApplied)),
    diagnostics,
    ...(revision ? { revision: { digest: revision.digest, objects: revision.objects.size } } : {}),
    ...(pin ? { pin } : {}),
  };
}

/** A commit counts as applied once all sources together have a revision. */
function describePart({ name, state }: SourcePart, isApplied: boolean): SourceStatus {
  const { revision, lastSyncMs, doubt, attempted, problem } = state;
  const commit = isApplied ? state.commit : undefined;
  const isOther = attempted?.commit !== commit?.commit;
  return {
    name,
    synced: revision !== undefined,
    ...(lastSyncMs === undefined ? {} : { lastSyncMs }),
    ...(doubt === undefined ? {} : { doubt }),
    ...(commit ? { commit } : {}),
    ...(attempted && isOther ? { attempted } : {}),
    ...(problem === undefined ? {} : { problem }),
  };
}

export function describeApplied(converged: AgentStatus['applied']): Pick<AgentStatus, 'applied'> {
  return converged ? { applied: converged } : {};
}

export function describePrune(held: Plan['held']): Pick<AgentStatus, 'prune'> {
  return { prune: { held: held !== undefined, reason: held?.reason ?? '', keys: held?.keys ?? [] } };
}
