#!/usr/bin/env node
import { readFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import type { Agent } from '../../pkg/agent/index.ts';
import { errorMessage, OvrError, type Logger } from '../../pkg/api/index.ts';
import { loadConfig, type Config } from '../../pkg/config/index.ts';

const USAGE_ERROR = 2;

// It idles beside production containers, so its start, which reads everything, must not make it big for good: for 1,000 containers this saves
// 100 MB. Kept for longer it would cost 2 % of a core at rest.
const SMALL_START_MS = 10_000;
setFlagsFromString('--optimize-for-size');
setFlagsFromString('--max-semi-space-size=2');
setTimeout(() => setFlagsFromString('--no-optimize-for-size'), SMALL_START_MS).unref();

const loaded = await loadConfig({
  argv: process.argv.slice(2),
  env: process.env,
  readFile: (path) => readFile(path, 'utf8'),
});
if (loaded.ok) {
  await run(loaded.config);
} else if ('text' in loaded) {
  process.stdout.write(loaded.text);
} else {
  for (const problem of loaded.problems) process.stderr.write(`ovrd: ${problem}\n`);
  process.exitCode = USAGE_ERROR;
}

async function run(config: Config): Promise<void> {
  // Loaded only now, so that --help and mistakes are answered at once.
  const { createAgent, createLogger, systemClock } = await import('../../pkg/agent/index.ts');
  const logger = createLogger({ format: config.logFormat, level: config.logLevel });
  try {
    const agent = await createAgent(config, { clock: systemClock, logger, environment: process.env });
    stopOnSignal(agent, logger);
    const settled = agent.settled();
    await agent.start();
    if (config.once) await finish(agent, await settled);
  } catch (error) {
    if (error instanceof OvrError && error.code === 'invalid-request') {
      process.stderr.write(`ovrd: ${error.message}\n`);
      process.exit(USAGE_ERROR);
    }
    logger.error({ error: errorMessage(error) }, 'cannot start');
    process.exit(1);
  }
}

async function finish(agent: Agent, isConverged: boolean): Promise<void> {
  await agent.stop();
  process.exit(isConverged ? 0 : 1);
}

/** The first signal stops in order and leaves every container running; a second one ends the process at once. */
function stopOnSignal(agent: Agent, logger: Logger): void {
  let isStopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (isStopping) process.exit(1);
      isStopping = true;
      logger.info({ signal }, 'stopping; containers stay as they are');
      void agent.stop().then(() => process.exit(0));
    });
  }
}
