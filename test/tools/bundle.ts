import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { rolldown } from 'rolldown';

const PACKAGES = `${sep}node_modules${sep}`;

/**
 * Puts a compiled program and all that it imports into one file, in its place. It starts in a third of the time that a hundred files take, and
 * without the parts of packages that it does not use. The licenses of the packages in it go beside it.
 */
export async function bundle(program: string): Promise<void> {
  const build = await rolldown({ input: program, platform: 'node' });
  try {
    const { output } = await build.write({ file: program, format: 'esm' });
    if (output.length > 1) throw new Error(`${program} became ${output.length} files`);
    await writeFile(licensesOf(program), await licenses(output[0].moduleIds));
    await rm(`${program}.map`, { force: true }); // of the file that was there before
  } finally {
    await build.close();
  }
}

function licensesOf(program: string): string {
  return program.replace(/\.js$/, '.licenses.txt');
}

async function licenses(modules: readonly string[]): Promise<string> {
  const folders = new Set(modules.flatMap((module) => packageFolder(module) ?? []));
  const texts = await Promise.all([...folders].sort().map(licenseIn));
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}

/** The folder of the package that a module is of; undefined for one of our own. */
function packageFolder(module: string): string | undefined {
  const start = module.lastIndexOf(PACKAGES);
  if (start < 0) return undefined;
  const [scope = '', name = ''] = module.slice(start + PACKAGES.length).split(sep);
  return join(module.slice(0, start), PACKAGES, scope.startsWith('@') ? join(scope, name) : scope);
}

async function licenseIn(folder: string): Promise<string> {
  const file = (await readdir(folder)).find((name) => /^licen[cs]e/i.test(name));
  if (file === undefined) throw new Error(`${folder} has no license that could be passed on`);
  const { name, version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
  };
  return `${name} ${version}\n\n${await readFile(join(folder, file), 'utf8')}`;
}
