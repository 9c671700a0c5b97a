import * as z from 'zod';
import type { Ulimit } from '../objects.ts';
import { checkUlimit, parseUlimit } from '../value/index.ts';
import { form, list, record, settle, text, wholeNumber } from './field.ts';

const UNLIMITED = -1;
const bound = { min: UNLIMITED, max: Number.MAX_SAFE_INTEGER };

const ulimitMap = record(
  {
    name: text({ description: 'Which limit.', examples: ['nofile'] }),
    soft: wholeNumber(bound, { description: 'What holds at the start; -1 for no limit.', examples: [1024] }),
    hard: z.exactOptional(
      wholeNumber(bound, {
        description: 'How far the process may raise it. Default: soft.',
        examples: [2048],
      }),
    ),
  },
  '{name: nofile, soft: 1024, hard: 2048}',
)
  .transform(({ name, soft, hard }, context) =>
    settle(checkUlimit({ name, soft, hard: hard ?? soft }), 'value-invalid', context),
  )
  .meta({ description: 'One limit.' });

/** Limits of the process, in either form. */
export const ulimits: z.ZodType<Ulimit[]> = list(
  z.union(
    [
      form('value-invalid', parseUlimit, { description: 'NAME=SOFT[:HARD]', examples: ['nofile=1024:2048'] }),
      ulimitMap,
    ],
    { error: 'text such as "nofile=1024:2048" or a map such as {name: nofile, soft: 1024, hard: 2048}' },
  ),
  '["nofile=1024:2048"]',
).meta({
  description: 'Limits of the process, as NAME=SOFT[:HARD] or as maps.',
  examples: [['nofile=1024:2048']],
});

/** Words of a command. None at all counts as not set. */
export function commandWords(
  description: string,
  examples: readonly unknown[],
): z.ZodType<string[], string[]> {
  return list(z.string({ error: 'text' }), '[sh, -c, "echo hello"]').meta({
    description,
    examples: [...examples],
  });
}
