import type { FlagShape, ProgramShape, VerbShape } from './shape.ts';

/** A completion script for bash. Names of objects come from `ovr get`. */
export function bashScript({ name, globals, verbs }: ProgramShape): string {
  const every = [...globals, ...verbs.flatMap(({ flags }) => flags)];
  return `# bash completion for ${name}: source <(${name} completion bash)
_${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} verb= kind= word i
  COMPREPLY=()
  case $prev in
${valueCases(every)}
  esac
  local skip= count=0
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $skip ]]; then skip=; continue; fi
    case $word in
      ${patterns(every.filter(({ value }) => value !== undefined))}) skip=1 ;;
      -*) ;;
      *) count=$((count + 1)); [[ $count -eq 1 ]] && verb=$word; [[ $count -eq 2 ]] && kind=$word ;;
    esac
  done
  case $verb in
    '') COMPREPLY=($(compgen -W '${[...verbs.map((verb) => verb.name), ...longs(globals)].join(' ')}' -- "$cur")) ;;
${verbs.map((verb) => verbCase(name, verb, globals)).join('\n')}
  esac
}
complete -F _${name} ${name}
`;
}

function verbCase(program: string, verb: VerbShape, globals: readonly FlagShape[]): string {
  const flags = longs([...verb.flags, ...globals]).join(' ');
  return `    ${verb.name})
      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '${flags}' -- "$cur"))
      else ${argumentWords(program, verb)}
      fi ;;`;
}

function argumentWords(program: string, { argument, takesName }: VerbShape): string {
  if (argument === 'none') return ':';
  if (argument === 'path') return 'COMPREPLY=($(compgen -f -- "$cur"))';
  const first = `COMPREPLY=($(compgen -W '${argument.join(' ')}' -- "$cur"))`;
  if (!takesName) return `[[ $count -eq 1 ]] && ${first}`;
  const names = `$(${program} get "$kind" -o name 2>/dev/null | cut -d/ -f2)`;
  return `if [[ $count -eq 1 ]]; then ${first}
      elif [[ $count -eq 2 ]]; then COMPREPLY=($(compgen -W "${names}" -- "$cur")); fi`;
}

function valueCases(flags: readonly FlagShape[]): string {
  const lines = flags.flatMap((flag) => {
    if (flag.value === undefined) return [];
    const answer =
      typeof flag.value === 'string' ? 'COMPREPLY=($(compgen -f -- "$cur"))' : choose(flag.value);
    return [`    ${patterns([flag])}) ${flag.value === 'any' ? '' : `${answer}; `}return ;;`];
  });
  return [...new Set(lines)].join('\n');
}

function choose(words: readonly string[]): string {
  return `COMPREPLY=($(compgen -W '${words.join(' ')}' -- "$cur"))`;
}

function patterns(flags: readonly FlagShape[]): string {
  return [
    ...new Set(flags.flatMap(({ long, short }) => (short === undefined ? [long] : [short, long]))),
  ].join('|');
}

function longs(flags: readonly FlagShape[]): readonly string[] {
  return flags.map(({ long }) => long);
}
