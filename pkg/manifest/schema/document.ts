import * as z from 'zod';
import { KINDS, type Kind } from '../../api/index.ts';
import { aliasSpec } from './alias.ts';
import { containerSpec } from './container.ts';
import { record } from './field.ts';
import { metadata } from './metadata.ts';
import { networkSpec } from './network.ts';

export const API_VERSION = 'ovr/v1';

const apiVersion = z.literal(API_VERSION).meta({ description: 'Version of this format.' });

const networkDocument = record(
  {
    apiVersion,
    kind: z.literal('Network').meta({ description: 'Kind of object.' }),
    metadata: metadata('Network'),
    spec: networkSpec,
  },
  '{apiVersion: ovr/v1, kind: Network, ...}',
).meta({ title: 'Network', description: 'A Docker network.' });

const containerDocument = record(
  {
    apiVersion,
    kind: z.literal('Container').meta({ description: 'Kind of object.' }),
    metadata: metadata('Container'),
    spec: containerSpec,
  },
  '{apiVersion: ovr/v1, kind: Container, ...}',
).meta({ title: 'Container', description: 'A container on the nodes that its constraint allows.' });

const aliasDocument = record(
  {
    apiVersion,
    kind: z.literal('Alias').meta({ description: 'Kind of object.' }),
    metadata: metadata('Alias'),
    spec: aliasSpec,
  },
  '{apiVersion: ovr/v1, kind: Alias, ...}',
).meta({ title: 'Alias', description: 'A DNS name that moves between containers as a unit.' });

/** A document after validation, with defaults. */
export type ParsedDocument =
  z.output<typeof networkDocument> | z.output<typeof containerDocument> | z.output<typeof aliasDocument>;

/** Any document, for the JSON Schema. */
export const anyDocument = z.discriminatedUnion('kind', [networkDocument, containerDocument, aliasDocument]);

/** Validates a document of a known kind. */
export function validate(kind: Kind, value: unknown): z.ZodSafeParseResult<ParsedDocument> {
  switch (kind) {
    case 'Network':
      return networkDocument.safeParse(value);
    case 'Container':
      return containerDocument.safeParse(value);
    case 'Alias':
      return aliasDocument.safeParse(value);
  }
}

/** Whether a text names a kind. */
export function isKind(text: unknown): text is Kind {
  return KINDS.some((kind) => kind === text);
}
