import * as z from 'zod';
import type { Healthcheck } from '../objects.ts';
import { parseDuration } from '../value/index.ts';
import { complain, form, list, record, wholeNumber } from './field.ts';

const MAX_RETRIES = 1_000_000;
const FIRST_WORDS = ['CMD', 'CMD-SHELL', 'NONE'];

const test = z
  .union([z.string(), list(z.string({ error: 'text' }), '[CMD, /bin/check]')], {
    error: 'a shell command or a list such as [CMD, /bin/check]',
  })
  .transform((value, context): string[] => {
    const words = typeof value === 'string' ? ['CMD-SHELL', value] : value;
    const problem = testProblem(words);
    if (problem === undefined) return words;
    complain(context.issues, 'value-invalid', problem);
    return z.NEVER;
  })
  .meta({
    description:
      'Command that succeeds while the container is healthy: a list that starts with CMD, CMD-SHELL or NONE, or a shell command.',
    examples: [
      ['CMD', 'wget', '-q', '-O', '/dev/null', 'http://127.0.0.1/'],
      'wget -q -O /dev/null http://127.0.0.1/',
    ],
  });

/** How the engine finds out whether a container is healthy. */
export const healthcheck: z.ZodType<Healthcheck> = record(
  {
    test,
    interval: z.exactOptional(duration('Time between two checks.', '10s')),
    timeout: z.exactOptional(duration('A check that takes longer has failed.', '2s')),
    retries: z.exactOptional(
      wholeNumber(
        { min: 1, max: MAX_RETRIES },
        { description: 'Failures in a row that make it unhealthy.', examples: [3] },
      ),
    ),
    startPeriod: z.exactOptional(duration('Time after the start in which failures do not count.', '5s')),
  },
  '{test: [CMD, /bin/check], interval: 10s}',
)
  .transform(({ test: command, interval, timeout, retries, startPeriod }): Healthcheck => ({
    test: command,
    ...(interval === undefined ? {} : { intervalMs: interval }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    ...(retries === undefined ? {} : { retries }),
    ...(startPeriod === undefined ? {} : { startPeriodMs: startPeriod }),
  }))
  .meta({ description: "Health check. Absent: the image's own. What is left out is the engine's default." });

/** A duration in milliseconds. */
export function duration(description: string, example: string): z.ZodType<number, string> {
  return form(
    'duration-invalid',
    parseDuration,
    { description, examples: [example] },
    `a duration such as ${example}`,
  );
}

function testProblem(words: readonly string[]): string | undefined {
  const [first, ...rest] = words;
  if (first === undefined || !FIRST_WORDS.includes(first)) {
    return 'the list must start with CMD, CMD-SHELL or NONE; write for example [CMD, /bin/check]';
  }
  if (first === 'NONE') return rest.length === 0 ? undefined : 'NONE stands alone; write [NONE]';
  if (rest.length === 0 || rest[0] === '') return `the command after ${first} is missing`;
  return first === 'CMD-SHELL' && rest.length > 1
    ? 'CMD-SHELL takes one text with the whole command'
    : undefined;
}
