import { CommanderError } from 'commander';

import { errorMessage, type Clock } from '../../pkg/api/index.ts';
import {
  loadClientConfig,
  loadVariables,
  readVersion,
  type ClientConfig,
  type FlagTexts,
  type Loaded,
} from '../../pkg/config/index.ts';
import type { AgentClient } from '../../pkg/server/index.ts';
import { UsageError, type CliContext, type Output } from './context.ts';
import type { Local } from './local.ts';
import { createProgram } from './program.ts';
import { createPaint } from './render/paint.ts';
import { oneLine } from './render/text.ts';

/** What surrounds a run of ovr. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => Promise<string>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly clock: Clock;
  /** Who runs this. */
  readonly who: () => string;
  readonly local: Local;
  readonly untilInterrupted: CliContext['untilInterrupted'];
}

const FAILURE = 1;
const USAGE = 2;

/** Runs ovr and returns its exit code. `argv` is without program and script. Never fails: errors are lines on stderr. */
export async function runCli(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stdout, stderr } = surroundings;
  let exitCode = 0;
  const { program, flags } = createProgram(async (work, failureCode = FAILURE) => {
    try {
      exitCode = await work(createContext(surroundings, flags));
    } catch (error) {
      exitCode = error instanceof UsageError ? USAGE : failureCode;
      for (const line of errorMessage(error).split('\n')) stderr.write(`ovr: ${oneLine(line)}\n`);
    }
  });
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text) => stderr.write(`${usageLine(text, command.name())}\n`),
    });
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has printed what there is to say.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
    throw error;
  }
}

function usageLine(text: string, command: string): string {
  const help = command === 'ovr' ? 'ovr --help' : `ovr ${command} --help`;
  return `ovr: ${oneLine(text).replace(/^error: /, '')}: see ${help}`;
}

function createContext(surroundings: Surroundings, flags: FlagTexts): CliContext {
  const { env, readFile, stdout, stderr, clock, who, local, untilInterrupted } = surroundings;
  const config = async (): Promise<ClientConfig> => loaded(await loadClientConfig({ flags, env, readFile }));
  const readManifests: Local['readManifests'] = async (paths, options) => {
    const variables = loaded(await loadVariables({ flags, env, readFile }));
    return local.readManifests(paths, { ...options, variables });
  };
  const connect = async (): Promise<AgentClient> => {
    const { socket, server } = await config();
    const { createClient } = await import('../../pkg/server/index.ts');
    return createClient(server === undefined ? { socketPath: socket } : { url: server });
  };
  const paint = createPaint(stdout.isTty, env);
  return {
    stdout,
    stderr,
    clock,
    paint,
    version: readVersion(),
    who,
    local: { ...local, readManifests },
    config,
    connect,
    untilInterrupted,
  };
}

function loaded<C>(answer: Loaded<C>): C {
  if (answer.ok) return answer.config;
  throw new UsageError('problems' in answer ? answer.problems.join('\n') : answer.text);
}
