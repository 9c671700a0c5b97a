import { variableName, type Option, type Program } from './option.ts';
import { OPTIONS, fieldsOf } from './table.ts';

/** The rows of the table of options in docs/cli.md, without its head. */
export function optionRows(program: Program): readonly string[] {
  return fieldsOf(program).map((field) => {
    const option: Option<unknown> = OPTIONS[field];
    const value = option.placeholder === undefined ? '' : ` ${option.placeholder}`;
    const help = option.repeatable ? `${option.help}; repeatable` : option.help;
    const key = option.notInFile ? '-' : `\`${option.flag}\``;
    const cells = [`\`--${option.flag}${value}\``, `\`${variableName(option)}\``, key];
    return `| ${[...cells, option.fallbackText ?? '-', help].join(' | ')} |`;
  });
}
