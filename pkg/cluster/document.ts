import { errorMessage } from '../api/index.ts';

/** The format this agent reads and writes. A document with a higher one comes from a newer ovr and is not believed. */
const FORMAT = 1;

/** What became of reading a znode's text. */
export type DocumentRead<T> =
  | { readonly ok: true; readonly value: T }
  /** `newer`: it may be right, but a newer ovr wrote it: it is never overwritten. */
  | { readonly ok: false; readonly problem: string; readonly newer: boolean };

/** Writes a document: the format first, so that it shows in a cut line. */
export function writeDocument(fields: object): string {
  return JSON.stringify({ format: FORMAT, ...fields });
}

/** Reads a document. Never throws: what cannot be believed comes back as a problem that names the path and the mend. */
export function readDocument<T>(path: string, text: string, decode: (fields: Fields) => T): DocumentRead<T> {
  try {
    const fields = Fields.of(JSON.parse(text));
    const format = fields.number('format');
    if (format > FORMAT) {
      const problem = `znode ${path} has format ${format}, and this ovr knows ${FORMAT}: update ovr here`;
      return { ok: false, problem, newer: true };
    }
    return { ok: true, value: decode(fields) };
  } catch (error) {
    const problem = `znode ${path} cannot be read (${errorMessage(error)}): put it right or remove it`;
    return { ok: false, problem, newer: false };
  }
}

/** Typed access to a JSON object from outside; each getter throws when the field is not what it must be. */
export class Fields {
  readonly #record: ReadonlyMap<string, unknown>;

  private constructor(record: ReadonlyMap<string, unknown>) {
    this.#record = record;
  }

  static of(value: unknown): Fields {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new Error('no JSON object');
    return new Fields(new Map(Object.entries(value)));
  }

  /** All of it, unchecked. */
  plain(): Record<string, unknown> {
    return Object.fromEntries(this.#record);
  }

  has(name: string): boolean {
    return this.#record.has(name);
  }

  text(name: string): string {
    const value = this.#record.get(name);
    if (typeof value !== 'string') throw new Error(`${name} is no text`);
    return value;
  }

  /** Not negative and not beyond what a double holds exactly. */
  number(name: string): number {
    const value = this.#record.get(name);
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      throw new Error(`${name} is no whole number`);
    }
    return value;
  }

  flag(name: string): boolean {
    const value = this.#record.get(name);
    if (typeof value !== 'boolean') throw new Error(`${name} is neither true nor false`);
    return value;
  }

  fields(name: string): Fields {
    return Fields.of(this.#record.get(name));
  }

  list(name: string): readonly unknown[] {
    const value = this.#record.get(name);
    if (!Array.isArray(value)) throw new Error(`${name} is no list`);
    return value;
  }

  texts(name: string): readonly string[] {
    return this.list(name).map((value) => {
      if (typeof value !== 'string') throw new Error(`${name} holds something that is no text`);
      return value;
    });
  }

  textMap(name: string): ReadonlyMap<string, string> {
    const fields = this.fields(name);
    return new Map([...fields.#record.keys()].map((key) => [key, fields.text(key)]));
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T {
    const text = this.text(name);
    const found = allowed.find((value) => value === text);
    if (found === undefined) throw new Error(`${name} is none of ${allowed.join(', ')}`);
    return found;
  }
}
