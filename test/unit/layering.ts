import ts from 'typescript';
import { posix } from 'node:path';

/** A source file of the project; the path is relative to the root, with slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

export interface LayeringRules {
  /** For each folder of the table, the folders it may import; itself it may always. */
  readonly mayImport: ReadonlyMap<string, ReadonlySet<string>>;
  /** Folders that touch nothing but data. */
  readonly pure: ReadonlySet<string>;
  /** For each outside package, the folders that may import it. */
  readonly packages: Readonly<Record<string, readonly string[]>>;
}

/** Reads the column "may import" of the table in docs/architecture.md. `a … c` means all rows from a to c. */
export function readTable(markdown: string): Map<string, ReadonlySet<string>> {
  const rows = [...markdown.matchAll(/^\| *(`(?:pkg|cmd)\/.*?) *\|[^|]*\| *([^|]*?) *\|$/gm)].map(
    ([, folders = '', allowed = '']) => ({
      folders: [...folders.matchAll(/`([^`]+)`/g)].map(([, folder = '']) => folder),
      allowed,
    }),
  );
  const all = rows.flatMap(({ folders }) => folders);
  const table = new Map<string, ReadonlySet<string>>();
  for (const { folders, allowed } of rows) {
    for (const folder of folders) table.set(folder, new Set(readAllowed(allowed, all)));
  }
  return table;
}

function readAllowed(text: string, all: readonly string[]): string[] {
  if (text === 'nothing') return [];
  if (text === 'everything') return [...all];
  if (text === 'everything in pkg') return all.filter((folder) => folder.startsWith('pkg/'));
  const [first = '', last] = text.split(/ *… */);
  if (last !== undefined) return all.slice(placeOf(first, all), placeOf(last, all) + 1);
  return text.split(/ *, */).map((name) => all[placeOf(name, all)] ?? '');
}

function placeOf(name: string, all: readonly string[]): number {
  const place = all.indexOf(`pkg/${name}`);
  if (place < 0) throw new Error(`the table allows "${name}", which is no folder of it`);
  return place;
}

/** Every import that breaks a rule, as a sentence. Tests may import what they like. */
export function findViolations(files: readonly SourceFile[], rules: LayeringRules): string[] {
  const paths = new Set(files.map(({ path }) => path));
  return files
    .filter(({ path }) => !/\.test\.ts$/.test(path))
    .flatMap(({ path, text }) =>
      importsOf(text).flatMap((specifier) => {
        const problem = specifier.startsWith('.')
          ? checkRelative(path, posix.join(posix.dirname(path), specifier), { paths, rules })
          : checkPackage(path, specifier, rules);
        return problem === undefined ? [] : [`${path} imports ${specifier}: ${problem}`];
      }),
    );
}

/** All that a file imports or exports from elsewhere, also types and dynamic imports. */
function importsOf(text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
}

function folderOf(path: string): string {
  return path.split('/').slice(0, 2).join('/');
}

function checkRelative(
  from: string,
  to: string,
  { paths, rules }: { paths: ReadonlySet<string>; rules: LayeringRules },
): string | undefined {
  const [fromFolder, toFolder] = [folderOf(from), folderOf(to)];
  const allowed = rules.mayImport.get(fromFolder);
  if (allowed === undefined) return `${fromFolder} is not in the table of docs/architecture.md`;
  if (!paths.has(to)) return 'there is no such file in pkg or cmd';
  if (fromFolder !== toFolder && !allowed.has(toFolder)) return `${fromFolder} may not import ${toFolder}`;
  const face = publicFace(from, to, paths);
  return face === undefined || isWorker(from) ? undefined : `from outside, import ${face}`;
}

/** The index.ts that stands between the two files, if the import goes past it. */
function publicFace(from: string, to: string, paths: ReadonlySet<string>): string | undefined {
  if (posix.basename(to) === 'index.ts') return undefined;
  const parts = to.split('/');
  for (let depth = 1; depth < parts.length; depth += 1) {
    const folder = parts.slice(0, depth).join('/');
    const face = `${folder}/index.ts`;
    if (paths.has(face) && !from.startsWith(`${folder}/`)) return face;
  }
  return undefined;
}

/** The first file of a worker thread may skip what its start does not need. */
function isWorker(path: string): boolean {
  return /(^|[-/])worker\.ts$/.test(path);
}

function checkPackage(from: string, specifier: string, rules: LayeringRules): string | undefined {
  const folder = folderOf(from);
  if (specifier.startsWith('node:')) {
    if (specifier === 'node:crypto') return undefined; // hashes are pure; the linter sees that it is them alone
    return rules.pure.has(folder) ? 'the pure core imports no node modules' : undefined;
  }
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  const homes = rules.packages[name];
  if (homes === undefined) return `the package ${name} has no home in the layering test`;
  const isHome = homes.some((home) => folder === home || folder.startsWith(`${home}/`));
  return isHome ? undefined : `the package ${name} belongs to ${homes.join(' and ')} alone`;
}
