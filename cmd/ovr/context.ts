import type { Clock } from '../../pkg/api/index.ts';
import type { ClientConfig } from '../../pkg/config/index.ts';
import type { AgentStatus } from '../../pkg/reconcile/index.ts';
import type { AgentClient } from '../../pkg/server/index.ts';
import type { Local } from './local.ts';
import type { Paint } from './render/paint.ts';

/** Where text goes. */
export interface Output {
  readonly isTty: boolean;
  write(text: string): void;
}

/** Everything a verb may use, so that a test can hand in all of it. */
export interface CliContext {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly clock: Clock;
  /** Colours for stdout, or none. */
  readonly paint: Paint;
  readonly version: string;
  /** What runs in this process, without an agent. */
  readonly local: Local;
  /** Flags, variables and file. Fails with a UsageError that lists every mistake. */
  config(): Promise<ClientConfig>;
  connect(): Promise<AgentClient>;
  /** Runs something long; the signal comes when the user has had enough. */
  untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

/** The user asked for something that does not exist; exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** Whether nobody listens where the agent should be; all other failures mean that something is there. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof Error && 'failure' in error && error.failure === 'unreachable';
}

/** The status of the agent that answers, or undefined where there is none. */
export async function answeringAgent(client: AgentClient): Promise<AgentStatus | undefined> {
  try {
    return await client.status();
  } catch (error) {
    if (isUnreachable(error)) return undefined;
    throw error;
  }
}
