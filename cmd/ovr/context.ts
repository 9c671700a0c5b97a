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
  /** Who runs this, for what others see. */
  who(): string;
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

/** The status of the agent that answers; undefined where nobody listens. Any other failure means that something is there, and stays one. */
export async function answeringAgent(client: AgentClient): Promise<AgentStatus | undefined> {
  try {
    return await client.status();
  } catch (error) {
    if (failureOf(error) === 'unreachable') return undefined;
    throw error;
  }
}

/** How asking the agent failed. By its shape, because loading the client for its class would slow down every run. */
export function failureOf(error: unknown): unknown {
  return error instanceof Error && 'failure' in error ? error.failure : undefined;
}
