import { execFile, spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startOvrd, type Ovrd } from '../tools/ovrd.ts';

const dist = resolve(import.meta.dirname, '../../dist');
const OVR = join(dist, 'cmd/ovr/main.js');
const OVRD = join(dist, 'cmd/ovrd/main.js');

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a built program as a user would, from a folder that is not the project's. */
function run(program: string, ...args: readonly string[]): Promise<Ran> {
  return new Promise((done) => {
    const options = { cwd: tmpdir(), env: { ...process.env, OVR_SOCKET: ovrd?.socket ?? '' } };
    execFile(process.execPath, [program, ...args], options, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : 0;
      done({ code: error && code === 0 ? -1 : code, stdout, stderr });
    });
  });
}

const ovr = (...args: readonly string[]): Promise<Ran> => run(OVR, ...args);

let manifests: string;
let ovrd: Ovrd | undefined;

const container = (name: string, image: string): string => `apiVersion: ovr/v1
kind: Container
metadata: {name: ${name}}
spec:
  image: ${image}
  networks: [{name: ovr0, aliases: [web]}]
`;
const network = 'apiVersion: ovr/v1\nkind: Network\nmetadata: {name: ovr0}\nspec: {driver: overlay}\n';

/** Puts a manifest in place whole. */
async function put(file: string, text: string): Promise<void> {
  const temporary = join(manifests, `.${file}.new`);
  await writeFile(temporary, text);
  await rename(temporary, join(manifests, file));
}

beforeAll(async () => {
  manifests = await mkdtemp(join(tmpdir(), 'ovr-e2e-cli-'));
  await put('network.yaml', network);
  await put('web.yaml', container('web-1', 'nginx:1.27'));
  ovrd = await startOvrd({
    dockerHost: 'unix:///nonexistent',
    manifests,
    from: 'dist',
    args: ['--recursive', '--engine', 'memory', '--node-name', 'n1', '--listen', '127.0.0.1:0'],
  });
});

afterAll(async () => {
  await ovrd?.stop();
  await rm(manifests, { recursive: true });
});

