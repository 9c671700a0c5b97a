import type { AgentStatus, ClusterContainer, ClusterView, NodeStatus } from '../../../pkg/reconcile/index.ts';
import { yesOrNo } from './cluster-columns.ts';
import { SHORT_ID, conditionCell } from './columns.ts';
import { paintNodeState, type Paint } from './paint.ts';
import { fields, section } from './sections.ts';
import { renderTable } from './table.ts';
import { formatCpus, formatMemory, oneLine } from './text.ts';
import { splitKey } from '../../../pkg/api/index.ts';

/** A node with what is meant to run there. */
export interface NodeDetails extends NodeStatus {
  readonly key: string;
  readonly containers: readonly ClusterContainer[];
}

/** Everything that the cluster's view has about one of its nodes. */
export function nodeDetails({ containers }: ClusterView, node: NodeStatus): NodeDetails {
  return {
    key: `Node/${node.name}`,
    ...node,
    containers: containers.filter((container) => container.node === node.name),
  };
}

interface NodeView {
  readonly paint: Paint;
  /** The agent that answers. */
  readonly here: AgentStatus;
}

/** What `ovr describe node` prints. */
export async function renderNode(node: NodeDetails, view: NodeView): Promise<string> {
  const { host } = node;
  const parts = [
    overview(node, view),
    section('Labels', labelLines(host?.labels)),
    section('Engine labels', labelLines(host?.engineLabels)),
    section('Resources', await resources(node)),
    section('Not ready', await conditions(node, view.paint)),
    section('Containers', await containers(node, view.paint)),
  ];
  return parts.join('\n');
}

function overview(node: NodeDetails, { paint, here }: NodeView): string {
  const { name, state, isLeader, engine, version, host, converged, inSwarmDiscovery } = node;
  const meaning = here.coordinator.kind === 'local' ? '' : `: ${MEANINGS[state]}`;
  const leads = isLeader ? ', leads the cluster' : '';
  const clean = (text: string | undefined): string => oneLine(text ?? '');
  const rows: (readonly [title: string, value: string])[] = [
    ['Name', clean(name)],
    ['State', `${paintNodeState(paint, state)}${leads}${meaning}`],
    ['Agent', clean(version && `ovrd ${version}`)],
    ['Engine', engine ? describeEngine(engine, paint) : ''],
    ['Address', clean(host?.address)],
    ['Role', clean(host?.role)],
    ['Platform', clean(host && `${host.os}/${host.arch}`)],
    ['Revision', clean(describeRevision(node, here))],
    ['Applied', clean(node.applied === node.revision ? undefined : node.applied?.slice(0, SHORT_ID))],
    ['Converged', yesOrNo(converged)],
    ['Swarm', inSwarmDiscovery ? 'registered in classic Swarm’s discovery' : ''],
  ];
  return fields(rows.filter(([, value]) => value !== ''));
}

const MEANINGS: Readonly<Record<NodeStatus['state'], string>> = {
  up: 'its agent has a session',
  away: 'its agent has no session; its containers stay its own for now',
  lost: 'its agent has been away for too long; its on-node-failure containers go to others',
  swarm: 'only classic Swarm knows it; no agent runs there',
};

function describeEngine(
  { up, kind, version, message }: NonNullable<NodeStatus['engine']>,
  paint: Paint,
): string {
  const what = oneLine(`${kind}, Docker ${version}`);
  return up ? `${paint('green', 'up')}, ${what}` : `${paint('red', 'down')}, ${what}: ${oneLine(message)}`;
}

function describeRevision({ revision, name }: NodeStatus, here: AgentStatus): string | undefined {
  if (revision === undefined) return undefined;
  const text = revision.slice(0, SHORT_ID);
  const own = here.revision?.digest;
  if (name === here.node || own === undefined) return text;
  return own === revision
    ? `${text}, as on ${here.node}`
    : `${text}, another than on ${here.node} (${own.slice(0, SHORT_ID)})`;
}

function labelLines(labels: Readonly<Record<string, string>> | undefined): string {
  if (!labels) return 'not known\n';
  const lines = Object.entries(labels).map(([key, value]) => `${oneLine(`${key}=${value}`)}\n`);
  return lines.join('') || 'none\n';
}

function resources({ host, requested }: NodeDetails): Promise<string> {
  const row = (
    name: string,
    wanted: number,
    { capacity, format }: { capacity: number | undefined; format: (amount: number) => string },
  ): string[] => {
    const part = capacity ? `${Math.round((100 * wanted) / capacity)}%` : '';
    return [name, capacity ? format(capacity) : '', format(wanted), part];
  };
  return renderTable(
    ['RESOURCE', 'CAPACITY', 'REQUESTED', 'SHARE'],
    [
      row('CPUs', requested.nanoCpus, { capacity: host?.nanoCpus, format: formatCpus }),
      row('memory', requested.memoryBytes, { capacity: host?.memoryBytes, format: formatMemory }),
      ['containers', '', String(requested.containers), ''],
    ],
  );
}

async function conditions({ conditions: found, state }: NodeDetails, paint: Paint): Promise<string> {
  if (found.length === 0) return state === 'up' ? 'none\n' : 'not known\n';
  const rows = found.map(({ key, type, message }) => [key, conditionCell(paint, type), message]);
  return renderTable(['OBJECT', 'CONDITION', 'MESSAGE'], rows);
}

async function containers({ containers: found }: NodeDetails, paint: Paint): Promise<string> {
  if (found.length === 0) return 'none\n';
  const rows = found.map(({ key, by, condition }) => [
    splitKey(key).name,
    by,
    conditionCell(paint, condition.type),
    condition.message,
  ]);
  return renderTable(['NAME', 'BY', 'CONDITION', 'MESSAGE'], rows);
}
