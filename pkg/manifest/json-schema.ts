import * as z from 'zod';
import { ANNOTATIONS } from '../api/index.ts';
import { anyDocument } from './schema/index.ts';

type Schema = z.core.JSONSchema.BaseSchema;

const ID = 'urn:ovr:manifest:v1';
const VARIABLE = String.raw`\$\{[A-Za-z_][A-Za-z0-9_]*\}`;
/** Types that a text becomes only where a variable is all of it. */
const TYPES_OF_ALL: readonly unknown[] = ['integer', 'number', 'boolean'];
/** What editors show of a field, whatever its value is. */
const SHOWN_BY_EDITORS: ReadonlySet<string> = new Set(['title', 'description', 'examples', 'default']);

/** Holds for a document whose values may have variables in them. */
const ASKS_FOR_VARIABLES = holding(
  'metadata',
  holding('annotations', holding(ANNOTATIONS.substitute, { const: 'true' })),
);

/**
 * JSON Schema (draft 7, which editors know best) of one ovr document. It checks fields, types and choices; forms of texts and
 * rules between fields only `ovr validate` checks, and what variables stand for.
 */
export function jsonSchema(): object {
  const { oneOf = [], ...schema } = z.toJSONSchema(anyDocument, {
    io: 'input',
    target: 'draft-7',
    override: addTitle,
  });
  return {
    ...schema,
    $id: ID,
    title: 'ovr manifest',
    description: 'One object for ovr: a Network, a Container or an Alias.',
    if: ASKS_FOR_VARIABLES,
    then: { oneOf: oneOf.map(withVariables) },
    else: { oneOf },
  };
}

/** Editors show the title of a field; its name serves. */
function addTitle(context: { jsonSchema: Schema; path: (string | number)[] }): void {
  const name = context.path.at(-1);
  if (context.path.at(-2) === 'properties' && typeof name === 'string') context.jsonSchema.title ??= name;
}

/** A map that has this field, and in it what fits. */
function holding(field: string, value: Schema): Schema {
  return { type: 'object', properties: { [field]: value }, required: [field] };
}

/** The same where every value but a constant may come from variables. */
function withVariables(schema: Schema): Schema {
  const pattern = patternOfVariables(schema);
  if (pattern !== undefined) {
    const entries = Object.entries(schema);
    const shown = entries.filter(([key]) => SHOWN_BY_EDITORS.has(key));
    const form = entries.filter(([key]) => !SHOWN_BY_EDITORS.has(key));
    return { ...Object.fromEntries(shown), anyOf: [Object.fromEntries(form), { type: 'string', pattern }] };
  }
  const { properties, items, anyOf } = schema;
  return {
    ...schema,
    ...(properties && { properties: Object.fromEntries(Object.entries(properties).map(withVariablesAt)) }),
    ...(typeof items === 'object' && !Array.isArray(items) && { items: withVariables(items) }),
    ...(anyOf && { anyOf: anyOf.map(withVariables) }),
  };
}

function withVariablesAt([name, schema]: [string, Schema | boolean]): [string, Schema | boolean] {
  return [name, typeof schema === 'boolean' ? schema : withVariables(schema)];
}

/** Which texts with variables a value may be besides what its schema takes; undefined where that takes them anyway, or none may be. */
function patternOfVariables({ type, enum: choices, pattern }: Schema): string | undefined {
  if (TYPES_OF_ALL.includes(type)) return `^${VARIABLE}$`;
  return choices === undefined && pattern === undefined ? undefined : VARIABLE;
}
