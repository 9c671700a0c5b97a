import type { Command } from 'commander';

/** What completion offers for one verb. */
export interface VerbShape {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly FlagShape[];
  /** Words for the first argument; `path` completes files. */
  readonly argument: 'none' | 'path' | readonly string[];
  /** Whether the names of objects follow the first argument. */
  readonly takesName: boolean;
}

export interface FlagShape {
  readonly long: string;
  readonly short?: string;
  readonly summary: string;
  /** Absent: no value. */
  readonly value?: 'any' | 'path' | readonly string[];
}

/** The whole program, read off its commander tree. */
export interface ProgramShape {
  readonly name: string;
  readonly globals: readonly FlagShape[];
  readonly verbs: readonly VerbShape[];
}

const PATH_VALUES = ['PATH', 'FILE', 'DIR'];

/** Reads the verbs and flags that a program has. `words` are those that a verb's first argument can be. */
export function shapeOf(program: Command, words: ReadonlyMap<string, readonly string[]>): ProgramShape {
  const verbs = program.commands.map((verb): VerbShape => {
    const [first, second] = verb.registeredArguments;
    const offered = words.get(verb.name());
    return {
      name: verb.name(),
      summary: verb.summary(),
      flags: flagsOf(verb),
      argument: offered ?? (first ? 'path' : 'none'),
      takesName: offered !== undefined && second !== undefined,
    };
  });
  return { name: program.name(), globals: flagsOf(program), verbs };
}

function flagsOf(command: Command): readonly FlagShape[] {
  return command.createHelp().visibleOptions(command).map(flagShape);
}

function flagShape(option: Command['options'][number]): FlagShape {
  const { long, short, description, argChoices, flags } = option;
  const placeholder = /<(.+)>/.exec(flags)?.[1];
  const path = PATH_VALUES.includes(placeholder ?? '') ? 'path' : 'any';
  const summary = description.replace(/ \(.*$/, '');
  return {
    long: long ?? '',
    ...(short !== undefined && { short }),
    summary,
    ...(placeholder !== undefined && { value: argChoices ?? path }),
  };
}
