import type * as z from 'zod';
import { accept, quote, reject } from '../value/index.ts';
import { textMap } from './field.ts';

/** Ownership is read from labels with this prefix. */
const RESERVED_PREFIX = 'ovr.';

/** Docker labels of what the engine makes. */
export function dockerLabels(
  what: string,
): z.ZodDefault<z.ZodType<Record<string, string>, Record<string, string>>> {
  return textMap(
    {
      description: `Docker labels of the ${what}. Names that start with ovr. are reserved.`,
      examples: [{ team: 'web' }],
      like: '{team: web}',
    },
    (name) =>
      name.startsWith(RESERVED_PREFIX)
        ? reject(
            `${quote(name)}: labels that start with ${RESERVED_PREFIX} mark what ovr owns; choose another name`,
            'label-reserved',
          )
        : accept(name),
  ).default({});
}
