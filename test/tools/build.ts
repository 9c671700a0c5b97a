/** `npm run build`: compiles the product into dist/, makes its programs executable and writes the JSON Schema. */
import { execFile, spawn } from 'node:child_process';
import { access, chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { bundle } from './bundle.ts';

const root = join(import.meta.dirname, '..', '..');
const dist = join(root, 'dist');
const ovr = join(dist, 'cmd', 'ovr', 'main.js');
const programs = [ovr, join(dist, 'cmd', 'ovrd', 'main.js')];
/** The thread that reads manifests: ended and started anew at times. */
const thread = join(dist, 'pkg', 'source', 'parse-worker.js');
const schemaFile = join(dist, 'schema', 'ovr.schema.json');

async function run(...args: string[]): Promise<void> {
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`node ${args.join(' ')} ended with ${String(code)}`);
}

async function compile(): Promise<void> {
  await rm(dist, { recursive: true, force: true });
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  await run(compiler, '-p', 'tsconfig.build.json');
  for (const program of programs) {
    await access(program);
    await chmod(program, 0o755);
  }
  await bundle(thread);
}

/** From the built program, so that a build that cannot run fails here. */
async function writeSchema(): Promise<void> {
  const { stdout } = await promisify(execFile)(process.execPath, [ovr, 'schema']);
  JSON.parse(stdout);
  await mkdir(dirname(schemaFile), { recursive: true });
  await writeFile(schemaFile, stdout);
}

try {
  await compile();
  await writeSchema();
  for (const program of programs) await run(program, '--version');
} catch (error) {
  console.error(`build failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
