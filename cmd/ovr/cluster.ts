import { errorMessage } from '../../pkg/api/index.ts';
import type { AgentStatus, ClusterView } from '../../pkg/reconcile/index.ts';
import type { AgentClient } from '../../pkg/server/index.ts';

/** Whether the agent shares a cluster with others. */
export function isShared({ coordinator }: AgentStatus): boolean {
  return coordinator.kind !== 'local';
}

/** The whole cluster. Fails with the agent's words and what can be asked for all the same. */
export async function readCluster(client: AgentClient, instead: string): Promise<ClusterView> {
  try {
    return await client.cluster();
  } catch (error) {
    throw new Error(`${reasonOf(error)}; ${instead}`, { cause: error });
  }
}

/** The whole cluster where it can be read, for what is worth showing without it too. */
export type ClusterRead =
  | { readonly type: 'alone' }
  | { readonly type: 'shared'; readonly view: ClusterView }
  | { readonly type: 'unread'; readonly reason: string };

/** Reads the cluster of an agent; never fails. */
export async function tryCluster(client: AgentClient, status: AgentStatus): Promise<ClusterRead> {
  if (!isShared(status)) return { type: 'alone' };
  try {
    return { type: 'shared', view: await client.cluster() };
  } catch (error) {
    return { type: 'unread', reason: reasonOf(error).replace(`${client.target}: `, '') };
  }
}

/** Without a full stop, so that it fits into a sentence. */
function reasonOf(error: unknown): string {
  return errorMessage(error).replace(/\.$/, '');
}
