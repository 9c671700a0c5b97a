#!/usr/bin/env node
import { readFile } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';

import type { Clock } from '../../pkg/api/index.ts';
import { runCli } from './cli.ts';
import type { Output } from './context.ts';
import { createLocal } from './local.ts';
import { whoAmI } from './who.ts';

const INTERRUPTED = 130;

// The agent's own clock would bring the whole agent with it.
const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

function outputOf(stream: Writable & { readonly isTTY?: boolean }): Output {
  // The reader of a pipe may have had enough (`ovr get c | head`): that is no error.
  stream.on('error', (error: Error) => process.exit('code' in error && error.code === 'EPIPE' ? 0 : 1));
  return { isTty: stream.isTTY ?? false, write: (content) => void stream.write(content) };
}

async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = (): void => {
    process.exitCode = INTERRUPTED;
    controller.abort();
  };
  process.once('SIGINT', stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', stop);
  }
}

const exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  readFile: (path) => readFile(path, 'utf8'),
  stdout: outputOf(process.stdout),
  stderr: outputOf(process.stderr),
  clock,
  who: () => whoAmI(process.env),
  local: createLocal({ clock, readStdin: () => text(process.stdin) }),
  untilInterrupted,
});
process.exitCode ??= exitCode;
// A connection to Docker that is kept alive must not keep the process alive; what is written must get out.
process.stdout.write('', () => process.stderr.write('', () => process.exit()));
