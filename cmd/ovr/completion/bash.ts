import type { FlagShape, ProgramShape, VerbShape } from './shape.ts';

/** A flag with a value, and the verb it belongs to: `-f` takes a path after one verb and nothing after another. */
interface ValueFlag {
  /** A pattern; `*` for the flags of all verbs. */
  readonly verb: string;
  readonly flag: FlagShape;
}

/** A completion script for bash. Names come from `ovr get`; those of objects without asking the coordinator, which is slow and need not answer. */
export function bashScript({ name, globals, verbs }: ProgramShape): string {
  const valued = [
    ...globals.map((flag) => ({ verb: '*', flag })),
    ...verbs.flatMap((verb) => verb.flags.map((flag) => ({ verb: verb.name, flag }))),
  ].filter(({ flag }) => flag.value !== undefined);
  const firstWords = [...verbs.map((verb) => verb.name), ...longs(globals)].join(' ');
  return `# bash completion for ${name}: source <(${name} completion bash)
_${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} verb= kind= word= skip= here= count=0 i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $skip ]]; then skip=; continue; fi
    case "$verb:$word" in
      ${valued.map(pattern).join('|')}) skip=1 ;;
      *:-*) ;;
      *) count=$((count + 1)); [[ $count -eq 1 ]] && verb=$word; [[ $count -eq 2 ]] && kind=$word ;;
    esac
  done
  [[ $kind == node* ]] || here=--here
  case "$verb:$prev" in
${valued.map(valueCase).join('\n')}
  esac
  case $verb in
    '') ${offer(firstWords)} ;;
${verbs.map((verb) => verbCase(name, verb, globals)).join('\n')}
  esac
}
complete -F _${name} ${name}
`;
}

function pattern({ verb, flag }: ValueFlag): string {
  const names = flag.short === undefined ? [flag.long] : [flag.short, flag.long];
  return names.map((name) => `${verb}:${name}`).join('|');
}

function valueCase(valued: ValueFlag): string {
  const { value = 'any' } = valued.flag;
  const answer = value === 'any' ? '' : `${value === 'path' ? FILES : offer(value.join(' '))}; `;
  return `    ${pattern(valued)}) ${answer}return ;;`;
}

function verbCase(program: string, verb: VerbShape, globals: readonly FlagShape[]): string {
  const flags = longs([...verb.flags, ...globals]).join(' ');
  return `    ${verb.name})
      if [[ $cur == -* ]]; then ${offer(flags)}
      ${argumentCase(program, verb)}
      fi ;;`;
}

function argumentCase(program: string, { argument, takesName }: VerbShape): string {
  if (argument === 'none') return '';
  if (argument === 'path') return `else ${FILES}`;
  const first = `elif [[ $count -eq 1 ]]; then ${offer(argument.join(' '))}`;
  if (!takesName) return first;
  const names = `$(${program} get "$kind" $here -o name 2>/dev/null | cut -d/ -f2)`;
  return `${first}
      elif [[ $count -eq 2 ]]; then COMPREPLY=($(compgen -W "${names}" -- "$cur"))`;
}

const FILES = 'COMPREPLY=($(compgen -f -- "$cur"))';

function offer(words: string): string {
  return `COMPREPLY=($(compgen -W '${words}' -- "$cur"))`;
}

function longs(flags: readonly FlagShape[]): readonly string[] {
  return [...new Set(flags.map(({ long }) => long))];
}
