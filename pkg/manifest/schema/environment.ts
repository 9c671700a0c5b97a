import * as z from 'zod';
import type { EnvVar } from '../objects.ts';
import { accept, parsePath, quote, reject, type Parsed } from '../value/index.ts';
import { complain, form, list, record, text } from './field.ts';

const variable = record(
  {
    name: form('env-invalid', parseVariableName, { description: 'Name of the variable.', examples: ['TZ'] }),
    value: z.exactOptional(text({ description: 'Its value; numbers need quotes.', examples: ['UTC'] })),
    valueFrom: z.exactOptional(
      record(
        {
          file: form('env-invalid', parsePath, {
            description:
              'Absolute path on the host; read when the container is made. Another content later replaces the container.',
            examples: ['/run/secrets/token'],
          }),
        },
        '{file: /run/secrets/token}',
      ).meta({ description: 'Where the value comes from, instead of value.' }),
    ),
  },
  '{name: TZ, value: UTC}',
)
  .transform((entry, context): EnvVar => {
    const { name, value, valueFrom } = entry;
    if (value !== undefined && valueFrom === undefined) return { name, value };
    if (value === undefined && valueFrom !== undefined) return { name, file: valueFrom.file };
    const message =
      value === undefined
        ? `${quote(name)} has no value; add value: "..." or valueFrom: {file: /PATH}`
        : `${quote(name)} has both value and valueFrom; keep one of them`;
    complain(context.issues, 'env-invalid', message);
    return z.NEVER;
  })
  .meta({ description: 'One environment variable.' });

/** Environment of a container. */
export const environment: z.ZodType<EnvVar[]> = list(variable, '[{name: TZ, value: UTC}]')
  .check(({ value, issues }) => {
    const names = new Set<string>();
    for (const [index, { name }] of value.entries()) {
      if (names.has(name))
        complain(issues, 'env-duplicate', `${quote(name)} is set twice; keep one of them`, [index]);
      names.add(name);
    }
  })
  .meta({
    description: 'Environment variables.',
    examples: [[{ name: 'TZ', value: 'UTC' }]],
  });

function parseVariableName(name: string): Parsed<string> {
  if (/^[^=\s]+$/.test(name)) return accept(name);
  return reject(`${quote(name)} cannot name a variable; use letters, digits and '_', without = and spaces`);
}
