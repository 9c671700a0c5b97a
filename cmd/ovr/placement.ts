import type { AgentStatus, ClusterContainer, ClusterView, ObjectStatus } from '../../pkg/reconcile/index.ts';
import type { ClusterRead } from './cluster.ts';
import { SHORT_ID } from './render/columns.ts';
import { oneLine } from './render/text.ts';

/** What the cluster has about one object; absent for what it does not know, and without a cluster. */
export function placementOf(cluster: ClusterRead, key: string): ClusterContainer | undefined {
  return cluster.type === 'shared' ? cluster.view.containers.find((row) => row.key === key) : undefined;
}

/** Where a container is meant to run, in one line; undefined where there is nothing to tell. */
export function placementLine(cluster: ClusterRead, { key, kind }: ObjectStatus): string | undefined {
  if (cluster.type === 'alone' || kind !== 'Container') return undefined;
  if (cluster.type === 'unread') return `not known: ${oneLine(cluster.reason)}`;
  const placement = placementOf(cluster, key);
  if (!placement) return 'not known to the cluster';
  const { node, by, condition } = placement;
  if (node === undefined) return `none: ${oneLine(condition.message)}`;
  return `${node}, ${by === 'bound' ? 'bound to it by the leader' : 'pinned to it by its constraint'}`;
}

interface Told {
  readonly object: ObjectStatus;
  readonly status: AgentStatus;
  readonly cluster: ClusterRead;
}

/** Tells which node runs a container and who decided so; empty where this node is the whole cluster. */
export function tellPlacement({ object, status, cluster }: Told): string {
  if (cluster.type === 'alone' || object.kind !== 'Container') return '';
  const parts = [
    ...(object.condition.type === 'Fenced' ? [tellFence(status)] : []),
    cluster.type === 'shared'
      ? tellView(object, status, cluster.view)
      : `Which node it belongs to cannot be read now: ${oneLine(cluster.reason)}`,
  ];
  return parts.join('\n');
}

function tellFence(status: AgentStatus): string {
  const { connected, message } = status.coordinator;
  const now = connected ? '' : ` Now: ${oneLine(message)}.`;
  return `This node has been without a session for too long, and ${leaderOf(status)} may have another node run it. So it is stopped here and kept. With the session it starts again, or goes if it has moved.${now}`;
}

/** `the leader (n2, epoch 4)`. */
function leaderOf({ coordinator, node }: AgentStatus): string {
  const { leader, isLeader, epoch } = coordinator;
  const name = isLeader ? `${node}, this node` : leader;
  return name === undefined ? 'the leader' : `the leader (${name}, epoch ${epoch})`;
}

function tellView(object: ObjectStatus, status: AgentStatus, view: ClusterView): string {
  const placement = view.containers.find(({ key }) => key === object.key);
  const difference = tellDifference(status, view);
  if (!placement) return ['The cluster does not know it.', ...difference].join('\n');
  if (placement.node === undefined) return [tellUnplaced(placement, status), ...difference].join('\n');
  const { node, by } = placement;
  const where = node === status.node ? 'this node' : `node ${node}`;
  const decided =
    by === 'bound'
      ? `${sentenceStart(leaderOf(status))} bound it to ${where}.`
      : `Its constraint names ${where}, so no leader chooses one.`;
  return [decided, ...tellElsewhere(placement, status, view)].join(' ');
}

function sentenceStart(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** What another node says of it, since the story below is only that of this one. */
function tellElsewhere(
  { node, condition }: ClusterContainer,
  status: AgentStatus,
  view: ClusterView,
): string[] {
  if (node === undefined || node === status.node) return [];
  const found = view.nodes.find(({ name }) => name === node);
  if (!found) return [`No node of that name is a member: start its agent, or change the constraint.`];
  if (found.state === 'away') return [`That node is away: how it is there is not known.`];
  if (found.state === 'lost') return [`That node is lost: it has been away for too long.`];
  return [
    `There it is ${condition.type}: ${oneLine(condition.message)}. ovr explain on ${node} tells its story.`,
  ];
}

function tellUnplaced({ condition }: ClusterContainer, status: AgentStatus): string {
  if (condition.type !== 'Unschedulable') return `No node has it: ${oneLine(condition.message)}.`;
  const groups = condition.message.split('; ').map((group) => `\n  ${oneLine(group)}`);
  return `No node runs it: ${leaderOf(status)} has found none that can.${groups.join('')}`;
}

/** The leader decides for nodes with its own manifests only. */
function tellDifference({ revision }: AgentStatus, { nodes }: ClusterView): string[] {
  const leader = nodes.find(({ isLeader }) => isLeader);
  if (!revision || leader?.revision === undefined || leader.revision === revision.digest) return [];
  const [theirs, own] = [leader.revision, revision.digest].map((digest) => digest.slice(0, SHORT_ID));
  return [
    `The leader, ${leader.name}, has other manifests (revision ${theirs}) than this node (revision ${own}), and decides only on its own: bring both to the same.`,
  ];
}
