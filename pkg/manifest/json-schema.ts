import * as z from 'zod';
import { anyDocument } from './schema/index.ts';

const ID = 'urn:ovr:manifest:v1';

/**
 * JSON Schema (draft 7, which editors know best) of one ovr document. It checks fields, types and choices; forms of texts and
 * rules between fields only `ovr validate` checks.
 */
export function jsonSchema(): object {
  const schema = z.toJSONSchema(anyDocument, { io: 'input', target: 'draft-7', override: addTitle });
  return {
    ...schema,
    $id: ID,
    title: 'ovr manifest',
    description: 'One object for ovr: a Network, a Container or an Alias.',
  };
}

/** Editors show the title of a field; its name serves. */
function addTitle(context: { jsonSchema: z.core.JSONSchema.BaseSchema; path: (string | number)[] }): void {
  const name = context.path.at(-1);
  if (context.path.at(-2) === 'properties' && typeof name === 'string') context.jsonSchema.title ??= name;
}
