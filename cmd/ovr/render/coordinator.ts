import type { AgentStatus, CoordinatorStatus } from '../../../pkg/reconcile/index.ts';
import type { Paint } from './paint.ts';
import { count } from './text.ts';

const NAMES_SHOWN = 8;

/** The rows of `ovr status` about the others; none for an agent alone. */
export function coordinatorRows(
  { coordinator, node }: AgentStatus,
  paint: Paint,
): (readonly [name: string, value: string])[] {
  if (coordinator.kind === 'local') return [];
  const { connected, sessions, members, bound, leaseHeld } = coordinator;
  const link = connected ? paint('green', 'connected') : paint('red', 'not connected');
  const lease = leaseHeld ? 'lease held' : paint('red', connected ? 'lease not held yet' : 'lease lost');
  const lost = `since the start ${sessions.expired} expired, ${sessions.disconnected} broke off`;
  return [
    ['Coordinator', `${coordinator.kind}, ${link}`],
    ['Session', `${lease}; ${lost}`],
    ['Leader', nameLeader(coordinator, node)],
    ['Members', members.length === 0 ? 'none known' : `${members.length}: ${nameSome(members)}`],
    ['Bound here', count(bound, 'container')],
  ];
}

/** `n2, epoch 4`. */
function nameLeader({ leader, isLeader, epoch, connected }: CoordinatorStatus, node: string): string {
  if (isLeader) return `this node, epoch ${epoch}`;
  const name = leader === undefined ? 'none known' : `${leader}${leader === node ? ' (this node)' : ''}`;
  const since = epoch > 0 ? `, epoch ${epoch}` : '';
  return `${name}${since}${connected ? '' : ', when last heard of'}`;
}

/** The first names, and how many more there are. */
function nameSome(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN).join(', ');
  const more = names.length - NAMES_SHOWN;
  return more > 0 ? `${shown} and ${more} more` : shown;
}

/** What is wrong between this agent and the others, a line each. */
export function coordinatorProblems({ coordinator }: AgentStatus): readonly string[] {
  if (coordinator.kind === 'local') return [];
  const { connected, message, leader, leaseHeld, otherRevisions, unplaced = 0 } = coordinator;
  const isFine = connected && message === 'connected';
  const others = `${count(otherRevisions.length, 'node')}: ${nameSome(otherRevisions)}`;
  const isLeaderOther = leader !== undefined && otherRevisions.includes(leader);
  const effect = isLeaderOther ? ', the leader among them: what it decides does not reach this node' : '';
  const lines: readonly (readonly [isSo: boolean, line: string])[] = [
    [!isFine, message],
    [isFine && leader === undefined, 'the cluster has no leader: nothing is placed or moved until it has'],
    [!leaseHeld && connected, 'on-node-failure containers wait here until their bindings have been read'],
    [!leaseHeld && !connected, 'on-node-failure containers are stopped here: other nodes may run them'],
    [otherRevisions.length > 0, `other manifests than here on ${others}${effect}`],
    [
      unplaced > 0,
      `${count(unplaced, 'container')} without a node: ovr get containers shows which, ovr explain container NAME why`,
    ],
  ];
  return lines.filter(([isSo]) => isSo).map(([, line]) => line);
}
