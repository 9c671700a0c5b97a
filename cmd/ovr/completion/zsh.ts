import type { FlagShape, ProgramShape, VerbShape } from './shape.ts';

/** A completion script for zsh. Names of objects come from `ovr get`. */
export function zshScript({ name, globals, verbs }: ProgramShape): string {
  const names = verbs.map((verb) => `    ${quote(`${verb.name}:${verb.summary}`)}`);
  return `#compdef ${name}
# zsh completion for ${name}: ${name} completion zsh > "\${fpath[1]}/_${name}"
_${name}_names() {
  local -a names here
  [[ \${line[1]} == node* ]] || here=(--here)
  names=(\${(f)"$(${name} get "\${line[1]}" $here -o name 2>/dev/null | cut -d/ -f2)"})
  compadd -a names
}
_${name}() {
  local -a verbs line
  local state
  verbs=(
${names.join('\n')}
  )
  _arguments -C \\
${globals.map((flag) => `    ${flagSpec(flag)} \\`).join('\n')}
    '1:verb:->verb' '*::arg:->rest'
  case $state in
    verb) _describe verb verbs ;;
    rest)
      case $line[1] in
${verbs.map((verb) => verbCase(name, verb, globals)).join('\n')}
      esac ;;
  esac
}
if [[ $funcstack[1] = _${name} ]]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

function verbCase(program: string, verb: VerbShape, globals: readonly FlagShape[]): string {
  const own = verb.flags.map(({ long }) => long);
  const others = globals.filter(({ long }) => !own.includes(long));
  const specs = [...[...verb.flags, ...others].map(flagSpec), ...argumentSpecs(program, verb)];
  return `        ${verb.name}) _arguments \\\n${specs.map((spec) => `          ${spec}`).join(' \\\n')} ;;`;
}

function argumentSpecs(program: string, { argument, takesName }: VerbShape): readonly string[] {
  if (argument === 'none') return [];
  if (argument === 'path') return [quote('*:path:_files')];
  const first = quote(`1:kind:(${argument.join(' ')})`);
  return takesName ? [first, quote(`2:name:_${program}_names`)] : [first];
}

function flagSpec({ long, short, summary, value }: FlagShape): string {
  const text = `[${summary.replaceAll(/[[\]:]/g, String.raw`\$&`)}]`;
  const argument =
    value === undefined ? '' : `:value:${typeof value === 'string' ? pathOr(value) : `(${value.join(' ')})`}`;
  if (short === undefined) return quote(`${long}${text}${argument}`);
  return `{${short},${long}}${quote(`${text}${argument}`)}`;
}

function pathOr(value: 'any' | 'path'): string {
  return value === 'path' ? '_files' : ' ';
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
