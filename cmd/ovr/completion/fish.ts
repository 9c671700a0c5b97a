import type { FlagShape, ProgramShape, VerbShape } from './shape.ts';

/** A completion script for fish. Names of objects come from `ovr get`. */
export function fishScript({ name, globals, verbs }: ProgramShape): string {
  const lines = [
    `# fish completion for ${name}: ${name} completion fish > ~/.config/fish/completions/${name}.fish`,
    `complete -c ${name} -f`,
    ...globals.map((flag) => `complete -c ${name} ${flagPart(flag)}`),
    ...verbs.map(
      (verb) => `complete -c ${name} -n __fish_use_subcommand -a ${verb.name} -d ${quote(verb.summary)}`,
    ),
    ...verbs.flatMap((verb) => verbLines(name, verb)),
  ];
  return `${lines.join('\n')}\n`;
}

function verbLines(program: string, verb: VerbShape): readonly string[] {
  const seen = `__fish_seen_subcommand_from ${verb.name}`;
  const here = `complete -c ${program} -n '${seen}'`;
  const flags = verb.flags.map((flag) => `${here} ${flagPart(flag)}`);
  if (verb.argument === 'none') return flags;
  if (verb.argument === 'path') return [...flags, `${here} -F`];
  const at = (place: number): string =>
    `complete -c ${program} -n '${seen}; and test (count (commandline -opc)) -eq ${place}'`;
  const words = `${at(2)} -a ${quote(verb.argument.join(' '))}`;
  if (!verb.takesName) return [...flags, words];
  const names = `(${program} get (commandline -opc)[3] (string match -qv 'node*' (commandline -opc)[3]; and printf %s --here) -o name 2>/dev/null | string replace -r ".*/" "")`;
  return [...flags, words, `${at(3)} -a ${quote(names)}`];
}

function flagPart({ long, short, summary, value }: FlagShape): string {
  const parts = [`-l ${long.replace(/^--/, '')}`, `-d ${quote(summary)}`];
  if (short !== undefined) parts.unshift(`-s ${short.replace(/^-/, '')}`);
  if (value === 'path') parts.push('-r -F');
  else if (value === 'any') parts.push('-x');
  else if (value !== undefined) parts.push(`-x -a ${quote(value.join(' '))}`);
  return parts.join(' ');
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`;
}
