import type * as YamlModule from 'yaml';

import { didYouMean } from './suggest.ts';

/** Much more than every option takes; a larger file is not a configuration. */
const MAX_BYTES = 64 * 1024;

/** Texts that were given for one option, and where, as an error names it. */
export interface Given {
  readonly texts: readonly string[];
  readonly where: string;
}

/** What a configuration file says, by flag. */
export interface FileSettings {
  readonly given: ReadonlyMap<string, Given>;
  readonly problems: readonly string[];
}

interface SettingsFile {
  readonly path: string;
  readonly text: string;
  /** The keys that may be there, and whether each may have a list. */
  readonly keys: ReadonlyMap<string, { readonly repeatable: boolean }>;
}

type Yaml = typeof YamlModule;

/** Reads a configuration file: one mapping from flags to values, or to lists where a flag is repeatable. */
export async function readSettingsFile(file: SettingsFile): Promise<FileSettings> {
  if (Buffer.byteLength(file.text) > MAX_BYTES) return onlyProblem(`${file.path}: is larger than 64 KiB`);
  // Loaded here because most runs of ovr meet no file, and loading yaml is a good part of a short run.
  const yaml = await import('yaml');
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(file.text, { lineCounter: lines, uniqueKeys: false });
  const [mistake] = document.errors;
  if (mistake) {
    const what = mistake.message.split(' at line ')[0] ?? '';
    return onlyProblem(`${file.path}:${lines.linePos(mistake.pos[0]).line}: is not valid YAML: ${what}`);
  }
  const root = document.contents;
  if (root === null) return { given: new Map(), problems: [] };
  if (!yaml.isMap(root)) {
    return onlyProblem(
      `${file.path}:1: must hold lines of the form "key: value", for example "mode: observe"`,
    );
  }
  return readPairs({ yaml, file, lines: (offset) => lines.linePos(offset).line }, root);
}

function onlyProblem(problem: string): FileSettings {
  return { given: new Map(), problems: [problem] };
}

interface Context {
  readonly yaml: Yaml;
  readonly file: SettingsFile;
  readonly lines: (offset: number) => number;
}

function readPairs(context: Context, root: YamlModule.YAMLMap): FileSettings {
  const given = new Map<string, Given>();
  const problems: string[] = [];
  for (const pair of root.items) {
    const { key, where } = readKey(context, pair);
    const known = context.file.keys.get(key);
    const answer = known
      ? readTexts(context.yaml, pair.value, known.repeatable)
      : `is not a setting${didYouMean(key, [...context.file.keys.keys()])}`;
    if (typeof answer === 'string') problems.push(`${where}: ${answer}`);
    else if (given.has(key)) problems.push(`${where}: is set twice: keep one of the lines`);
    else given.set(key, { texts: answer, where });
  }
  return { given, problems };
}

function readKey({ yaml, file, lines }: Context, pair: YamlModule.Pair): { key: string; where: string } {
  const key = yaml.isScalar(pair.key) ? String(pair.key.value) : '?';
  const offset = yaml.isNode(pair.key) ? (pair.key.range?.[0] ?? 0) : 0;
  return { key, where: `${file.path}:${lines(offset)}: ${key}` };
}

/** The texts of a value, or what is wrong with it. */
function readTexts(yaml: Yaml, node: unknown, repeatable: boolean): readonly string[] | string {
  const single = scalarText(yaml, node);
  if (single !== undefined) return [single];
  if (!yaml.isCollection(node)) return 'has no value: write one or remove the line';
  if (!repeatable) return 'takes one value, not a list';
  const texts = node.items.map((item) => itemText(yaml, item));
  const good = texts.filter((text) => text !== undefined);
  return good.length === texts.length ? good : 'must be a list of plain values';
}

/** An element of a list, or `key=value` for a line of a mapping. */
function itemText(yaml: Yaml, item: unknown): string | undefined {
  if (!yaml.isPair(item)) return scalarText(yaml, item);
  const [key, value] = [scalarText(yaml, item.key), scalarText(yaml, item.value)];
  return key !== undefined && value !== undefined ? `${key}=${value}` : undefined;
}

/** As it is written, so that `1.30` does not turn into the number 1.3. */
function scalarText(yaml: Yaml, node: unknown): string | undefined {
  if (!yaml.isScalar(node) || node.value === null) return undefined;
  return typeof node.value === 'string' ? node.value : node.source;
}
