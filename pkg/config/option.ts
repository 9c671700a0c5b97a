export type Program = 'ovrd' | 'ovr';

/** One setting, in one place: the flag, the variable, the key in the file, the help and the docs all come from it. */
export interface Option<T> {
  /** Without dashes; also the key in the file. */
  readonly flag: string;
  /** What stands for the value in help; absent: a switch. */
  readonly placeholder?: string;
  /** May be given several times; all its values count. */
  readonly repeatable?: true;
  /** Makes no sense in the file. */
  readonly notInFile?: true;
  /** One line, without a full stop. */
  readonly help: string;
  readonly programs: readonly Program[];
  /** Another program's variable that stands in before the default does. */
  readonly alsoVariable?: string;
  readonly fallback: T;
  /** The default as help shows it; absent where there is none. */
  readonly fallbackText?: string;
  /** Gets one text, or where it is repeatable at least one. */
  readonly read: Reader<T>;
}

export type Reader<T> = (texts: readonly string[]) => Reading<T>;

/** A value, or the text that could not be read and how to write it instead. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly bad: string; readonly mend: string };

/** Reads one text; anything else than a value is the mend. */
export type Parser<T> = (text: string) => T | Mend;

export interface Mend {
  readonly mend: string;
}

/** The answer of a parser to text it cannot read: how to write it instead. */
export function mend(text: string): Mend {
  return { mend: text };
}

/** For an option with one value; of several the last counts. */
export function last<T>(parse: Parser<T>): Reader<T> {
  return (texts) => readOne(texts.at(-1) ?? '', parse);
}

/** For an option whose values all count. */
export function each<T>(parse: Parser<T>): Reader<readonly T[]> {
  return (texts) => {
    const values: T[] = [];
    for (const text of texts) {
      const reading = readOne(text, parse);
      if (!reading.ok) return reading;
      values.push(reading.value);
    }
    return { ok: true, value: values };
  };
}

function readOne<T>(text: string, parse: Parser<T>): Reading<T> {
  const value = parse(text);
  return isMend(value) ? { ok: false, bad: text, mend: value.mend } : { ok: true, value };
}

function isMend(value: unknown): value is Mend {
  return typeof value === 'object' && value !== null && 'mend' in value;
}

/** Name of the environment variable of an option. */
export function variableName(option: { readonly flag: string }): string {
  return `OVR_${option.flag.toUpperCase().replaceAll('-', '_')}`;
}
