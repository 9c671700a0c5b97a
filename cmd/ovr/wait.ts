import { pause } from '../../pkg/api/index.ts';
import type { AgentStatus } from '../../pkg/reconcile/index.ts';
import type { AgentClient } from '../../pkg/server/index.ts';
import { answeringAgent, failureOf, type CliContext, type Output } from './context.ts';
import { needsAttention } from './render/status.ts';

const POLL_MS = 200;

interface Waiting {
  readonly context: CliContext;
  readonly client: AgentClient;
  readonly signal: AbortSignal;
  /** Monotonic. */
  readonly endMs: number;
}

/**
 * Asks the agent to look again and waits for a newer round that finds nothing to do. An agent that is still starting is waited
 * for as well. Fails when it is not reached in time, or when the user interrupts.
 */
export async function waitUntilConverged(waiting: Waiting): Promise<{ agent: AgentStatus; isLate: boolean }> {
  const { context, client, endMs } = waiting;
  const first = await reach(waiting);
  const hasAsked = await lookAgain(client);
  const report = createProgress(context.stderr);
  for (;;) {
    const agent = await reach(waiting);
    const isNews = !hasAsked || agent.lastRoundMs !== first.lastRoundMs;
    if (agent.converged && isNews) return { agent, isLate: false };
    if (context.clock.monotonic() >= endMs) return { agent, isLate: true };
    report(agent);
    await untilNextPoll(waiting);
  }
}

async function reach(waiting: Waiting): Promise<AgentStatus> {
  for (;;) {
    if (waiting.context.clock.monotonic() >= waiting.endMs) return waiting.client.status();
    const agent = await answeringAgent(waiting.client);
    if (agent) return agent;
    await untilNextPoll(waiting);
  }
}

/** Whether it could be asked: a read-only address refuses, and its agent looks again at its own pace. */
async function lookAgain(client: AgentClient): Promise<boolean> {
  try {
    await client.resync();
    return true;
  } catch (error) {
    if (failureOf(error) === 'refused') return false;
    throw error;
  }
}

async function untilNextPoll({ context, signal }: Waiting): Promise<void> {
  await pause(context.clock, POLL_MS);
  if (signal.aborted)
    throw new Error('interrupted before all was as declared: ovr status shows what is left');
}

/** Says how many objects are left each time that number changes. */
function createProgress(stderr: Output): (agent: AgentStatus) => void {
  let known = 0;
  return ({ objects }) => {
    const left = objects.filter(needsAttention).length;
    if (left !== known && left > 0) stderr.write(`waiting for ${left} of ${objects.length} objects\n`);
    known = left;
  };
}
