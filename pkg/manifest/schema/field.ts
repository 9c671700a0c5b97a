import * as z from 'zod';
import type { DiagnosticCode } from '../codes.ts';
import type { Parsed } from '../value/index.ts';

/** What editors show of a field. */
export interface FieldMeta {
  readonly description: string;
  readonly examples?: readonly unknown[];
  /** For editors; the real check is the parser's. */
  readonly pattern?: string;
}

/** Separates the known fields in the message of an unknown-field issue; `toProblems` makes the sentence. */
export const KNOWN_FIELDS_SEPARATOR = ' ';
/** Characters; no field needs more, and forms are parsed with regular expressions. */
const MAX_FORM_LENGTH = 8192;

type Context = z.core.$RefinementCtx;

/** A map with exactly these fields. `like` is what to write, for the message to somebody who wrote something else. */
export function record<S extends z.core.$ZodLooseShape>(
  shape: S,
  like: string,
): z.ZodObject<S, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? Object.keys(shape).join(KNOWN_FIELDS_SEPARATOR)
        : `a map such as ${like}`,
  });
}

/** A list; `like` as for `record`. */
export function list<T extends z.ZodType>(item: T, like: string): z.ZodArray<T> {
  return z.array(item, { error: `a list such as ${like}` });
}

/** Any text. */
export function text(meta: FieldMeta): z.ZodString {
  return z.string({ error: textLike(meta) }).meta({ ...meta });
}

/** Text that is not empty. */
export function word(meta: FieldMeta): z.ZodType<string, string> {
  return form('value-invalid', (value) => nonEmpty(value), meta);
}

export function flag(meta: FieldMeta): z.ZodBoolean {
  return z.boolean({ error: 'true or false' }).meta({ ...meta });
}

export function wholeNumber(
  bounds: { min: number; max: number },
  meta: FieldMeta,
): z.ZodType<number, number> {
  return z
    .int({ error: 'a whole number' })
    .min(bounds.min)
    .max(bounds.max)
    .meta({ ...meta });
}

export function choice<const T extends readonly [string, ...string[]]>(
  values: T,
  meta: FieldMeta,
): z.ZodType<T[number], T[number]> {
  return z.enum(values).meta({ ...meta });
}

/** Text with a form of its own, parsed into its typed value. `like` is what to write instead of something else. */
export function form<T>(
  code: DiagnosticCode,
  parse: (value: string) => Parsed<T>,
  meta: FieldMeta,
  like = textLike(meta),
): z.ZodType<T, string> {
  return z
    .string({ error: like })
    .transform((value, context) => settle(limited(value, parse), code, context))
    .meta({ ...meta });
}

/** As `form`, and a bare number counts as its text. */
export function amount<T>(
  code: DiagnosticCode,
  parse: (value: string) => Parsed<T>,
  meta: FieldMeta,
): z.ZodType<T, string | number> {
  return z
    .union([z.string(), z.number()], { error: 'text or a number' })
    .transform((value, context) => settle(limited(String(value), parse), code, context))
    .meta({ ...meta });
}

/** Names with texts. `check` says what is wrong with a name, if anything. */
export function textMap(
  meta: FieldMeta & { readonly like: string },
  check?: (name: string) => Parsed<string>,
): z.ZodType<Record<string, string>, Record<string, string>> {
  const { like, ...shown } = meta;
  return z
    .record(z.string(), z.string({ error: 'text' }), { error: `a map such as ${like}` })
    .check((context) => {
      for (const name of Object.keys(context.value)) {
        const result =
          name === '' ? { ok: false as const, message: 'a name is empty; write NAME: VALUE' } : check?.(name);
        if (result && !result.ok)
          complainOfKey(context.issues, result.code ?? 'value-invalid', result.message, name);
      }
    })
    .meta(shown);
}

/** The value of a parse, or its problem as an issue of the schema. */
export function settle<T>(result: Parsed<T>, code: DiagnosticCode, context: Context): T {
  if (result.ok) return result.value;
  complain(context.issues, result.code ?? code, result.message);
  return z.NEVER;
}

/** Adds an issue with one of our codes. */
export function complain(
  issues: z.core.$ZodRawIssue[],
  code: DiagnosticCode,
  message: string,
  path: PropertyKey[] = [],
): void {
  issues.push({ code: 'custom', message, params: { code }, path, input: undefined });
}

/** As `complain`, about the key `name` of a map rather than its value. */
export function complainOfKey(
  issues: z.core.$ZodRawIssue[],
  code: DiagnosticCode,
  message: string,
  name: string,
): void {
  issues.push({ code: 'custom', message, params: { code, atKey: true }, path: [name], input: undefined });
}

function textLike(meta: FieldMeta): string {
  const example = meta.examples?.[0];
  return typeof example === 'string' ? `text such as ${example}` : 'text';
}

function limited<T>(value: string, parse: (value: string) => Parsed<T>): Parsed<T> {
  if (value.length <= MAX_FORM_LENGTH) return parse(value);
  return { ok: false, message: `the text has ${value.length} characters; the most is ${MAX_FORM_LENGTH}` };
}

function nonEmpty(value: string): Parsed<string> {
  return value === ''
    ? { ok: false, message: 'the text is empty; write a value or leave the field out' }
    : { ok: true, value };
}
