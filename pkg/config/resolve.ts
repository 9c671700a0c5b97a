import { readSettingsFile, type FileSettings, type Given } from './file.ts';
import { variableName, type Option, type Program } from './option.ts';
import type { Field, Settings } from './settings.ts';
import { didYouMean } from './suggest.ts';
import { FIELDS, OPTIONS, fieldsOf } from './table.ts';

/** What surrounds a program, handed in so that tests can make it up. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Fails as node's readFile does. */
  readonly readFile: (path: string) => Promise<string>;
}

interface Inputs extends Surroundings {
  readonly program: Program;
  /** Texts of the flags that were given. */
  readonly flags: ReadonlyMap<Field, readonly string[]>;
}

/** Hands out checked values; what is wrong gathers in `problems`, and the default stands in for it. */
export interface SettingsReader {
  value<F extends Field>(field: F): Settings[F];
  /** Whether somebody gave it, right or wrong. */
  isGiven(field: Field): boolean;
  /** Where it was given, as an error names it; the flag where the default stands. */
  where(field: Field): string;
  readonly problems: string[];
}

/** Looks through flags, then `OVR_*` variables, then the file, then defaults. Fails never: see `problems`. */
export async function openSettings(inputs: Inputs): Promise<SettingsReader> {
  const problems: string[] = unknownVariables(inputs.env);
  const flagsAndVariables = (field: Field): Given | undefined =>
    fromFlag(inputs, field) ?? fromVariable(inputs.env, variableName(OPTIONS[field]), OPTIONS[field]);
  const path = read(OPTIONS.config, flagsAndVariables('config'), problems);
  const asked = flagsAndVariables('config') !== undefined;
  const file = await readFileSettings({ ...inputs, path, asked });
  problems.push(...file.problems);

  const find = (field: Field): Given | undefined => {
    const option: Option<unknown> = OPTIONS[field];
    const other = option.alsoVariable ? fromVariable(inputs.env, option.alsoVariable, option) : undefined;
    return flagsAndVariables(field) ?? file.given.get(option.flag) ?? other;
  };
  return {
    problems,
    value: (field) => read(OPTIONS[field], find(field), problems),
    isGiven: (field) => find(field) !== undefined,
    where: (field) => find(field)?.where ?? `--${OPTIONS[field].flag}`,
  };
}

function read<T>(option: Option<T>, given: Given | undefined, problems: string[]): T {
  if (given === undefined) return option.fallback;
  const reading = option.read(given.texts);
  if (reading.ok) return reading.value;
  problems.push(`${given.where}: "${withoutPassword(reading.bad)}" is not valid: ${reading.mend}`);
  return option.fallback;
}

function fromFlag({ flags }: Inputs, field: Field): Given | undefined {
  const texts = flags.get(field);
  return texts === undefined ? undefined : { texts, where: `--${OPTIONS[field].flag}` };
}

/** Errors end up in logs, and somebody may have written `zk://user:password@host`. */
function withoutPassword(text: string): string {
  return text.replace(/:\/\/.*@/, '://***@');
}

/** An empty variable counts as not set, as in an environment file that only names it. */
function fromVariable(
  env: Surroundings['env'],
  name: string,
  option: { readonly repeatable?: true },
): Given | undefined {
  const text = env[name];
  if (text === undefined || text === '') return undefined;
  return { texts: option.repeatable ? text.split(',').map((part) => part.trim()) : [text], where: name };
}

/** Both programs take both programs' variables, so that one environment serves them. */
function unknownVariables(env: Surroundings['env']): string[] {
  const known = FIELDS.map((field) => variableName(OPTIONS[field]));
  return Object.keys(env)
    .filter((name) => name.startsWith('OVR_') && !known.includes(name))
    .map((name) => `${name}: is not a variable of ovr${didYouMean(name, known)}`);
}

interface FileInputs extends Inputs {
  readonly path: string;
  /** Whether somebody named the file: then it must be there. */
  readonly asked: boolean;
}

async function readFileSettings(inputs: FileInputs): Promise<FileSettings> {
  const { path, program } = inputs;
  const nothing = { given: new Map<string, Given>(), problems: [] };
  let text: string;
  try {
    text = await inputs.readFile(path);
  } catch (error) {
    const code = errnoOf(error);
    // The agent's own file may be closed to the user of the command line, who can do without it.
    const optional = code === 'ENOENT' || (program === 'ovr' && code === 'EACCES');
    if (!inputs.asked && optional) return nothing;
    return {
      ...nothing,
      problems: [`${path}: cannot be read (${code}): check --config and the file's mode`],
    };
  }
  const file = await readSettingsFile({ path, text, keys: fileKeys() });
  if (program === 'ovrd') return file;
  const mine = new Set(fieldsOf('ovr').map((field) => OPTIONS[field].flag));
  return { ...file, given: new Map([...file.given].filter(([flag]) => mine.has(flag))) };
}

function fileKeys(): ReadonlyMap<string, { repeatable: boolean }> {
  const options = FIELDS.map((field): Option<unknown> => OPTIONS[field]);
  return new Map(
    options
      .filter((option) => !option.notInFile)
      .map((option) => [option.flag, { repeatable: option.repeatable ?? false }]),
  );
}

/** The system's name of an error, for example ENOENT. */
export function errnoOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : String(error);
}
