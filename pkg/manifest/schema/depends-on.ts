import * as z from 'zod';
import { DEPENDENCY_CONDITIONS, type Dependency } from '../objects.ts';
import {
  accept,
  CONTAINER_NAME_PATTERN,
  didYouMean,
  parseContainerName,
  quote,
  reject,
  type Parsed,
} from '../value/index.ts';
import { choice, complain, form, list, record } from './field.ts';

const USUAL: Dependency['condition'] = 'Started';

const name = (): z.ZodType<string, string> =>
  form('name-invalid', parseContainerName, {
    description: 'Name of another Container.',
    examples: ['db'],
    pattern: CONTAINER_NAME_PATTERN,
  });

const condition = form('value-unknown', parseCondition, {
  description:
    'Started (default): it runs, or has ended well. Healthy: its health check says so; without a health check, it runs.',
  examples: ['Healthy'],
  pattern: `^(${DEPENDENCY_CONDITIONS.join('|')})$`,
});

function parseCondition(text: string): Parsed<Dependency['condition']> {
  const known = DEPENDENCY_CONDITIONS.find((each) => each === text);
  if (known) return accept(known);
  const names = DEPENDENCY_CONDITIONS.join(', ');
  return reject(`${quote(text)} is not known${didYouMean(text, DEPENDENCY_CONDITIONS)} (known: ${names})`);
}

const dependency = record(
  {
    kind: z.exactOptional(
      choice(['Container'], { description: 'Only a Container: networks come first by themselves.' }),
    ),
    name: name(),
    condition: z.exactOptional(condition),
  },
  '{name: db, condition: Healthy}',
)
  .transform((given): Dependency => ({ name: given.name, condition: given.condition ?? USUAL }))
  .meta({ description: 'One container, and how it must stand.' });

/** What must stand before a container starts, in its full form. */
export const dependsOn: z.ZodType<Dependency[]> = list(
  z.union([name().transform((text): Dependency => ({ name: text, condition: USUAL })), dependency], {
    error: 'the name of a container or a map such as {name: db, condition: Healthy}',
  }),
  '[db] or [{name: db, condition: Healthy}]',
)
  .check(({ value, issues }) => {
    const names = new Set<string>();
    for (const [index, each] of value.entries()) {
      if (names.has(each.name))
        complain(issues, 'dependency-duplicate', `${each.name} is here twice; keep one entry`, [index]);
      names.add(each.name);
    }
  })
  .meta({
    description:
      'Containers that must stand before this one starts. Networks need not be named. A plain name stands for a map with that name.',
    examples: [['db'], [{ name: 'db', condition: 'Healthy' }]],
  });