describe('the built programs', () => {
  it.each([OVR, OVRD])('%s answers --help and --version and can be run by itself', async (program) => {
    expect((await run(program, '--help')).stdout).toMatch(/^Usage: ovrd? \[options\]/);
    expect((await run(program, '--version')).stdout).toMatch(/^ovrd? \d+\.\d+\.\d+\n$/);
    expect((await stat(program)).mode & 0o111).toBe(0o111);
    expect(await readFile(program, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  it('ovrd names every mistake and ends with 2', async () => {
    const { code, stderr } = await run(OVRD, '--resync', '60', '--mode', 'maybe');
    expect(code).toBe(2);
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/^ovrd: --mode: "maybe" is not valid: /),
      expect.stringMatching(/^ovrd: --resync: "60" is not valid: /),
      '',
    ]);
  });

  it('have the thread that reads manifests in one file, beside the licenses of what is in it', async () => {
    const alone = await mkdtemp(join(tmpdir(), 'ovr-thread-'));
    const file = join(alone, 'thread.mjs');
    await copyFile(join(dist, 'pkg/source/parse-worker.js'), file);
    const worker = new Worker(file);
    try {
      await once(worker, 'message'); // it is up
      const question = { op: 'parse', text: network, file: 'n.yaml', variables: new Map() };
      worker.postMessage({ id: 1, question });
      const [reply] = (await once(worker, 'message')) as unknown[];
      expect(reply).toMatchObject({ id: 1, answer: { objects: [{ key: 'Network/ovr0' }], diagnostics: [] } });
    } finally {
      await worker.terminate();
      await rm(alone, { recursive: true });
    }
    const licenses = await readFile(join(dist, 'pkg/source/parse-worker.licenses.txt'), 'utf8');
    expect(licenses).toMatch(/^yaml \d.*\n\nCopyright .*\n\nPermission to use/m);
    expect(licenses).toMatch(/^zod \d.*\n\nMIT License/m);
  });

  it('come with the schema that ovr prints', async () => {
    const file = await readFile(join(dist, 'schema/ovr.schema.json'), 'utf8');
    expect((await ovr('schema')).stdout).toBe(file);
  });
});

describe('ovr beside a running ovrd', () => {
  it('sees it converge', async () => {
    const { code, stdout } = await ovr('status', '--wait');
    expect([code, stdout]).toEqual([0, expect.stringContaining('Objects:     2 Ready\n')]);
    expect((await ovr('diff')).stdout).toBe('no differences\n');
  });

  it('shows objects', async () => {
    expect((await ovr('get', 'c')).stdout).toMatch(/^NAME .*\nweb-1 +Ready +running +nginx:1\.27 +ovr0 /);
    expect((await ovr('get', 'net', '-o', 'name')).stdout).toBe('Network/ovr0\n');
    expect((await ovr('get', 'nodes')).stdout).toMatch(/\nn1 +up +swarm-manager /);
    expect((await ovr('describe', 'c', 'web-1')).stdout).toContain('ovr0      10.64.0.');
    expect((await ovr('explain', 'c/web-1')).stdout).toMatch(/web\.yaml:1 declares it/);
  });

  it('waits for a change of a manifest to be done', async () => {
    await put('web.yaml', container('web-1', 'nginx:1.28'));
    expect((await ovr('status', '--wait')).code).toBe(0);
    const { stdout } = await ovr('get', 'c', 'web-1', '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({ observed: { image: 'nginx:1.28' } });
    expect((await ovr('events')).stdout).toMatch(/ Action .* Container\/web-1 .*ManifestChanged/);
  });

  it('shows a mistake in a manifest while the old one stays in force', async () => {
    await put('web.yaml', container('web-1', '[]'));
    await ovr('status', '--wait', '--timeout', '2s');
    const { stdout } = await ovr('status');
    expect(stdout).toMatch(/Problems:\n.*web\.yaml:5:10: error /);
    expect((await ovr('validate', manifests)).code).toBe(1);
    await put('web.yaml', container('web-1', 'nginx:1.28'));
    expect((await ovr('validate', manifests)).stdout).toBe('2 objects, 0 errors, 0 warnings\n');
  });

  it('reads folders below, keeps what moves between them, and asks before all of one goes', async () => {
    const place = (folder: string): string => join(manifests, folder);
    const origin = async (): Promise<string> => (await ovr('explain', 'c/api-1')).stdout;
    await mkdir(place('.team/api'), { recursive: true });
    await writeFile(place('.team/api/c.yaml'), container('api-1', 'nginx:1.27'));
    await rename(place('.team'), place('team'));
    await expect.poll(origin, { timeout: 20_000 }).toMatch(/\/team\/api\/c\.yaml:1 declares it/);
    expect((await ovr('status', '--wait')).code).toBe(0);
    await rename(place('team'), place('squad'));
    await expect.poll(origin, { timeout: 20_000 }).toMatch(/squad\/api\/c\.yaml:1 declares it/);
    expect((await ovr('validate', '-R', manifests)).stdout).toBe('3 objects, 0 errors, 0 warnings\n');
    await rm(place('squad'), { recursive: true });
    const held = async (): Promise<string> => (await ovr('prune')).stdout;
    await expect
      .poll(held, { timeout: 20_000 })
      .toMatch(/squad\/api declares anything any more[^]*Container\/api-1/);
    expect((await ovr('prune', '--confirm')).code).toBe(0);
    const containers = async (): Promise<string> => (await ovr('get', 'c', '-o', 'name')).stdout;
    await expect.poll(containers, { timeout: 20_000 }).toBe('Container/web-1\n');
  });

  it('asks over TCP as well, where only reading is allowed', async () => {
    const address = /"listen":"([^"]+)"/.exec((await ovrd?.log()) ?? '')?.[1] ?? '';
    expect((await ovr('status', '--server', `http://${address}`)).code).toBe(0);
    const { code, stderr } = await ovr('prune', '--confirm', '--server', `http://${address}`);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/this address is read-only/)]);
    const metrics = await fetch(`http://${address}/metrics`);
    expect(await metrics.text()).toContain('ovr_engine_up 1\n');
  });

  it('refuses to apply beside it', async () => {
    const { code, stderr } = await ovr('apply', '-f', manifests, '--engine', 'memory');
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^ovr: an agent runs here /)]);
  });

  it('follows events until it is interrupted', async () => {
    const env = { ...process.env, OVR_SOCKET: ovrd?.socket ?? '' };
    const child = spawn(process.execPath, [OVR, 'events', '-f', '-o', 'json'], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(130);
  });

  it('does not mind a reader that has had enough', async () => {
    const line = `"${process.execPath}" "${OVR}" get c -o yaml | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await new Promise<Ran>((done) => {
      const env = { ...process.env, OVR_SOCKET: ovrd?.socket ?? '' };
      execFile('bash', ['-c', line], { env }, (_error, stdout, stderr) => done({ code: 0, stdout, stderr }));
    });
    expect([stdout, stderr]).toEqual(['items:\n0\n', '']);
  });

  it('takes manifests from standard input', async () => {
    const child = spawn(process.execPath, [OVR, 'validate', '-'], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.end(network);
    const [text] = (await once(child.stdout, 'data')) as [Buffer];
    expect(text.toString()).toBe('1 object, 0 errors, 0 warnings\n');
  });
});

it('applies once, without an agent', async () => {
  const args = ['-f', manifests, '--engine', 'memory', '--socket', join(manifests, 'none.sock')];
  const { code, stdout } = await ovr('apply', ...args);
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(/\n2 objects, \d+ steps done: all as declared\n$/),
  ]);
  const diff = await ovr('diff', ...args);
  expect([diff.code, diff.stdout]).toEqual([
    1,
    expect.stringMatching(/\n2 objects differ, \d+ steps would be done\n$/),
  ]);
});
