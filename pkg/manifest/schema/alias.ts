import * as z from 'zod';
import type { Selector } from '../../api/index.ts';
import { READINESS, type Readiness } from '../objects.ts';
import { parseAlias, parseDuration, parseNetworkReference } from '../value/index.ts';
import { choice, complain, form, record, textMap } from './field.ts';

/** An alias as it is written: without a name of its own it has the object's. */
export interface ParsedAliasSpec {
  readonly name?: string;
  readonly network: string;
  readonly selector: Selector;
  readonly readiness: Readiness;
  readonly overlapMs?: number;
}

/** The spec of an Alias. */
export const aliasSpec: z.ZodType<ParsedAliasSpec> = record(
  {
    name: z.exactOptional(
      form('alias-invalid', parseAlias, {
        description:
          'The DNS name. Default: the name of the object. Needed where one name is on two networks.',
        examples: ['nginx'],
      }),
    ),
    network: form('name-invalid', parseNetworkReference, {
      description: 'The network on which the name resolves. Its holders must be on it.',
      examples: ['ovr0'],
    }),
    selector: textMap({
      description: 'Labels (metadata.labels) that a container must have, each of them, to hold the name.',
      examples: [{ app: 'nginx', track: 'blue' }],
      like: '{app: nginx, track: blue}',
    }).check(({ value, issues }) => {
      if (Object.keys(value).length > 0) return;
      complain(
        issues,
        'selector-invalid',
        'an empty selector would choose every container; name a label at least',
      );
    }),
    readiness: choice(READINESS, {
      description:
        'Who may hold the name: a container that runs, or one that its healthcheck calls healthy. Without a healthcheck, running is healthy.',
    }).default('Running'),
    overlap: z.exactOptional(
      form('duration-invalid', parseDuration, {
        description:
          'New holders get the name this long before old ones lose it. Default: as long as the engine needs to tell other hosts.',
        examples: ['5s'],
      }),
    ),
  },
  '{network: ovr0, selector: {app: nginx}}',
)
  .transform(({ overlap, ...spec }) => ({
    ...spec,
    ...(overlap === undefined ? {} : { overlapMs: overlap }),
  }))
  .meta({ description: 'Which containers hold the name, on which network.' });
