import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { runCli } from '../../cmd/ovr/cli.ts';
import type { Local } from '../../cmd/ovr/local.ts';
import { FakeClock, type Clock } from '../../pkg/api/index.ts';
import { createServer } from '../../pkg/server/index.ts';
import { FakeAgent, servedBy } from './fake-agent.ts';

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly isTty?: boolean;
  readonly local?: Partial<Local>;
  /** Called after each write to stdout; the user interrupts when it answers true. */
  readonly interruptAfter?: (stdout: string) => boolean;
}

/** A command line in front of an agent that a test controls, over a real socket. */
export interface CliStage {
  readonly agent: FakeAgent;
  readonly clock: FakeClock;
  readonly socketPath: string;
  /** Milliseconds since the epoch, so many seconds ago. */
  ago(seconds: number): number;
  run(line: string, options?: RunOptions): Promise<Ran>;
  stopAgent(): Promise<void>;
  close(): Promise<void>;
}

/** Starts the agent. Waiting costs no time: the clock jumps to whatever is waited for. */
export async function createCliStage(): Promise<CliStage> {
  const folder = await mkdtemp(join(tmpdir(), 'ovr-cli-'));
  const socketPath = join(folder, 'ovrd.sock');
  const agent = new FakeAgent();
  const clock = new FakeClock();
  const server = createServer({ ...servedBy(agent), git: agent, socketPath });
  await server.start();
  return {
    agent,
    clock,
    socketPath,
    ago: (seconds) => clock.now() - seconds * 1000,
    run: (line, options = {}) => run(line, { OVR_SOCKET: socketPath, ...options.env }, clock, options),
    stopAgent: () => server.stop(),
    close: async () => {
      await server.stop();
      await rm(folder, { recursive: true });
    },
  };
}

async function run(
  line: string,
  env: Readonly<Record<string, string>>,
  clock: FakeClock,
  { isTty = false, local = {}, interruptAfter }: RunOptions,
): Promise<Ran> {
  const controller = new AbortController();
  const written = { stdout: '', stderr: '' };
  const output = (name: 'stdout' | 'stderr'): { isTty: boolean; write: (text: string) => void } => ({
    isTty,
    write: (text) => {
      written[name] += text;
      if (interruptAfter?.(written.stdout)) controller.abort();
    },
  });
  const code = await runCli(line === '' ? [] : line.split(' '), {
    env,
    readFile: () => Promise.reject(Object.assign(new Error('missing'), { code: 'ENOENT' })),
    stdout: output('stdout'),
    stderr: output('stderr'),
    clock: jumping(clock),
    who: () => 'ann@web1',
    local: { ...noLocal, ...local },
    untilInterrupted: (work) => work(controller.signal),
  });
  return { code, ...written };
}

function jumping(clock: FakeClock): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (delayMs, callback) => {
      const pending = setImmediate(() => {
        clock.advance(delayMs);
        callback();
      });
      return () => clearImmediate(pending);
    },
  };
}

const unexpected = (): Promise<never> => Promise.reject(new Error('this test expects no local run'));
const noLocal: Local = {
  readManifests: unexpected,
  checkPolicy: unexpected,
  jsonSchema: unexpected,
  diff: unexpected,
  apply: unexpected,
};
