import { Command, Option as Flag } from 'commander';

import { variableName, type Option, type Program } from './option.ts';
import type { Field } from './settings.ts';
import { didYouMean } from './suggest.ts';
import { OPTIONS, fieldsOf } from './table.ts';

/** Texts that were given for flags. */
export type FlagTexts = ReadonlyMap<Field, readonly string[]>;

/** Adds the program's options to a command; what is given for them gathers in the answer as text. */
export function addFlags(command: Command, program: Program, groupOf: (field: Field) => string): FlagTexts {
  const texts = new Map<Field, string[]>();
  for (const field of fieldsOf(program)) {
    command.addOption(toFlag(OPTIONS[field], '<>').helpGroup(groupOf(field)));
    listen(command, OPTIONS[field].flag, (text) => {
      texts.set(field, [...(texts.get(field) ?? []), text ?? 'true']);
    });
  }
  return texts;
}

/** Calls back for each time the flag is met; without a text where none was given. */
function listen(command: Command, flag: string, callback: (text: string | undefined) => void): void {
  command.on(`option:${flag}`, (text: unknown) => callback(typeof text === 'string' ? text : undefined));
}

function toFlag(option: Option<unknown>, brackets: '<>' | '[]'): Flag {
  const [open, close] = [brackets[0] ?? '', brackets[1] ?? ''];
  const value = option.placeholder === undefined ? '' : ` ${open}${option.placeholder}${close}`;
  return new Flag(`--${option.flag}${value}`, `${option.help}${detailsOf(option)}`);
}

function detailsOf(option: Option<unknown>): string {
  const details = option.repeatable ? ['repeatable'] : [];
  if (option.fallbackText !== undefined) details.push(`default: ${option.fallbackText}`);
  return details.length === 0 ? '' : ` (${details.join('; ')})`;
}

/** The flags of ovrd and everything that is wrong with them. */
export interface ParsedFlags {
  readonly texts: FlagTexts;
  readonly problems: readonly string[];
  readonly wantsHelp: boolean;
  readonly wantsVersion: boolean;
}

/** Reads the whole command line of ovrd, past every mistake. `argv` is without program and script. */
export function parseFlags(argv: readonly string[]): ParsedFlags {
  const command = new Command('ovrd');
  const texts = new Map<Field, string[]>();
  const problems: string[] = [];
  const wants = new Set<string>();
  for (const field of fieldsOf('ovrd')) {
    const option: Option<unknown> = OPTIONS[field];
    // Optional to commander, so that it does not stop at the first flag without its value.
    command.addOption(toFlag(option, '[]'));
    listen(command, option.flag, (text) => {
      const value = text ?? (option.placeholder === undefined ? 'true' : undefined);
      if (value === undefined) problems.push(`--${option.flag}: has no value: write --${usage(option)}`);
      else texts.set(field, [...(texts.get(field) ?? []), value]);
    });
  }
  for (const [flags, name] of OWN_FLAGS) {
    command.option(flags);
    listen(command, name, () => wants.add(name));
  }
  const { operands, unknown } = command.helpOption(false).parseOptions([...argv]);
  problems.push(...operands.map(unexpected), ...unknown.filter(isFlag).map(unknownFlag));
  return { texts, problems, wantsHelp: wants.has('help'), wantsVersion: wants.has('version') };
}

const OWN_FLAGS = [
  ['-h, --help', 'help', 'Show this help'],
  ['-V, --version', 'version', 'Show the version'],
] as const;

function usage(option: Option<unknown>): string {
  return `${option.flag} ${option.placeholder ?? ''}`;
}

function isFlag(text: string): boolean {
  return text.startsWith('-');
}

function unexpected(operand: string): string {
  return `"${operand}": ovrd takes only options: a folder of manifests goes after --manifests`;
}

function unknownFlag(text: string): string {
  const name = text.split('=')[0] ?? text;
  const known = [...fieldsOf('ovrd').map((field) => `--${OPTIONS[field].flag}`), '--help', '--version'];
  if (known.includes(name)) return `${name}: takes no value: write ${name} alone`;
  return `${name}: is not an option of ovrd${didYouMean(name, known)}: see ovrd --help`;
}

const VARIABLES = `Each option is also a variable, for example ${variableName(OPTIONS.dockerHost)}, and a key of the file.
A flag comes before its variable, the variable before the file, the file before the default.
`;

/** What `ovrd --help` prints. */
export function helpText(): string {
  const command = new Command('ovrd')
    .usage('[options]')
    .description(
      'Keeps Docker networks and the containers on them the way manifests in a folder or a Git repository say.',
    )
    .helpOption(false)
    .configureHelp({ helpWidth: 100 });
  for (const field of fieldsOf('ovrd')) command.addOption(toFlag(OPTIONS[field], '<>'));
  for (const [flags, , help] of OWN_FLAGS) command.option(flags, help);
  return `${command.helpInformation()}\n${VARIABLES}`;
}
