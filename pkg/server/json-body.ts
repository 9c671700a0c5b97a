import { HttpError } from './reply.ts';

/** The JSON object that a request carried; empty where it carried nothing. */
export type JsonBody = Readonly<Record<string, unknown>>;

/** Reads a body as JSON. Fails with 400. */
export function parseJsonBody(bytes: Uint8Array): JsonBody {
  const text = new TextDecoder().decode(bytes);
  if (text.trim() === '') return {};
  const value = parse(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw invalid('the body is no JSON object');
}

/** Takes one field, or fails with 400. */
type Reader<T> = (name: string, value: unknown) => T;

/** Takes the fields that a request may have. Fails with 400 and the mend for one that is missing, wrong or not known. */
export function readFields<R extends Readonly<Record<string, Reader<unknown>>>>(
  body: JsonBody,
  readers: R,
): { readonly [N in keyof R]: ReturnType<R[N]> } {
  const names = Object.keys(readers);
  for (const name of Object.keys(body)) {
    if (!names.includes(name)) throw invalid(`there is no field "${name}": it may have ${names.join(', ')}`);
  }
  const read = Object.entries(readers).map(([name, reader]) => [name, reader(name, body[name])] as const);
  return Object.fromEntries(read) as { readonly [N in keyof R]: ReturnType<R[N]> };
}

/** A text that is not empty. */
export function textField(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw invalid(`${name} must be a text that is not empty`);
}

/** A whole number from 0. */
export function numberField(name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw invalid(`${name} must be a whole number, 0 or more`);
}

export function flagField(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw invalid(`${name} must be true or false`);
}

/** Labels with their values; null for one that is to go. */
export function labelsField(name: string, value: unknown): Readonly<Record<string, string | null>> {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  const entries: [string, unknown][] = isMap ? Object.entries(value) : [];
  const labels = entries.filter((entry): entry is [string, string | null] => isLabel(entry));
  if (isMap && entries.length > 0 && labels.length === entries.length) return Object.fromEntries(labels);
  throw invalid(`${name} must be a map of labels such as {"track": "green"}`);
}

function isLabel([label, value]: [string, unknown]): boolean {
  return label !== '' && (typeof value === 'string' || value === null);
}

/** Absent, or what the reader takes. */
export function optionalField<T>(reader: Reader<T>): Reader<T | undefined> {
  return (name, value) => (value === undefined ? undefined : reader(name, value));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('the body is no JSON');
  }
}

function invalid(message: string): HttpError {
  return new HttpError(400, 'invalid-body', message);
}
