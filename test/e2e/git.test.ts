/** The built programs on a Git repository, with the engine in memory. */
import { execFile } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { AgentStatus, SourceStatus } from '../../pkg/reconcile/index.ts';
import { createClient } from '../../pkg/server/index.ts';
import { until } from '../lab/run.ts';
import { TestRepository, webhookCall } from '../tools/git-server.ts';
import { startOvrd, type Ovrd } from '../tools/ovrd.ts';

const dist = resolve(import.meta.dirname, '../../dist');
const SECRET = 'a secret of the webhook';
const MEMORY = ['--engine', 'memory', '--node-name', 'n1'];

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string;
let repository: TestRepository;
let ovrd: Ovrd | undefined;

function run(program: 'ovr' | 'ovrd', ...args: readonly string[]): Promise<Ran> {
  return new Promise((done) => {
    const path = join(dist, `cmd/${program}/main.js`);
    const env = { ...process.env, OVR_SOCKET: ovrd?.socket ?? '' };
    execFile(process.execPath, [path, ...args], { cwd: tmpdir(), env }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : 0;
      done({ code: error && code === 0 ? -1 : code, stdout, stderr });
    });
  });
}

const container = (image: string): string => `apiVersion: ovr/v1
kind: Container
metadata: {name: web-1}
spec:
  image: ${image}
  networks: [{name: ovr0}]
`;
const network = 'apiVersion: ovr/v1\nkind: Network\nmetadata: {name: ovr0}\nspec: {driver: overlay}\n';

/** An hour between polls: what happens sooner was asked for. */
const flags = (): string[] => [
  ...['--git-url', repository.url, '--git-path', 'prod', '--git-interval', '1h'],
  ...['--git-webhook-secret-file', join(folder, 'secret')],
];

async function start(): Promise<Ovrd> {
  ovrd = await startOvrd({
    dockerHost: 'unix:///nonexistent',
    from: 'dist',
    folder: join(folder, 'agent'),
    args: [...MEMORY, '--listen', '127.0.0.1:0', ...flags()],
  });
  return ovrd;
}

const status = (): Promise<AgentStatus> => createClient({ socketPath: ovrd?.socket ?? '' }).status();

async function git(): Promise<SourceStatus | undefined> {
  return (await status()).sources.find(({ name }) => name === 'git');
}

async function image(): Promise<string | undefined> {
  return (await status()).objects.find(({ name }) => name === 'web-1')?.observed?.image;
}

const isImage = async (wanted: string): Promise<true | undefined> => (await image()) === wanted || undefined;

/** Posts as GitHub does, or with other headers too. */
async function push(others: Readonly<Record<string, string>> = {}): Promise<Response> {
  const address = [...((await ovrd?.log()) ?? '').matchAll(/"listen":"([^"]+)"/g)].at(-1)?.[1] ?? '';
  const { body, headers } = webhookCall(SECRET);
  const sent = { ...headers, ...others };
  return fetch(`http://${address}/v1/hooks/git`, { method: 'POST', headers: sent, body });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ovr-e2e-git-'));
  repository = new TestRepository(folder);
  await writeFile(join(folder, 'secret'), `${SECRET}\n`);
  repository.push({ 'prod/network.yaml': network, 'prod/web.yaml': container('nginx:1.1') }, 'First');
});

afterAll(async () => {
  await ovrd?.stop();
  await rm(folder, { recursive: true, force: true });
});

it('a single run converges to the newest commit', async () => {
  const where = ['--state-dir', join(folder, 'once'), '--socket', join(folder, 'once.sock')];
  const { code, stderr } = await run('ovrd', '--once', ...MEMORY, ...flags(), ...where);
  expect([code, stderr]).toEqual([0, expect.stringContaining('"a new commit is in force"')]);
});

it.each([
  ['a mistake in the URL', ['--git-url', 'https://a/b?c'], 'the Git URL has a "?" or "#" in it'],
  ['a mistake in the ref', ['--git-url', 'file:///a', '--git-ref', 'a..b'], 'the Git ref "a..b" is no name'],
])('%s ends the start', async (_name, args, message) => {
  const { code, stderr } = await run('ovrd', ...MEMORY, ...args);
  expect([code, stderr]).toEqual([2, expect.stringContaining(`ovrd: ${message}`)]);
});

describe('an agent on a repository', () => {
  let first: string;
  let second: string;

  it('converges to the first commit', async () => {
    first = repository.git(['rev-parse', 'HEAD']).trim();
    await start();
    expect((await run('ovr', 'status', '--wait', '--timeout', '20s')).stdout).toMatch(
      new RegExp(`Commit: +${first.slice(0, 10)}, .* by Ann Example <ann@example.org>: First\n`),
    );
    expect(await image()).toBe('nginx:1.1');
  });

  it('acts on a push with ovr sync', async () => {
    const commit = repository.push({ 'prod/web.yaml': container('nginx:1.2') }, 'Second');
    const { code, stdout } = await run('ovr', 'sync');
    expect([code, stdout]).toEqual([0, expect.stringContaining(`Applied: ${commit.slice(0, 10)}, `)]);
    expect((await run('ovr', 'status', '--wait', '--timeout', '20s')).code).toBe(0);
    expect(await image()).toBe('nginx:1.2');
  });

  it('acts on a push with a webhook that is signed, and on no other', async () => {
    second = repository.push({ 'prod/web.yaml': container('nginx:1.3') }, 'Third');
    expect((await push({ 'X-Hub-Signature-256': `sha256=${'0'.repeat(64)}` })).status).toBe(401);
    expect((await push()).status).toBe(202);
    await until('the push to be acted on', 10_000, () => isImage('nginx:1.3'));
    expect((await git())?.commit).toMatchObject({ commit: second, subject: 'Third' });
    expect(await ovrd?.log()).not.toContain('refs/heads/main');
  });

  it('changes nothing for a broken commit, and says which one it is', async () => {
    const broken = repository.push({ 'prod/web.yaml': container('[]'), 'prod/network.yaml': null }, 'Break');
    const { code, stdout, stderr } = await run('ovr', 'sync');
    expect([code, stdout, stderr]).toEqual([
      1,
      expect.stringMatching(
        new RegExp(`^Applied: ${second.slice(0, 10)}, .*\nTried: +${broken.slice(0, 10)}`),
      ),
      expect.stringContaining('git:prod/web.yaml:5:10: error '),
    ]);
    expect(await git()).toMatchObject({
      commit: { commit: second },
      attempted: { commit: broken },
      problem: 'git-commit-broken',
    });
    expect([await image(), (await status()).objects.length]).toEqual(['nginx:1.3', 2]);
    const { stdout: shown } = await run('ovr', 'status');
    expect(shown).toMatch(/Commit: .*Third\nAttempted: .*Break \(git-commit-broken\)\n/);
  });

  it('keeps the last good commit over a restart without the remote', async () => {
    await rename(repository.bare, `${repository.bare}.away`);
    await ovrd?.end();
    await start();
    await until('the last commit to be applied again', 10_000, () => isImage('nginx:1.3'));
    expect(await git()).toMatchObject({ commit: { commit: second }, problem: 'git-repository-missing' });
    expect(await ovrd?.log()).not.toContain(SECRET);
    await rename(`${repository.bare}.away`, repository.bare);
    const mended = repository.push({ 'prod/web.yaml': container('nginx:1.4'), 'prod/network.yaml': network });
    expect((await run('ovr', 'sync')).stdout).toContain(`Applied: ${mended.slice(0, 10)}, `);
    expect(await git()).not.toHaveProperty('problem');
  });
});
